use std::fmt;

use tollgate_types::Label;

use crate::nearest::did_you_mean;

/// A named entry of the configuration, by its place in its list, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `[[model_shortcuts]]`.
    Shortcut(usize),
    /// `[[alloys]]`.
    Alloy(usize),
    /// `[[cascades]]`.
    Cascade(usize),
    /// `[[dispatchers]]`.
    Dispatcher(usize),
}

impl Entry {
    /// The dotted path of its name.
    fn name_place(self) -> String {
        match self {
            Self::Shortcut(at) => format!("model_shortcuts[{at}].alias"),
            Self::Alloy(at) => format!("alloys[{at}].id"),
            Self::Cascade(at) => format!("cascades[{at}].id"),
            Self::Dispatcher(at) => format!("dispatchers[{at}].id"),
        }
    }

    /// The dotted path of one of the models that it leads to.
    fn member_place(self, member: usize) -> String {
        match self {
            Self::Shortcut(at) => format!("model_shortcuts[{at}].model"),
            Self::Alloy(at) => format!("alloys[{at}].constituents[{member}].model"),
            Self::Cascade(at) => format!("cascades[{at}].models[{member}].model"),
            Self::Dispatcher(at) => format!("dispatchers[{at}].models[{member}].model"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Shortcut(_) => "alias",
            Self::Alloy(_) => "alloy",
            Self::Cascade(_) => "cascade",
            Self::Dispatcher(_) => "dispatcher",
        })
    }
}

/// A fault in the routing part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingFault {
    /// More providers than a [`crate::ProviderIndex`] can name.
    #[error("found {found} providers, expected at most 65535")]
    TooManyProviders {
        /// How many there are.
        found: usize,
    },
    /// An id that no `provider/model` name could ever begin with.
    #[error("provider id `{id}` is {problem}")]
    ProviderId {
        /// The id.
        id: Label,
        /// What is wrong with it, and what was expected.
        problem: &'static str,
    },
    /// A route to a provider that is not configured.
    #[error("route `{pattern}` leads to provider `{provider}`, which is not configured")]
    UnknownProvider {
        /// Place in `[[model_routes]]`, from 0.
        index: usize,
        /// The route's glob.
        pattern: String,
        /// What stands there.
        provider: Label,
        /// The configured id that it resembles.
        nearest: Option<String>,
    },
    /// A route that an earlier one takes every name from.
    #[error(
        "route `{pattern}` to `{provider}` is never reached: route `{first}` above it leads to `{wins}`"
    )]
    Contradiction {
        /// Place in `[[model_routes]]`, from 0.
        index: usize,
        /// The route's glob.
        pattern: String,
        /// Where it would lead.
        provider: Label,
        /// The glob of the earlier route.
        first: String,
        /// Where that one leads.
        wins: Label,
    },
    /// The same name twice, whatever it names.
    #[error("{entry} `{name}` is defined twice, expected each {entry} once")]
    DuplicateName {
        /// The second one.
        entry: Entry,
        /// The name.
        name: String,
    },
    /// The name of one kind of entry is taken by another kind.
    #[error("{entry} `{name}` has the name of {other}")]
    TakenName {
        /// The later one.
        entry: Entry,
        /// The name.
        name: String,
        /// What has it.
        other: String,
    },
    /// A name that begins like an explicit one, which comes first.
    #[error(
        "{entry} `{name}` can't be reached: names that begin with `{provider}/` are that provider's models"
    )]
    ShadowedName {
        /// What has the name.
        entry: Entry,
        /// The name.
        name: String,
        /// The provider that takes it.
        provider: Label,
    },
    /// Names that lead to one another.
    #[error("names lead in a circle: {}", chain.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// The entry of the circle that stands first.
        entry: Entry,
        /// Which of its models leads on, from 0.
        member: usize,
        /// The circle, its first name again at the end.
        chain: Vec<String>,
    },
    /// An entry that leads to a name which is no model.
    #[error("{entry} `{name}` leads to `{model}`, which no provider serves")]
    Unresolved {
        /// The entry.
        entry: Entry,
        /// Which of its models, from 0.
        member: usize,
        /// Its name.
        name: String,
        /// Where it leads.
        model: String,
        /// Names that are known and resemble it, at most 3.
        nearest: Vec<String>,
    },
    /// A synthetic model of nothing, or of too much.
    #[error("{entry} `{name}` {problem}")]
    Shape {
        /// The synthetic model.
        entry: Entry,
        /// Which of its models, where one is at fault, from 0.
        member: Option<usize>,
        /// Its name.
        name: String,
        /// What was found and what was expected.
        problem: String,
    },
    /// A plan that would show one caller's credential to two providers.
    #[error("`{name}` leads to `{}` and `{}`, which both take the caller's own credential, expected one at most", providers[0], providers[1])]
    TwoCallersKeys {
        /// The synthetic model; none for a fallback.
        entry: Option<Entry>,
        /// Whose fallback it is; none for the defaults.
        agent: Option<Label>,
        /// The name that is asked for.
        name: String,
        /// The providers.
        providers: Box<[Label; 2]>,
    },
    /// A fallback, or the name that has them, that is no model.
    #[error("`{model}` is not served by any provider")]
    UnresolvedFallback {
        /// Whose it is; none for the defaults.
        agent: Option<Label>,
        /// Place in `fallback`, from 0; none for the primary name itself.
        index: Option<usize>,
        /// What stands there.
        model: String,
        /// Names that are known and resemble it, at most 3.
        nearest: Vec<String>,
    },
}

impl RoutingFault {
    /// Where in the configuration: a dotted path such as
    /// `model_shortcuts[2].model`.
    pub fn place(&self) -> String {
        match self {
            Self::TooManyProviders { .. } => "providers".to_owned(),
            Self::ProviderId { id, .. } => format!("providers.{id}"),
            Self::UnknownProvider { index, .. } => format!("model_routes[{index}].provider"),
            Self::Contradiction { index, .. } => format!("model_routes[{index}].pattern"),
            Self::DuplicateName { entry, .. }
            | Self::TakenName { entry, .. }
            | Self::ShadowedName { entry, .. }
            | Self::Shape {
                entry,
                member: None,
                ..
            }
            | Self::TwoCallersKeys {
                entry: Some(entry), ..
            } => entry.name_place(),
            Self::Cycle { entry, member, .. }
            | Self::Unresolved { entry, member, .. }
            | Self::Shape {
                entry,
                member: Some(member),
                ..
            } => entry.member_place(*member),
            Self::TwoCallersKeys {
                entry: None, agent, ..
            } => of_agent(agent.as_deref(), "fallback"),
            Self::UnresolvedFallback { agent, index, .. } => match index {
                None => of_agent(agent.as_deref(), "provider"),
                Some(index) => of_agent(agent.as_deref(), &format!("fallback[{index}]")),
            },
        }
    }

    /// One line that helps to mend it, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownProvider {
                nearest: Some(name),
                ..
            } => Some(format!("did you mean `{name}`?")),
            Self::Unresolved { nearest, .. } | Self::UnresolvedFallback { nearest, .. } => {
                did_you_mean(nearest)
            }
            Self::ShadowedName { .. } => Some("choose a name without `/`".to_owned()),
            Self::Contradiction { .. } => {
                Some("the first match wins: delete it, or write it above".to_owned())
            }
            _ => None,
        }
    }
}

fn of_agent(agent: Option<&str>, key: &str) -> String {
    format!("agents.{}.model.{key}", agent.unwrap_or("defaults"))
}
