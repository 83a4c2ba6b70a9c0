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
    /// `auth = "client"`: it is sent the caller's own credential, so no plan
    /// may lead to a second such provider.
    pub takes_callers_key: bool,
}

/// `[agents.NAME.model]`: what follows when one name fails.
#[derive(Clone, Debug)]
pub struct AgentFallback {
    /// Whom it holds for; none for `[agents.defaults.model]`, which holds for
    /// everybody who has none of their own.
    pub agent: Option<Label>,
    /// The name that has fallbacks, exactly as callers ask for it.
    pub primary: String,
    /// What is tried after it, in order.
    pub fallback: Vec<String>,
}

/// A member of a synthetic model.
#[derive(Clone, Debug)]
pub struct MemberSpec {
    /// A model, an alias, or another synthetic model.
    pub model: String,
    /// Its share in an alloy.
    pub weight: u32,
    /// What it takes in a cascade or dispatcher, in tokens; where it is not
    /// written the catalog is asked.
    pub context_window: Option<u64>,
}

/// How an alloy picks who is asked first. The others follow as fallbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// By chance and weight, drawn without putting back: the order of the
    /// fallbacks is drawn as well.
    Weighted,
    /// In turn, those of a larger weight more often; the fallbacks follow in
    /// the order of the configuration.
    RoundRobin,
    /// In the order of the configuration: the first that has a credential
    /// free and a target that is up.
    FirstAvailable,
}

/// `[[alloys]]`.
#[derive(Clone, Debug)]
pub struct AlloySpec {
    /// The name that callers ask for.
    pub id: String,
    /// Who is asked first.
    pub strategy: Strategy,
    /// What is mixed.
    pub members: Vec<MemberSpec>,
}

/// `[[cascades]]` and `[[dispatchers]]`: members with a context window, those
/// that are too small for a request left out.
#[derive(Clone, Debug)]
pub struct SizedSpec {
    /// The name that callers ask for.
    pub id: String,
    /// In order; a dispatcher puts the smallest window first.
    pub members: Vec<MemberSpec>,
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
    /// `[[alloys]]`.
    pub alloys: Vec<AlloySpec>,
    /// `[[cascades]]`.
    pub cascades: Vec<SizedSpec>,
    /// `[[dispatchers]]`.
    pub dispatchers: Vec<SizedSpec>,
    /// Apply when the name asked is their `primary`; at most one without an
    /// agent and one for each.
    pub fallbacks: Vec<AgentFallback>,
}
