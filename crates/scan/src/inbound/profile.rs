/// Where an inbound text came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// A page that was fetched.
    WebFetch,
    /// The results of a search.
    WebSearch,
    /// Mail; in audit records `email_fetch`.
    Email,
    /// Output of a command.
    Exec,
    /// Anything that a program answered, tool results too.
    Api,
    /// What a person wrote: instructions are expected here.
    UserMessage,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 6] = [
        Self::WebFetch,
        Self::WebSearch,
        Self::Email,
        Self::Exec,
        Self::Api,
        Self::UserMessage,
    ];

    /// The name that is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebFetch => "web_fetch",
            Self::WebSearch => "web_search",
            Self::Email => "email",
            Self::Exec => "exec",
            Self::Api => "api",
            Self::UserMessage => "user_message",
        }
    }

    /// The context of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|context| context.as_str() == name)
    }
}

/// How strictly inbound text is taken, with the numbers of the systems that
/// Tollgate replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Reviews pass by themselves.
    Open,
    /// The default.
    #[default]
    Balanced,
    /// Mail is looked at too, and what leaves.
    Hardened,
    /// Nothing is remembered, everything is looked at.
    Paranoid,
}

/// How often somebody may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in a minute.
    pub per_minute: u32,
    /// Requests at once.
    pub burst: u32,
    /// Seconds of rest when they are used up.
    pub cooldown: u32,
}

impl Profile {
    /// The profile of this name; the aliases of older files count.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "open" | "permissive" | "relaxed" => Self::Open,
            "balanced" | "standard" | "default" => Self::Balanced,
            "hardened" | "strict" | "secure" => Self::Hardened,
            "paranoid" | "maximum" => Self::Paranoid,
            _ => return None,
        })
    }

    /// Share of talk about injections from which on a text is taken as one
    /// about them; 0 never takes it so.
    pub const fn discussion_ratio(self) -> f32 {
        match self {
            Self::Open => 0.5,
            Self::Balanced => 0.3,
            Self::Hardened => 0.15,
            Self::Paranoid => 0.0,
        }
    }

    /// Signals, of both kinds together, below which no ratio is formed.
    pub const fn min_signals_for_ratio(self) -> u32 {
        match self {
            Self::Open | Self::Balanced => 3,
            Self::Hardened => 5,
            Self::Paranoid => 0,
        }
    }

    /// Seconds that a verdict is remembered; 0 never.
    pub const fn digest_seconds(self) -> u64 {
        match self {
            Self::Open => 86_400,
            Self::Balanced => 3600,
            Self::Hardened => 300,
            Self::Paranoid => 0,
        }
    }

    /// How often the endpoints may be asked.
    pub const fn rate(self) -> Rate {
        let (per_minute, burst, cooldown) = match self {
            Self::Open => (120, 20, 5),
            Self::Balanced => (60, 10, 10),
            Self::Hardened => (30, 5, 15),
            Self::Paranoid => (15, 2, 30),
        };
        Rate {
            per_minute,
            burst,
            cooldown,
        }
    }

    /// Whether text of this context is looked at.
    pub const fn covers(self, context: Context) -> bool {
        match context {
            Context::WebFetch | Context::Api | Context::UserMessage => true,
            Context::WebSearch => !matches!(self, Self::Open),
            Context::Email => matches!(self, Self::Hardened | Self::Paranoid),
            Context::Exec => matches!(self, Self::Hardened | Self::Paranoid),
        }
    }

    /// Whether what leaves is looked at where nothing else says so.
    pub const fn outbound(self) -> bool {
        matches!(self, Self::Hardened | Self::Paranoid)
    }

    /// Whether a review passes without anybody being asked.
    pub const fn passes_review(self) -> bool {
        matches!(self, Self::Open)
    }

    /// Scores from which on a text is for review, and is unsafe.
    pub(crate) const fn thresholds(self, context: Context) -> (u32, u32) {
        let (review, unsafe_) = match self {
            Self::Open => (8, 16),
            Self::Balanced => (5, 12),
            Self::Hardened => (4, 10),
            Self::Paranoid => (3, 8),
        };
        match context {
            // People do tell their assistant what to do and how to answer.
            Context::UserMessage => (review + 3, unsafe_ + 4),
            _ => (review, unsafe_),
        }
    }

    pub(crate) fn is_discussion(self, talk: u32, signals: u32) -> bool {
        let all = talk + signals;
        let ratio = self.discussion_ratio();
        ratio > 0.0
            && talk >= 3
            && all >= self.min_signals_for_ratio()
            && talk as f32 / all as f32 >= ratio
    }
}
