use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use smallvec::SmallVec;
use tollgate_ledger::{Cursor, Ledger, StoredRequest, UsageBy, UsageRow};
use tollgate_types::{
    Actor, AgentName, Attempt, Consequence, Direction, FaultClass, Label, OperatorName, Outcome,
    Principal, ReasonCode, RequestId, RequestRecord, RunId, Sighting, TokenUsage, UnixMillis,
    Usage, UsageSource, Versions,
};

use crate::open;

const HOUR: u64 = 3_600_000;

/// Records of all kinds.
pub(crate) fn some(count: usize) -> Vec<RequestRecord> {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = vec(record(), count..=count).new_tree(&mut runner).unwrap();
    tree.current()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_field_comes_back_and_sums_are_the_sums_of_records(
        records in vec(record(), 0..90),
        since in of(prop_oneof![0..6 * HOUR, select(vec![0, 1, HOUR - 1, HOUR, HOUR + 1])]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let ledger = open(folder.path()).await;
            for record in &records {
                ledger.slot().unwrap().write(record.clone());
            }
            check_rows(&ledger, &records).await;
            for by in [UsageBy::Agent, UsageBy::Provider, UsageBy::Model] {
                let since = since.map(UnixMillis);
                let found = ledger.usage(by, since).await.unwrap();
                assert_eq!(found, expected(&records, by, since), "{by:?}");
            }
            let spent = ledger.spent(since.map(UnixMillis)).await.unwrap();
            let tokens: u64 = spent.iter().map(|spent| spent.tokens).sum();
            let since = since.map(UnixMillis);
            let counted = records.iter().filter(|record| Some(record.at) >= since);
            assert_eq!(tokens, counted.map(|record| record.usage.tokens.total()).sum::<u64>());
            ledger.close().await.unwrap();
        });
    }
}

async fn check_rows(ledger: &Ledger, records: &[RequestRecord]) {
    let mut rows = ledger.recent(1000).await.unwrap();
    rows.reverse();
    let expected: Vec<StoredRequest> = records
        .iter()
        .zip(1..)
        .map(|(record, place)| StoredRequest {
            cursor: Cursor(place),
            ..record.into()
        })
        .collect();
    assert_eq!(rows, expected);
    for row in rows.iter().step_by(9) {
        assert_eq!(ledger.request(row.id).await.unwrap().as_ref(), Some(row));
    }
}

/// The sums, counted the plain way.
fn expected(records: &[RequestRecord], by: UsageBy, since: Option<UnixMillis>) -> Vec<UsageRow> {
    let key = |label: Option<&str>| label.unwrap_or("(none)").to_owned();
    let mut rows: BTreeMap<String, UsageRow> = BTreeMap::new();
    for record in records.iter().filter(|record| Some(record.at) >= since) {
        let agent = record.principal.as_ref().map(|who| who.actor.name());
        let own = key(match by {
            UsageBy::Agent => agent,
            UsageBy::Provider => record.provider.as_deref(),
            _ => record.model_served.as_deref(),
        });
        let row = rows.entry(own).or_default();
        row.requests += 1;
        row.failed += u64::from(record.outcome == Outcome::Failed);
        row.refused += u64::from(record.outcome == Outcome::Refused);
        row.estimated_requests += u64::from(record.usage.source == UsageSource::Estimated);
        row.usage = row.usage.plus(record.usage.tokens);
        row.cost_nanos += record.cost_nanos.unwrap_or(0);
        let unpriced = record.cost_nanos.is_none() && record.usage.tokens.total() > 0;
        row.unpriced_requests += u64::from(unpriced);
        for attempt in record
            .attempts
            .iter()
            .filter(|attempt| attempt.fault.is_some())
        {
            let at = match by {
                UsageBy::Agent => key(agent),
                UsageBy::Provider => attempt.provider.to_string(),
                _ => attempt.model.to_string(),
            };
            rows.entry(at).or_default().failed_attempts += 1;
        }
    }
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|(key, row)| UsageRow { key, ..row })
        .collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.usage.total()), row.key.clone()));
    rows
}

fn sighting() -> impl Strategy<Value = Sighting> {
    (label(), label(), label(), any::<bool>(), 1..9_u32).prop_map(
        |(detector, kind, place, out, count)| Sighting {
            detector,
            kind,
            place,
            direction: if out {
                Direction::Outbound
            } else {
                Direction::Inbound
            },
            consequence: if out {
                Consequence::Redacted
            } else {
                Consequence::Tainted
            },
            count,
        },
    )
}

