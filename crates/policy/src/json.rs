use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use tollgate_types::{Label, UnixMillis};

use crate::{Context, FACTS_VERSION, Fact, Facts, Taint};

/// JSON that is no set of facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFacts {
    /// Not JSON, or a key stands twice in one object.
    #[error("{0}")]
    Json(String),
    /// A value of another kind than its key's.
    #[error("{place} is {found}, expected {expected}")]
    Kind {
        /// The key's path.
        place: String,
        /// What was found.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A key that there is not.
    #[error("unknown key `{0}`, expected tool, args or context")]
    Key(String),
    /// Facts of another version.
    #[error("facts have version {0}, expected {FACTS_VERSION}")]
    Version(i64),
}

impl Fact<'static> {
    /// Reads JSON; a name that stands twice in one object is a fault, because
    /// two readers could take it for two things.
    ///
    /// # Errors
    /// [`NotFacts::Json`] with the place.
    pub fn from_json(json: &[u8]) -> Result<Self, NotFacts> {
        serde_json::from_slice(json).map_err(|error| NotFacts::Json(error.to_string()))
    }
}

impl Facts<'static> {
    /// Reads what [`Facts`] write, and what an operator writes by hand: only
    /// what differs from nothing has to be there. Keys of `context` that
    /// Tollgate does not know are what the operator adds.
    ///
    /// Never for what a caller sends: that is a claim.
    ///
    /// # Errors
    /// [`NotFacts`] says which key is wrong.
    pub fn from_json(json: &[u8]) -> Result<Self, NotFacts> {
        Fact::from_json(json)?.try_into()
    }
}

impl TryFrom<Fact<'static>> for Facts<'static> {
    type Error = NotFacts;

    fn try_from(fact: Fact<'static>) -> Result<Self, NotFacts> {
        let mut facts = Facts {
            args: Fact::Map(Vec::new()),
            ..Facts::default()
        };
        for (key, value) in pairs("facts", fact)? {
            match key.as_ref() {
                "v" => match value {
                    Fact::Whole(version) if version == FACTS_VERSION as i64 => {}
                    Fact::Whole(version) => return Err(NotFacts::Version(version)),
                    other => return Err(kind("v", &other, "a number")),
                },
                "tool" => facts.tool = text("tool", value)?,
                "args" => facts.args = value,
                "context" => facts.context = context(value)?,
                _ => return Err(NotFacts::Key(key.chars().take(64).collect())),
            }
        }
        Ok(facts)
    }
}

