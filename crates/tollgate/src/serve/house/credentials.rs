use tollgate_api::ProfileReport;
use tollgate_proxy::{Provider, Snapshot};
use tollgate_routing::{ProfileState, TargetStanding};
use tollgate_types::UnixMillis;

/// Every credential of every provider, in the order of the configuration.
pub(super) fn profiles(snapshot: &Snapshot, now: UnixMillis) -> Vec<ProfileReport> {
    let of = |provider: &Provider| {
        let states = provider.pool.profiles(now).into_iter();
        let reports: Vec<_> = states
            .map(|state| report(&provider.id, &state, now))
            .collect();
        reports
    };
    snapshot.providers.iter().flat_map(of).collect()
}

fn report(provider: &str, state: &ProfileState, now: UnixMillis) -> ProfileReport {
    ProfileReport {
        profile_id: state.profile.to_string(),
        requests_count: state.requests,
        last_used_at: state.last_used.map(|at| at.0),
        cooldown_until: state.cooldown_until.map(|at| at.0),
        cooldown_left_ms: state.cooldown_until.map(|at| at.since(now)),
        failure_count: state.failures,
        standing: state.standing.as_str().to_owned(),
        last_fault: state.last_fault.map(|fault| fault.as_str().to_owned()),
        last_fault_at: state.last_fault_at.map(|at| at.0),
        in_flight: state.in_flight.into(),
        weight: state.weight,
        priority: state.priority,
        provider: provider.to_owned(),
    }
}

/// The state of a provider's circuit breaker: `closed` where its server is
/// asked as usual, `open` where it is passed by, `half_open` where the next
/// request tries it.
pub(super) fn breaker(provider: &Provider, now: UnixMillis) -> Option<String> {
    let target = provider.pool.target();
    let word = match (target.standing, target.next_try) {
        (TargetStanding::Ready, _) => "closed",
        (_, Some(at)) if at <= now => "half_open",
        _ => "open",
    };
    Some(word.to_owned())
}