fn record() -> impl Strategy<Value = RequestRecord> {
    let who = (
        of(principal()),
        select(vec!["openai", "anthropic"]),
        any::<bool>(),
        any::<[u8; 16]>(),
    );
    let what = (
        of(label()),
        of(label()),
        of(label()),
        of(label()),
        usage(),
        attempts(),
    );
    let end = (
        200..600_u16,
        select(vec![
            Outcome::Ok,
            Outcome::Refused,
            Outcome::Failed,
            Outcome::ClientLeft,
        ]),
        of(select(ReasonCode::ALL.to_vec())),
        "[ -~äöü€\\n']{0,40}",
        of(label()),
        vec(sighting(), 0..3),
    );
    let times = (
        // Five hours, in which sums of whole hours and the rows of a part of
        // one must come together.
        prop_oneof![0..5 * HOUR, select(vec![0, HOUR - 1, HOUR, 2 * HOUR])],
        0..1_u64 << 40,
        of(0..1_u64 << 40),
        any::<u32>(),
        any::<u32>(),
    );
    let budget = (of(label()), 0..3_u64, of(0..1_000_000_000_u64));
    (who, what, end, times, label(), any::<bool>(), budget).prop_map(
        |(who, what, end, times, policy, plain, budget)| {
            let mut record = RequestRecord {
                id: RequestId::from_bytes(who.3),
                at: UnixMillis(times.0),
                principal: who.0,
                dialect: who.1,
                endpoint: "/v1/messages",
                stream: who.2,
                provider: what.0,
                model_asked: what.1,
                model_served: what.2,
                credential: what.3,
                usage: what.4,
                attempts: what.5,
                status: end.0,
                outcome: end.1,
                reason: end.2,
                message: Cow::Owned(end.3),
                rule: end.4,
                budget: budget.0,
                reserved_tokens: budget.1,
                cost_nanos: budget.2,
                versions: Versions {
                    config: u64::from(times.3),
                    policy,
                },
                latency_micros: times.1,
                first_byte_micros: times.2,
                overhead_micros: u64::from(times.4),
                findings: end.5,
                trace: None,
            };
            if plain {
                make_plain(&mut record);
            }
            record
        },
    )
}

/// The usual case: one attempt, of which the columns say everything.
fn make_plain(record: &mut RequestRecord) {
    let (Some(provider), Some(model), Some(credential)) =
        (&record.provider, &record.model_served, &record.credential)
    else {
        return;
    };
    record.attempts = SmallVec::from_iter([Attempt {
        provider: provider.clone(),
        model: model.clone(),
        credential: credential.clone(),
        status: Some(record.status),
        fault: None,
        note: "".into(),
        micros: 77,
    }]);
}

fn principal() -> impl Strategy<Value = Principal> {
    let actor = select(vec![
        Actor::Agent(AgentName::new("main").unwrap()),
        Actor::Agent(AgentName::new("ci-bot").unwrap()),
        Actor::Operator(OperatorName::new("olga").unwrap()),
        Actor::Gateway,
    ]);
    let run = of(select(vec![RunId::new("run-1"), RunId::new("run-2")]));
    let bottle = of(select(vec![Label::from("dev"), Label::from("base")]));
    (actor, run, bottle).prop_map(|(actor, run, bottle)| Principal { actor, run, bottle })
}

/// Few different ones, so that sums have something to add up.
fn label() -> impl Strategy<Value = Label> {
    select(vec!["openai", "claude/3", "a b", "ü'\"", "openai:1"]).prop_map(Label::from)
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || 0..1_000_000_000_u64;
    let source = vec![
        UsageSource::Reported,
        UsageSource::Estimated,
        UsageSource::None,
    ];
    (count(), count(), count(), count(), select(source)).prop_map(
        |(input, cache_read, cache_write, output, source)| Usage {
            tokens: TokenUsage {
                input,
                cache_read,
                cache_write,
                output,
            },
            source,
        },
    )
}

fn attempts() -> impl Strategy<Value = SmallVec<[Attempt; 1]>> {
    let attempt = (
        (label(), label(), label()),
        of(200..600_u16),
        of(select(FaultClass::ALL.to_vec())),
        "[ -~é\"\\\\]{0,20}",
        0..1_u64 << 40,
    )
        .prop_map(|(names, status, fault, note, micros)| Attempt {
            provider: names.0,
            model: names.1,
            credential: names.2,
            status,
            fault,
            note: Cow::Owned(note),
            micros,
        });
    vec(attempt, 0..4).prop_map(SmallVec::from_vec)
}
