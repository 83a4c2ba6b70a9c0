//! `[server]`, `[ledger]`, `[monitoring]` and `[telemetry]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate_proxy::Holdback;
use tollgate_types::AgentName;

use super::fault::Findings;
use super::settings::{AnswerModel, LedgerSettings, MonitoringSettings, ServerSettings};
use super::tree::Table;

const MIB: usize = 1024 * 1024;

/// The listener, its limits, and whether it may listen there.
pub(super) fn server(table: &Table, findings: &mut Findings) -> Option<ServerSettings> {
    let anonymous = table.text("anonymous");
    let anonymous = anonymous.and_then(|name| AgentName::new(name.as_str()).ok());
    if table.number("bodies_in_flight_mb") < table.number("max_body_mb") {
        let found = table.number("bodies_in_flight_mb");
        let message = format!(
            "server: bodies_in_flight_mb is \"{found}\", expected at least max_body_mb, {}",
            table.number("max_body_mb")
        );
        findings
            .fault(table.line_of("bodies_in_flight_mb"), message)
            .hint("a body of the largest size must fit, or it could never be served");
    }
    let bind = bind(table, anonymous.is_some(), findings)?;
    Some(listener(table, bind, anonymous))
}

/// The listener with the limits of the table.
pub(super) fn listener(
    table: &Table,
    bind: SocketAddr,
    anonymous: Option<AgentName>,
) -> ServerSettings {
    ServerSettings {
        bind,
        anonymous,
        drain: table.seconds("drain_seconds"),
        answer_model: match table.word("answer_model") {
            "asked" => AnswerModel::Asked,
            _ => AnswerModel::Served,
        },
        strict_translation: table.word("translation") == "strict",
        hold: Holdback {
            tokens: Some(table.number("hold_tokens")).filter(|it| *it > 0),
            time: Some(table.number("hold_ms"))
                .filter(|it| *it > 0)
                .map(Duration::from_millis),
        },
        max_body: size(table.number("max_body_mb")),
        bodies_in_flight: size(table.number("bodies_in_flight_mb")),
        header_read: table.seconds("header_read_seconds"),
        body_idle: table.seconds("body_idle_seconds"),
    }
}

/// An address beyond loopback carries keys and prompts in clear text, so it
/// has to be asked for twice, and never together with callers without a key.
fn bind(table: &Table, anonymous: bool, findings: &mut Findings) -> Option<SocketAddr> {
    let line = table.line_of("bind");
    let word = table.word("bind");
    let shown = table.text("bind").map_or("(not shown)", |text| &text.shown);
    let mut fault = |expected: &str, hint: &str| {
        let message = format!("server: bind is {shown}, expected {expected}");
        findings.fault(line, message).hint(hint);
    };
    let Ok(bind) = word.parse::<SocketAddr>() else {
        let hint = match word.starts_with("localhost:") {
            true => "write 127.0.0.1 for localhost",
            false => "for example \"127.0.0.1:4100\"; port 0 takes a free one",
        };
        fault("ADDRESS:PORT", hint);
        return None;
    };
    if anonymous && !bind.ip().is_loopback() {
        let hint = "set anonymous = false, and give each agent a key";
        fault("loopback with anonymous = \"main\"", hint);
    }
    if !table.flag("insecure") && !bind.ip().is_loopback() {
        let hint =
            "bind to 127.0.0.1 behind a TLS proxy, or accept clear text with insecure = true";
        fault("loopback as there is no TLS", hint);
    }
    Some(bind)
}

/// `sqlite`, or `sqlite:PATH` beside the configuration.
pub(super) fn ledger(
    table: &Table,
    beside: &Path,
    state: &Path,
    findings: &mut Findings,
) -> Option<LedgerSettings> {
    let url = table.word("url");
    if url == "sqlite" {
        return Some(beside_state(state));
    }
    let line = table.line_of("url");
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        findings
            .fault(
                line,
                "ledger: url names PostgreSQL, which is not built into this version",
            )
            .hint("url = \"sqlite\"");
        return None;
    }
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"));
    match path.filter(|path| !path.is_empty() && !path.contains('?')) {
        Some(path) => Some(LedgerSettings {
            path: beside.join(PathBuf::from(path)),
        }),
        None => {
            findings.fault(
                line,
                "ledger: url is (not shown), expected sqlite or sqlite:PATH",
            );
            None
        }
    }
}

/// The ledger's usual place.
pub(super) fn beside_state(state: &Path) -> LedgerSettings {
    LedgerSettings {
        path: state.join("ledger.db"),
    }
}

pub(super) fn monitoring(monitoring: &Table, telemetry: &Table) -> MonitoringSettings {
    MonitoringSettings {
        ring_buffer_size: usize::try_from(monitoring.number("ring_buffer_size")).unwrap_or(1),
        metrics_public: telemetry.flag("metrics_public"),
    }
}

fn size(mebibytes: u64) -> usize {
    usize::try_from(mebibytes)
        .unwrap_or(usize::MAX)
        .saturating_mul(MIB)
}
