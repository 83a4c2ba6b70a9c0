use tollgate_types::Label;

/// A provider's place in the configuration; only [`crate::RouteTable`] makes
/// sense of it, and only the one that gave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderIndex(pub u16);

/// What routing needs to know of one provider.
#[derive(Clone, Debug)]
pub struct ProviderRoutes {
    /// The key in `[providers.…]`, and the first part of `provider/model`.
    pub id: Label,
    /// Globs for bare model names (`*` any run of characters, `?` one). What
    /// has neither is a literal name and is listed to clients.
    pub models: Vec<String>,
}

/// `[agents.defaults.model]`: what follows when one name fails.
#[derive(Clone, Debug)]
pub struct AgentFallback {
    /// The name that has fallbacks, exactly as callers ask for it.
    pub primary: String,
    /// What is tried after it, in order.
    pub fallback: Vec<String>,
}

/// Everything that decides where a name leads.
#[derive(Clone, Debug, Default)]
pub struct RoutingConfig {
    /// In the order of the configuration: the first matching glob wins.
    pub providers: Vec<ProviderRoutes>,
    /// `[[model_routes]]`: glob and provider id; the first match wins, before
    /// any provider's globs.
    pub model_routes: Vec<(String, Label)>,
    /// `[[model_shortcuts]]`: alias and model; the model may be an alias too.
    pub shortcuts: Vec<(String, String)>,
    /// Applies when the name asked is its `primary`.
    pub default_fallback: Option<AgentFallback>,
}

/// A fault in the routing part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingFault {
    /// More providers than a [`ProviderIndex`] can name.
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
    /// The same alias twice.
    #[error("alias `{alias}` is defined twice, expected each alias once")]
    DuplicateAlias {
        /// Place of the second one in `[[model_shortcuts]]`, from 0.
        index: usize,
        /// The alias.
        alias: String,
    },
    /// An alias that begins like an explicit name, which comes first.
    #[error(
        "alias `{alias}` can't be reached: names that begin with `{provider}/` are that provider's models"
    )]
    ShadowedAlias {
        /// Place in `[[model_shortcuts]]`, from 0.
        index: usize,
        /// The alias.
        alias: String,
        /// The provider that takes the name.
        provider: Label,
    },
    /// Aliases that lead to one another.
    #[error("aliases lead in a circle: {}", chain.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → "))]
    AliasCycle {
        /// Place in `[[model_shortcuts]]` of the circle's first alias, from 0.
        index: usize,
        /// The circle, its first name again at the end.
        chain: Vec<String>,
    },
    /// An alias whose model is no model.
    #[error("alias `{alias}` leads to `{model}`, which no provider serves")]
    UnresolvedAlias {
        /// Place in `[[model_shortcuts]]`, from 0.
        index: usize,
        /// The alias.
        alias: String,
        /// Where it leads.
        model: String,
        /// Names that are known and resemble it, at most 3.
        nearest: Vec<String>,
    },
    /// A fallback, or the name that has them, that is no model.
    #[error("`{model}` is not served by any provider")]
    UnresolvedFallback {
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
            Self::DuplicateAlias { index, .. } | Self::ShadowedAlias { index, .. } => {
                format!("model_shortcuts[{index}].alias")
            }
            Self::AliasCycle { index, .. } | Self::UnresolvedAlias { index, .. } => {
                format!("model_shortcuts[{index}].model")
            }
            Self::UnresolvedFallback { index: None, .. } => {
                "agents.defaults.model.provider".to_owned()
            }
            Self::UnresolvedFallback {
                index: Some(index), ..
            } => format!("agents.defaults.model.fallback[{index}]"),
        }
    }

    /// One line that helps to mend it, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownProvider {
                nearest: Some(name),
                ..
            } => Some(format!("did you mean `{name}`?")),
            Self::UnresolvedAlias { nearest, .. } | Self::UnresolvedFallback { nearest, .. } => {
                crate::nearest::did_you_mean(nearest)
            }
            Self::ShadowedAlias { .. } => Some("choose an alias without `/`".to_owned()),
            _ => None,
        }
    }
}
