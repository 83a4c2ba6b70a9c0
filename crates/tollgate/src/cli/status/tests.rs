use tollgate_api::{LedgerStatus, ProviderStatus};

use super::*;

fn report() -> StatusReport {
    StatusReport {
        state: "ready".into(),
        version: "0.1.0".into(),
        pid: 4242,
        uptime_seconds: 3700,
        bind: "127.0.0.1:4100".into(),
        config_version: 2,
        config_fault: Some(
            "tollgate.toml:3: unknown section \"servr\"\n  hint: did you mean \"server\"?".into(),
        ),
        anonymous: Some("main".into()),
        agents: 1,
        in_flight: 3,
        providers: vec![ProviderStatus {
            id: "openai".into(),
            wire: "openai".into(),
            base_url: "https://api.openai.com/v1".into(),
            source: "environment".into(),
            state: "cooling".into(),
            credentials_ready: 0,
            credentials: 1,
            in_flight: 2,
            note: None,
        }],
        ledger: LedgerStatus {
            path: "/home/u/.local/state/tollgate/ledger.db".into(),
            written: 12345,
            ..LedgerStatus::default()
        },
        ..StatusReport::default()
    }
}

#[test]
fn the_gateway_at_a_glance() {
    let whole = Whole {
        status: report(),
        profiles: Some(vec![ProfileReport {
            profile_id: "openai:1".into(),
            requests_count: 12,
            last_used_at: Some(1_700_000_000_000),
            cooldown_until: Some(1_700_000_004_000),
            failure_count: 2,
            standing: "cooling".into(),
            last_fault: Some("rate_limit".into()),
        }]),
    };
    insta::assert_snapshot!(render(&whole, Paint(false)));
}

#[test]
fn colours_are_only_where_they_are_asked_for() {
    let whole = Whole {
        status: report(),
        profiles: None,
    };
    assert!(!render(&whole, Paint(false)).contains('\u{1b}'));
    assert!(render(&whole, Paint(true)).contains('\u{1b}'));
    let json = serde_json::to_value(&whole).unwrap();
    assert_eq!(json["state"], "ready");
    assert!(json.get("profiles").is_none());
}
