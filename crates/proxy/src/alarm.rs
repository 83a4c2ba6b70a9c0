use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

/// A timer for limits that move on with every request and are hardly ever reached.
///
/// Setting a timer of its own for each request and taking it away again costs more than
/// all the rest of the waiting. This one stays where it was set: when it goes off early
/// it is set to the limit of that moment.
#[derive(Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once `limit` is over.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, limit: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(limit.into())));
        if sleep.deadline() > limit.into() {
            sleep.as_mut().reset(limit.into());
        }
        while sleep.as_mut().poll(context).is_ready() {
            if sleep.deadline() >= limit.into() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(limit.into());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_off_at_the_limit_wherever_it_stood() {
        let mut alarm = Alarm::default();
        for seconds in [5, 60, 1, 0, 30] {
            let begun = tokio::time::Instant::now();
            let limit = begun + Duration::from_secs(seconds);
            std::future::poll_fn(|context| alarm.poll(context, limit.into())).await;
            let past = begun.elapsed();
            let most = Duration::from_secs(seconds) + Duration::from_millis(2);
            assert!(
                (Duration::from_secs(seconds)..=most).contains(&past),
                "{past:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_moves_on_is_not_reached() {
        let mut alarm = Alarm::default();
        let (mut limit, mut moves) = (tokio::time::Instant::now() + Duration::from_secs(2), 0);
        let begun = tokio::time::Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        std::future::poll_fn(|context| {
            while moves < 10 && ticks.poll_tick(context).is_ready() {
                moves += 1;
                limit = tokio::time::Instant::now() + Duration::from_secs(2);
            }
            alarm.poll(context, limit.into())
        })
        .await;
        assert!(begun.elapsed() >= Duration::from_secs(11));
    }
}
