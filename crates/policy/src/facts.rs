use std::borrow::Cow;
use std::sync::Arc;

use tollgate_types::{Label, UnixMillis};

use crate::Fact;

/// The version of what [`Facts`] look like; `v` in JSON.
pub const FACTS_VERSION: u64 = 1;

/// Everything that rules may know of one call. It holds no secret: it is what
/// the ledger records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts<'a> {
    /// `model`, `http`, `exec`, `host`, `mcp`, `chat`, or a tool's own name.
    pub tool: Cow<'a, str>,
    /// The facts of that plane: a map, or whatever a hook sent.
    pub args: Fact<'a>,
    /// Who asks, and what is known around the call.
    pub context: Context<'a>,
}

/// What is known around a call. Nothing in here comes from the caller, except
/// below `claims`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context<'a> {
    /// Who asks, by its credential.
    pub agent_id: Cow<'a, str>,
    /// The sandbox that it runs in.
    pub bottle: Option<Cow<'a, str>>,
    /// The run that its credential was minted for.
    pub run: Option<Cow<'a, str>>,
    /// `model`, `egress`, `command`, `host`, `people` or `hook`.
    pub plane: Cow<'a, str>,
    /// The domain that the call goes to, in lower case and Punycode.
    pub domain: Option<Cow<'a, str>>,
    /// The domain lists that the domain is on.
    pub domain_lists: Vec<Label>,
    /// Where the agent may go; empty means that nothing is said.
    pub agent_allowed_domains: Arc<[Label]>,
    /// Where the agent may not go.
    pub agent_denied_domains: Arc<[Label]>,
    /// The risk tier of a command or host operation.
    pub tier: Option<Cow<'a, str>>,
    /// What has happened in the run.
    pub taint: Vec<Taint<'a>>,
    /// Tokens that are left in the budget that governs.
    pub budget_left: Option<u64>,
    /// When.
    pub time: UnixMillis,
    /// What the operator adds.
    pub extra: Vec<(Cow<'a, str>, Fact<'a>)>,
    /// What the caller says of itself. Never a fact.
    pub claims: Vec<(Cow<'a, str>, Fact<'a>)>,
}

/// Something that happened in a run and that later calls are judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Taint<'a> {
    /// `untrusted_content`, `injection_found`, `secret_seen` or
    /// `private_data_read`.
    pub kind: Cow<'a, str>,
    /// Where it came from.
    pub source: Cow<'a, str>,
    /// Since when.
    pub at: UnixMillis,
}

/// A fact as a rule's `where` sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'f> {
    Text(&'f str),
    Labels(&'f [Label]),
    Taints(&'f [Taint<'f>]),
    Whole(u64),
    Fact(&'f Fact<'f>),
}

impl Facts<'_> {
    /// What stands at a path such as `tool`, `args.model` or
    /// `context.agent_id`.
    pub(crate) fn at<'f>(&'f self, path: &[String]) -> Option<Seen<'f>> {
        match path {
            [tool] if tool == "tool" => Some(Seen::Text(&self.tool)),
            [args, rest @ ..] if args == "args" => within(&self.args, rest),
            [context, key, rest @ ..] if context == "context" => self.context.at(key, rest),
            _ => None,
        }
    }

    /// Whether both say the same but for what differs from one moment to the
    /// next: the time, and what is left of a budget.
    pub fn same_but_for_the_moment(&self, other: &Facts<'_>) -> bool {
        self.tool == other.tool
            && self.args == other.args
            && self.context.same_but_for_the_moment(&other.context)
    }

    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Facts<'static> {
        Facts {
            tool: Cow::Owned(self.tool.into_owned()),
            args: self.args.into_owned(),
            context: self.context.into_owned(),
        }
    }
}

impl Context<'_> {
    fn at<'f>(&'f self, key: &str, rest: &[String]) -> Option<Seen<'f>> {
        let text = |text: &'f Option<Cow<'_, str>>| text.as_deref().map(Seen::Text);
        match (key, rest) {
            ("agent_id", []) => Some(Seen::Text(&self.agent_id)),
            ("bottle", []) => text(&self.bottle),
            ("run", []) => text(&self.run),
            ("plane", []) => Some(Seen::Text(&self.plane)),
            ("domain", []) => text(&self.domain),
            ("tier", []) => text(&self.tier),
            ("domain_lists", []) => Some(Seen::Labels(&self.domain_lists)),
            ("agent_allowed_domains", []) => Some(Seen::Labels(&self.agent_allowed_domains)),
            ("agent_denied_domains", []) => Some(Seen::Labels(&self.agent_denied_domains)),
            ("taint", []) => Some(Seen::Taints(&self.taint)),
            ("budget_left", []) => self.budget_left.map(Seen::Whole),
            ("time", []) => Some(Seen::Whole(self.time.0 / 1000)),
            ("claims", [name, rest @ ..]) => within(named(&self.claims, name)?, rest),
            (name, rest) => within(named(&self.extra, name)?, rest),
        }
    }

    fn same_but_for_the_moment(&self, other: &Context<'_>) -> bool {
        // Taken apart, so that a fact that comes later can't be forgotten here.
        let Context {
            agent_id,
            bottle,
            run,
            plane,
            domain,
            domain_lists,
            agent_allowed_domains,
            agent_denied_domains,
            tier,
            taint,
            budget_left: _,
            time: _,
            extra,
            claims,
        } = self;
        *agent_id == other.agent_id
            && *run == other.run
            && *bottle == other.bottle
            && *plane == other.plane
            && *domain == other.domain
            && *domain_lists == other.domain_lists
            && *agent_allowed_domains == other.agent_allowed_domains
            && *agent_denied_domains == other.agent_denied_domains
            && *tier == other.tier
            && *taint == other.taint
            && *extra == other.extra
            && *claims == other.claims
    }

    fn into_owned(self) -> Context<'static> {
        let text = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        let pairs = |pairs: Vec<(Cow<'_, str>, Fact<'_>)>| {
            pairs
                .into_iter()
                .map(|(name, fact)| (Cow::Owned(name.into_owned()), fact.into_owned()))
                .collect()
        };
        let taint = self.taint.into_iter().map(|taint| Taint {
            kind: Cow::Owned(taint.kind.into_owned()),
            source: Cow::Owned(taint.source.into_owned()),
            at: taint.at,
        });
        Context {
            agent_id: Cow::Owned(self.agent_id.into_owned()),
            bottle: text(self.bottle),
            run: text(self.run),
            plane: Cow::Owned(self.plane.into_owned()),
            domain: text(self.domain),
            domain_lists: self.domain_lists,
            agent_allowed_domains: self.agent_allowed_domains,
            agent_denied_domains: self.agent_denied_domains,
            tier: text(self.tier),
            taint: taint.collect(),
            budget_left: self.budget_left,
            time: self.time,
            extra: pairs(self.extra),
            claims: pairs(self.claims),
        }
    }
}

fn named<'f>(pairs: &'f [(Cow<'_, str>, Fact<'f>)], name: &str) -> Option<&'f Fact<'f>> {
    let found = pairs.iter().find(|(known, _)| known == name);
    found.map(|(_, fact)| fact)
}

fn within<'f>(fact: &'f Fact<'f>, path: &[String]) -> Option<Seen<'f>> {
    path.iter()
        .try_fold(fact, |fact, name| fact.get(name))
        .map(Seen::Fact)
}