fn context(fact: Fact<'static>) -> Result<Context<'static>, NotFacts> {
    let mut context = Context::default();
    for (key, value) in pairs("context", fact)? {
        let some = |value| match value {
            Fact::Nothing => Ok(None),
            value => text(&key, value).map(Some),
        };
        match key.as_ref() {
            "agent_id" => context.agent_id = text(&key, value)?,
            "plane" => context.plane = text(&key, value)?,
            "bottle" => context.bottle = some(value)?,
            "run" => context.run = some(value)?,
            "domain" => context.domain = some(value)?,
            "tier" => context.tier = some(value)?,
            "domain_lists" => context.domain_lists = labels(&key, value)?,
            "agent_allowed_domains" => context.agent_allowed_domains = labels(&key, value)?.into(),
            "agent_denied_domains" => context.agent_denied_domains = labels(&key, value)?.into(),
            "taint" => context.taint = taints(value)?,
            "budget_left" => context.budget_left = whole(&key, value)?,
            "time" => {
                let seconds = whole(&key, value)?.unwrap_or(0);
                context.time = UnixMillis(seconds.saturating_mul(1000));
            }
            "claims" => context.claims = pairs(&key, value)?,
            _ => context.extra.push((key, value)),
        }
    }
    Ok(context)
}

/// `{"secret_seen": {"source": "scan", "at": 1700000000}}`, or the bare kinds
/// in a list.
fn taints(fact: Fact<'static>) -> Result<Vec<Taint<'static>>, NotFacts> {
    let bare = |kind| Taint {
        kind,
        source: Cow::Borrowed(""),
        at: UnixMillis(0),
    };
    match fact {
        Fact::List(kinds) => {
            let mut all: Vec<Taint<'static>> = Vec::new();
            for kind in kinds {
                let kind = text("taint", kind)?;
                // Written down, a kind is a key, and no key stands twice.
                if !all.iter().any(|known| known.kind == kind) {
                    all.push(bare(kind));
                }
            }
            Ok(all)
        }
        fact => {
            let one = |(kind, fact): (Cow<'static, str>, Fact<'static>)| {
                let mut taint = bare(kind);
                for (key, value) in pairs("taint", fact)? {
                    match key.as_ref() {
                        "source" => taint.source = text("taint source", value)?,
                        "at" => {
                            let seconds = whole("taint at", value)?.unwrap_or(0);
                            taint.at = UnixMillis(seconds.saturating_mul(1000));
                        }
                        _ => {}
                    }
                }
                Ok(taint)
            };
            pairs("taint", fact)?.into_iter().map(one).collect()
        }
    }
}

type Pairs = Vec<(Cow<'static, str>, Fact<'static>)>;

fn pairs(place: &str, fact: Fact<'static>) -> Result<Pairs, NotFacts> {
    match fact {
        Fact::Map(pairs) => Ok(pairs),
        Fact::Nothing => Ok(Vec::new()),
        other => Err(kind(place, &other, "an object")),
    }
}

fn text(place: &str, fact: Fact<'static>) -> Result<Cow<'static, str>, NotFacts> {
    match fact {
        Fact::Text(text) => Ok(text),
        other => Err(kind(place, &other, "a string")),
    }
}

fn labels(place: &str, fact: Fact<'static>) -> Result<Vec<Label>, NotFacts> {
    match fact {
        Fact::List(list) => {
            let labels = list.into_iter().map(|item| text(place, item));
            labels.map(|label| label.map(Label::from)).collect()
        }
        other => Err(kind(place, &other, "a list of strings")),
    }
}

fn whole(place: &str, fact: Fact<'static>) -> Result<Option<u64>, NotFacts> {
    match fact {
        Fact::Nothing => Ok(None),
        Fact::Whole(number) if number >= 0 => Ok(Some(number.unsigned_abs())),
        other => Err(kind(place, &other, "a whole number, zero or more")),
    }
}

fn kind(place: &str, found: &Fact<'_>, expected: &'static str) -> NotFacts {
    NotFacts::Kind {
        place: place.chars().take(64).collect(),
        found: found.kind(),
        expected,
    }
}

impl<'de> Deserialize<'de> for Fact<'static> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FactVisitor)
    }
}

struct FactVisitor;

impl<'de> Visitor<'de> for FactVisitor {
    type Value = Fact<'static>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Fact::Nothing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Fact::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Fact::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Fact::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Fact::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Fact::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Fact::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = std::collections::HashSet::new();
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                let name: String = name.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("key `{name}` stands twice")));
            }
            pairs.push((Cow::Owned(name), map.next_value()?));
        }
        Ok(Fact::Map(pairs))
    }
}

impl Serialize for Fact<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => to.serialize_unit(),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Whole(number) => to.serialize_i64(*number),
            Self::Number(number) => to.serialize_f64(*number),
            Self::Text(text) => to.serialize_str(text),
            Self::List(list) => {
                let mut seq = to.serialize_seq(Some(list.len()))?;
                for item in list {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(pairs) => {
                let mut map = to.serialize_map(Some(pairs.len()))?;
                for (name, fact) in pairs {
                    map.serialize_entry(name, fact)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("v", &FACTS_VERSION)?;
        map.serialize_entry("tool", &self.tool)?;
        map.serialize_entry("args", &self.args)?;
        map.serialize_entry("context", &self.context)?;
        map.end()
    }
}

impl Serialize for Context<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("agent_id", &self.agent_id)?;
        map.serialize_entry("plane", &self.plane)?;
        map.serialize_entry("bottle", &self.bottle)?;
        map.serialize_entry("run", &self.run)?;
        map.serialize_entry("domain", &self.domain)?;
        map.serialize_entry("domain_lists", &Texts(&self.domain_lists))?;
        map.serialize_entry("agent_allowed_domains", &Texts(&self.agent_allowed_domains))?;
        map.serialize_entry("agent_denied_domains", &Texts(&self.agent_denied_domains))?;
        map.serialize_entry("tier", &self.tier)?;
        map.serialize_entry("taint", &Taints(&self.taint))?;
        map.serialize_entry("budget_left", &self.budget_left)?;
        map.serialize_entry("time", &(self.time.0 / 1000))?;
        for (name, fact) in &self.extra {
            map.serialize_entry(name, fact)?;
        }
        map.serialize_entry("claims", &Claims(&self.claims))?;
        map.end()
    }
}

struct Texts<'a>(&'a [Label]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|label| &**label))
    }
}

struct Taints<'a>(&'a [Taint<'a>]);

impl Serialize for Taints<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|taint| {
            let since = Fact::from(taint.at.0 / 1000);
            let source = Fact::text(&taint.source);
            (&taint.kind, Fact::map([("source", source), ("at", since)]))
        }))
    }
}

struct Claims<'a>(&'a [(Cow<'a, str>, Fact<'a>)]);

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, fact)| (name, fact)))
    }
}
