//! How large a request is: for the limits of its agent, and for context
//! windows.

use bytes::Bytes;
use tollgate_llm::{Endpoint, RequestView, count_input, estimate_tokens, most_input};
use tollgate_routing::Ask;

use super::Identified;
use crate::account::Account;
use crate::refusal::Refusal;

/// Room for an answer of which nothing says how long it may be, where context
/// windows are compared.
const ANSWER: u64 = 4_096;

/// Beyond every context window there is; nothing is counted further.
const LARGEST_WINDOW: u64 = 16 << 20;

impl Identified {
    /// Takes the request out of what its agent may ask for in a minute.
    pub(super) fn pace(
        &self,
        endpoint: Endpoint,
        view: &RequestView,
        bytes: usize,
        account: &mut Account,
    ) -> Result<(), Refusal> {
        let rates = &self.snapshot.rates;
        if rates.is_empty() {
            return Ok(());
        }
        let Some(rate) = rates.get(self.agent.name()) else {
            return Ok(());
        };
        let input = match endpoint.only_counts() {
            true => 0,
            false => estimate_tokens(bytes as u64),
        };
        let most = view.max_output.or(self.agent.spec().defaults.max_tokens);
        let output = most.unwrap_or(0).saturating_mul(view.choices);
        account.paced(rate, input, input.saturating_add(output))?;
        Ok(())
    }

    /// How large the request is, where a context window depends on it. What
    /// fits by its length alone is not counted; the tokenizer is slow enough
    /// to have a thread of its own.
    pub(super) async fn need(&self, ask: &Ask<'_>, view: &RequestView, body: &Bytes) -> u64 {
        let Some(narrowest) = self.snapshot.routes.narrowest(ask) else {
            return 0;
        };
        let most = view.max_output.or(self.agent.spec().defaults.max_tokens);
        let output = most.unwrap_or(ANSWER).saturating_mul(view.choices);
        let bound = most_input(body).saturating_add(output);
        if bound <= narrowest {
            return bound;
        }
        let body = body.clone();
        let counted = tokio::task::spawn_blocking(move || count_input(&body, LARGEST_WINDOW));
        counted
            .await
            .map_or(bound, |input| input.saturating_add(output))
    }
}
