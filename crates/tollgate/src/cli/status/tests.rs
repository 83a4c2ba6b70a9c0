use tollgate_api::{LedgerStatus, ProfileReport};

use super::*;

const NOW: u64 = 1_700_000_090_000;

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
        policy: tollgate_api::PolicyStatus {
            version: "8c9c6b2b0d0a".into(),
            loaded: true,
            files: vec![tollgate_api::PolicyFileStatus {
                file: "models.star".into(),
                rules: 1,
                examples: 2,
            }],
            ..tollgate_api::PolicyStatus::default()
        },
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
            breaker: Some("open".into()),
            note: Some("last fault: rate_limit".into()),
        }],
        ledger: LedgerStatus {
            path: "/home/u/.local/state/tollgate/ledger.db".into(),
            written: 12345,
            ..LedgerStatus::default()
        },
        ..StatusReport::default()
    }
}

fn deep() -> StatusReport {
    let limited = ProfileReport {
        profile_id: "openai:1".into(),
        requests_count: 1234,
        last_used_at: Some(NOW - 12_400),
        cooldown_until: Some(NOW + 3_500),
        cooldown_left_ms: Some(3_500),
        failure_count: 2,
        standing: "cooling".into(),
        last_fault: Some("rate_limit".into()),
        last_fault_at: Some(NOW - 500),
        in_flight: 2,
        weight: 60,
        priority: 1,
        provider: "openai".into(),
    };
    let revoked = ProfileReport {
        profile_id: "openai:2".into(),
        standing: "invalid".into(),
        last_fault: Some("auth_error".into()),
        last_fault_at: Some(NOW - 7_200_000),
        cooldown_until: None,
        in_flight: 0,
        ..limited.clone()
    };
    let unused = ProfileReport {
        profile_id: "openai:3".into(),
        standing: "ready".into(),
        weight: 100,
        priority: 2,
        provider: "openai".into(),
        ..ProfileReport::default()
    };
    StatusReport {
        profiles: Some(vec![limited, revoked, unused]),
        ..report()
    }
}

#[test]
fn the_gateway_at_a_glance() {
    insta::assert_snapshot!(render(&deep(), NOW, Paint(false)));
}

#[test]
fn colours_are_only_where_they_are_asked_for() {
    assert!(!render(&deep(), NOW, Paint(false)).contains('\u{1b}'));
    let text = render(&deep(), NOW, Paint(true));
    let coloured = |word: &str, code: &str| text.contains(&format!("\u{1b}[{code}m{word}"));
    assert!(coloured("cooling", "33"), "waiting is yellow: {text}");
    assert!(
        coloured("invalid", "31;1") || coloured("invalid", "1;31"),
        "{text}"
    );
    assert!(coloured("ready", "32"), "{text}");
}

#[test]
fn credentials_are_in_the_report_only_where_they_were_asked_for() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["state"], "ready");
    assert!(json.get("profiles").is_none());
    let json = serde_json::to_value(deep()).unwrap();
    assert_eq!(json["profiles"][0]["cooldownLeftMs"], 3_500);
}
