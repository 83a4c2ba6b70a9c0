//! Who asks: by a key, or as a process of the same user. Never by a name.

use std::sync::Arc;

use tollgate_api::ExecRequest;
use tollgate_approvals::{Ask, Case, Fallback, Ruling, SafeTier, Security, Standing, visible};
use tollgate_identity::Agent;
use tollgate_types::{AgentName, Principal, Tier};

use crate::case::Denial;
use crate::{House, Rulebook};

/// The agent of whoever has no key.
const LOCAL: &str = "main";

/// The process at the other end, by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    pub(crate) pid: i32,
}

/// Who asks, and by whose rules that is judged.
pub(crate) struct Asker {
    /// By credential, or `main`.
    pub(crate) agent: Arc<Agent>,
    /// The one that is judged; the agent itself, or one that it may speak for,
    /// or one that it merely says it is.
    pub(crate) named: AgentName,
    /// Whether the name is proven.
    pub(crate) proven: bool,
    pub(crate) peer: Peer,
}

impl Asker {
    pub(crate) fn identify(
        house: &dyn House,
        peer: Peer,
        request: &ExecRequest,
    ) -> Result<Self, Denial> {
        let wanted = request.agent_id.as_deref().map(AgentName::new).transpose();
        let wanted = wanted.map_err(|error| Denial::bad(format!("agentId: {error}")))?;
        let asker = match &request.key {
            Some(key) => Self::by_key(house, peer, key, wanted)?,
            None => Self::local(house, peer, wanted)?,
        };
        for name in [asker.agent.name(), &asker.named] {
            if let Some(why) = house.cut_off(name) {
                let text = format!("agent `{name}` is cut off {why}");
                let hint = format!("`tollgate cutoff {name} --undo` lets it go on");
                return Err(Denial::new("cut_off", text).hint(hint));
            }
        }
        Ok(asker)
    }

    fn by_key(
        house: &dyn House,
        peer: Peer,
        key: &str,
        wanted: Option<AgentName>,
    ) -> Result<Self, Denial> {
        let unknown = || Denial::new("unauthenticated", "no agent has this key");
        let agent = house.identify(key).ok_or_else(unknown)?;
        let named = wanted.unwrap_or_else(|| agent.name().clone());
        if !agent.may_act_for(&named) {
            let text = format!(
                "the request names agent `{named}`, its key is agent `{}`",
                agent.name()
            );
            return Err(Denial::new("unauthenticated", text));
        }
        Ok(Self {
            agent,
            named,
            proven: true,
            peer,
        })
    }

    /// A process of our own user is agent `main`. Where it says that it is
    /// another one, the stricter of both counts.
    fn local(house: &dyn House, peer: Peer, wanted: Option<AgentName>) -> Result<Self, Denial> {
        let main = AgentName::new(LOCAL).map_err(|error| Denial::bad(error.to_string()))?;
        let named = wanted.unwrap_or_else(|| main.clone());
        if named != main && house.agent(&named).is_none() {
            let text = format!("no agent `{named}`");
            return Err(Denial::bad(text).hint("`tollgate agents list` shows all".to_owned()));
        }
        let agent = house.agent(&main);
        Ok(Self {
            agent: agent.unwrap_or_else(|| Arc::new(Agent::unlisted(main.clone()))),
            proven: named == main,
            named,
            peer,
        })
    }

    /// The record's principal: what is proven, never what is said.
    pub(crate) fn principal(&self) -> Principal {
        self.agent.principal().clone()
    }

    /// The names whose rules all have to agree.
    pub(crate) fn names(&self) -> Vec<&AgentName> {
        match self.proven {
            true => vec![&self.named],
            false => vec![self.agent.name(), &self.named],
        }
    }

    /// What stays the same if the same user asks again.
    pub(crate) fn requester(&self) -> String {
        format!("uid {}", self.peer.uid)
    }

    /// For the card: what the kernel says of the process.
    pub(crate) fn process(&self) -> String {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.peer.pid));
        let name = name.map(|name| format!(" ({})", visible(name.trim_end())));
        let Peer { uid, pid } = self.peer;
        format!("uid {uid}, process {pid}{}", name.unwrap_or_default())
    }
}

/// What the request says of how strict it wants to be judged. It can only be
/// stricter than the file: both are asked, and the stricter answer counts.
pub(crate) struct Wish {
    security: Option<Security>,
    ask: Option<Ask>,
}

impl Wish {
    pub(crate) fn read(request: &ExecRequest) -> Result<Self, Denial> {
        let security = match request.security.as_deref() {
            None => None,
            Some("deny") => Some(Security::Deny),
            Some("allowlist") => Some(Security::Allowlist),
            Some("full") => Some(Security::Full),
            Some(other) => {
                return Err(unknown("security", other, "`deny`, `allowlist` or `full`"));
            }
        };
        let ask = match request.ask.as_deref() {
            None => None,
            Some("off") => Some(Ask::Off),
            Some("on-miss") => Some(Ask::OnMiss),
            Some("always") => Some(Ask::Always),
            Some(other) => return Err(unknown("ask", other, "`off`, `on-miss` or `always`")),
        };
        Ok(Self { security, ask })
    }

    /// What one agent's file and the wish say together.
    pub(crate) fn ruling(&self, standing: Standing, facts: Facts) -> Ruling {
        let own = facts.case(standing).ruling();
        let wished = Standing {
            security: self.security.unwrap_or(standing.security),
            ask: self.ask.unwrap_or(standing.ask),
            ..standing
        };
        own.max(facts.case(wished).ruling())
    }
}

/// What is known of the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) tier: Tier,
    pub(crate) is_opaque: bool,
    pub(crate) rule_matches: bool,
}

impl Facts {
    pub(crate) fn case(self, standing: Standing) -> Case {
        Case {
            security: standing.security,
            ask: standing.ask,
            safe_tier: standing.safe_tier,
            rule_matches: self.rule_matches,
            tier: self.tier,
            is_opaque: self.is_opaque,
        }
    }
}

/// The strictest standing of several agents, for what holds when nobody can be
/// asked and for whether SAFE parts need a rule.
pub(crate) fn strictest(rulebook: &Rulebook, asker: &Asker) -> (Fallback, SafeTier) {
    let standings = asker
        .names()
        .into_iter()
        .map(|name| rulebook.standing(name));
    let mut fallback = Fallback::Full;
    let mut safe = SafeTier::Allow;
    for standing in standings {
        fallback = match (fallback, standing.fallback) {
            (Fallback::Deny, _) | (_, Fallback::Deny) => Fallback::Deny,
            (Fallback::Allowlist, _) | (_, Fallback::Allowlist) => Fallback::Allowlist,
            _ => Fallback::Full,
        };
        if standing.safe_tier == SafeTier::Ask {
            safe = SafeTier::Ask;
        }
    }
    (fallback, safe)
}

fn unknown(what: &str, found: &str, expected: &str) -> Denial {
    let found: String = found.chars().take(40).collect();
    Denial::bad(format!(
        "{what} is `{}`, expected {expected}",
        visible(&found)
    ))
}
