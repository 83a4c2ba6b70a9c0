use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;
use tollgate_types::{Label, Outcome, Principal, ReasonCode, RequestRecord, UsageSource};

use crate::columns::Values;
use crate::encoding::Kind;

/// What many requests have in common.
///
/// Writing it once instead of in every row halves the file and a row's CPU:
/// most of it went into copying the same ten texts. The table need not be
/// free of doubles, so nothing is looked up in it: what is not in memory is
/// written anew.
struct Shape {
    principal: Option<Principal>,
    dialect: &'static str,
    endpoint: &'static str,
    stream: bool,
    provider: Option<Label>,
    model_asked: Option<Label>,
    model_served: Option<Label>,
    credential: Option<Label>,
    usage_source: UsageSource,
    status: u16,
    outcome: Outcome,
    reason: Option<ReasonCode>,
    rule: Option<Label>,
    config_version: u64,
    policy: Label,
    budget: Option<Label>,
}

impl From<&RequestRecord> for Shape {
    fn from(record: &RequestRecord) -> Self {
        Self {
            principal: record.principal.clone(),
            dialect: record.dialect,
            endpoint: record.endpoint,
            stream: record.stream,
            provider: record.provider.clone(),
            model_asked: record.model_asked.clone(),
            model_served: record.model_served.clone(),
            credential: record.credential.clone(),
            usage_source: record.usage.source,
            status: record.status,
            outcome: record.outcome,
            reason: record.reason,
            rule: record.rule.clone(),
            config_version: record.versions.config,
            policy: record.versions.policy.clone(),
            budget: record.budget.clone(),
        }
    }
}

impl Shape {
    /// Whether the record has this shape. Compares what differs most often
    /// first.
    fn is_of(&self, record: &RequestRecord) -> bool {
        self.principal == record.principal
            && self.model_asked == record.model_asked
            && self.model_served == record.model_served
            && self.provider == record.provider
            && self.credential == record.credential
            && self.status == record.status
            && self.outcome == record.outcome
            && self.stream == record.stream
            && self.usage_source == record.usage.source
            && self.reason == record.reason
            && self.rule == record.rule
            && self.budget == record.budget
            && self.config_version == record.versions.config
            && self.policy == record.versions.policy
            && self.dialect == record.dialect
            && self.endpoint == record.endpoint
    }
}

/// Shapes kept in memory. More only come where callers make up names; then
/// the cache begins anew.
const MOST: usize = 1024;

/// In the order of their numbers in the canonical form: a new one goes to the
/// end.
pub(crate) const COLUMNS: [&str; 19] = [
    "principal",
    "principal_kind",
    "run",
    "dialect",
    "endpoint",
    "stream",
    "provider",
    "model_asked",
    "model_served",
    "credential",
    "usage_source",
    "status",
    "outcome",
    "reason",
    "rule",
    "config_version",
    "policy",
    "budget",
    "bottle",
];

/// A shape as records refer to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaped {
    pub(crate) number: i64,
    /// Of all that the shape says; the record's link covers it.
    pub(crate) digest: [u8; 32],
}

/// Numbers for shapes.
pub(crate) struct Shapes {
    /// By a hash of what differs most often, so that a record whose shape is
    /// known costs no copy of its texts.
    known: HashMap<u64, Vec<(Shape, Shaped)>>,
    hasher: RandomState,
    count: usize,
    last: i64,
}

impl Shapes {
    pub(crate) async fn new(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        Ok(Self {
            known: HashMap::new(),
            hasher: RandomState::default(),
            count: 0,
            last: last(connection).await?,
        })
    }

    /// The record's shape, which is written where it is new.
    pub(crate) async fn shaped(
        &mut self,
        connection: &mut SqliteConnection,
        record: &RequestRecord,
    ) -> Result<Shaped, sqlx::Error> {
        let hash = self.hasher.hash_one((
            &record.principal,
            &record.model_asked,
            &record.model_served,
            &record.credential,
            record.status,
        ));
        let same = self.known.get(&hash).into_iter().flatten();
        if let Some((_, shaped)) = same.into_iter().find(|(shape, _)| shape.is_of(record)) {
            return Ok(*shaped);
        }
        let (number, shape) = (self.last + 1, Shape::from(record));
        let digest = Self::insert(connection, number, &shape).await?;
        self.last = number;
        if self.count >= MOST {
            self.forget_all();
        }
        let shaped = Shaped { number, digest };
        self.known.entry(hash).or_default().push((shape, shaped));
        self.count += 1;
        Ok(shaped)
    }

    fn forget_all(&mut self) {
        self.known.clear();
        self.count = 0;
    }

    /// After a rollback, when shapes that are remembered may not be there.
    pub(crate) async fn forget(&mut self, connection: &mut SqliteConnection) {
        self.forget_all();
        // Where not even this can be read, numbers go on from where they
        // were: a gap does no harm.
        if let Ok(last) = last(connection).await {
            self.last = last;
        }
    }

    async fn insert(
        connection: &mut SqliteConnection,
        number: i64,
        shape: &Shape,
    ) -> Result<[u8; 32], sqlx::Error> {
        let mut values = Values::of(Kind::Shape);
        values.add_principal(shape.principal.as_ref());
        values.add(shape.dialect);
        values.add(shape.endpoint);
        values.add(shape.stream);
        values.add_label(shape.provider.as_ref());
        values.add_label(shape.model_asked.as_ref());
        values.add_label(shape.model_served.as_ref());
        values.add_label(shape.credential.as_ref());
        values.add(shape.usage_source.as_str());
        values.add(i64::from(shape.status));
        values.add(shape.outcome.as_str());
        values.add(shape.reason.map(ReasonCode::as_str));
        values.add_label(shape.rule.as_ref());
        values.add_versions(shape.config_version, &shape.policy);
        values.add_label(shape.budget.as_ref());
        let who = shape.principal.as_ref();
        values.add_label(who.and_then(|who| who.bottle.as_ref()));
        let digest = values.row().digest();
        values.bind(digest.to_vec());
        values.bind(number);
        let (columns, marks) = (COLUMNS.join(", "), ["?"; COLUMNS.len()].join(", "));
        let sql = format!("INSERT INTO shape ({columns}, digest, shape) VALUES ({marks}, ?, ?)");
        sqlx::query_with(AssertSqlSafe(sql), values.finish()?)
            .execute(connection)
            .await?;
        Ok(digest)
    }
}

async fn last(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(max(shape), 0) FROM shape")
        .fetch_one(connection)
        .await
}
