use tollgate_api::ProfileReport;

use crate::cli::listing::{Column, grouped, listing};
use crate::cli::screen::Paint;
use crate::cli::when::lasting;

/// Every credential, a line each; `now` is what times are shown against.
pub(super) fn credentials(profiles: &[ProfileReport], now: u64, paint: Paint) -> String {
    use Column::{Left, Right, State};
    let rows: Vec<[String; 10]> = profiles.iter().map(|profile| row(profile, now)).collect();
    let columns = [
        Left("CREDENTIAL"),
        State("STATE"),
        Right("WEIGHT"),
        Right("PRIORITY"),
        Right("REQUESTS"),
        Right("FAILURES"),
        Right("IN FLIGHT"),
        Left("LAST USED"),
        Left("RESTS"),
        Left("LAST ERROR"),
    ];
    listing(columns, &rows, "no credentials", paint)
}

fn row(profile: &ProfileReport, now: u64) -> [String; 10] {
    [
        profile.profile_id.clone(),
        profile.standing.clone(),
        profile.weight.to_string(),
        profile.priority.to_string(),
        grouped(profile.requests_count),
        grouped(profile.failure_count),
        grouped(profile.in_flight),
        ago(profile.last_used_at, now),
        rest(profile, now),
        match &profile.last_fault {
            Some(fault) => format!("{fault}, {}", ago(profile.last_fault_at, now)),
            None => "-".to_owned(),
        },
    ]
}

fn ago(at: Option<u64>, now: u64) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| format!("{} ago", lasting(now.saturating_sub(at) / 1000)),
    )
}

/// How long it still rests, rounded up: a rest of half a second is one.
fn rest(profile: &ProfileReport, now: u64) -> String {
    match (profile.cooldown_until, profile.standing.as_str()) {
        (Some(until), _) if until > now => {
            format!("{} more", lasting((until - now).div_ceil(1000)))
        }
        (_, "invalid") => "until a reload".to_owned(),
        _ => "-".to_owned(),
    }
}
