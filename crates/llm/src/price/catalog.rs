use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use tollgate_types::{Money, TokenUsage};

use super::data;
use super::{CacheLife, Price};

/// What comes in or goes out of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    /// Text.
    Text,
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Documents of pages.
    Pdf,
}

/// The price of a request with a long prompt, for the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongPrompt {
    /// Prompts with more tokens than this, caches included.
    pub over: u64,
    /// What they cost.
    pub price: Price,
}

/// What is known of a model. What isn't known is none, never a guess.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Input and output together, in tokens.
    pub context_window: Option<u64>,
    /// Most output of one answer, in tokens.
    pub max_output: Option<u64>,
    /// What it takes.
    pub input: Vec<Modality>,
    /// What it costs; none for a model that is counted in tokens only.
    pub price: Option<Price>,
    /// What it costs with a long prompt.
    pub long: Option<LongPrompt>,
}

impl Facts {
    /// What a use costs; none where the model has no price.
    pub fn cost(&self, usage: &TokenUsage, life: CacheLife) -> Option<Money> {
        let prompt = usage.total().saturating_sub(usage.output);
        Some(self.price_for(prompt)?.of(usage, life))
    }

    /// The most that so many tokens can cost; none where the model has no
    /// price.
    pub fn bound(&self, input: u64, output: u64, life: CacheLife) -> Option<Money> {
        // A prompt that may be long may also turn out to be just short of it.
        let short = self.price?.bound(input, output, life);
        let long = self.price_for(input)?.bound(input, output, life);
        Some(short.max(long))
    }

    fn price_for(&self, prompt: u64) -> Option<&Price> {
        match &self.long {
            Some(long) if prompt > long.over => Some(&long.price),
            _ => self.price.as_ref(),
        }
    }

    /// These facts with what `other` says instead.
    fn with(&self, other: &Self) -> Self {
        Self {
            context_window: other.context_window.or(self.context_window),
            max_output: other.max_output.or(self.max_output),
            input: match other.input.is_empty() {
                true => self.input.clone(),
                false => other.input.clone(),
            },
            price: other.price.or(self.price),
            // A price of one's own is not the list's, nor are its steps.
            long: match other.price {
                Some(_) => other.long,
                None => other.long.or(self.long),
            },
        }
    }
}

/// What is wrong with a file of models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogFault {
    /// It is not TOML of the right form.
    #[error("models: {0}")]
    Form(String),
    /// The date is none.
    #[error("models: as_of is `{0}`, expected a date such as 2026-11-06")]
    Date(String),
    /// A name stands twice.
    #[error("model `{0}` stands twice, expected it once")]
    Twice(String),
    /// A price that is no amount, or can't be right.
    #[error("model `{model}`: {what}")]
    Model {
        /// Its first name.
        model: String,
        /// What was found against what was expected.
        what: String,
    },
}

/// What is known of models, by name. Cloning counts a reference.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    built_in: Arc<HashMap<String, Facts>>,
    own: Arc<HashMap<String, Facts>>,
    as_of: Arc<str>,
}

impl Catalog {
    /// The models that Tollgate knows.
    pub fn built_in() -> Self {
        static BUILT_IN: LazyLock<Catalog> = LazyLock::new(|| {
            // The file is checked by a test of this crate.
            Catalog::read(include_str!("../../data/models.toml")).unwrap_or_default()
        });
        BUILT_IN.clone()
    }

    /// A catalog from the text of such a file.
    ///
    /// # Errors
    /// [`CatalogFault`]: the first thing that is wrong.
    pub fn read(text: &str) -> Result<Self, CatalogFault> {
        let (as_of, models) = data::read(text)?;
        Ok(Self {
            built_in: Arc::new(models),
            own: Arc::default(),
            as_of: as_of.into(),
        })
    }

    /// The same catalog with an operator's own facts, by `model` or
    /// `provider/model`. They win, key by key.
    #[must_use]
    pub fn with_own(self, own: impl IntoIterator<Item = (String, Facts)>) -> Self {
        let own = own.into_iter().collect();
        Self {
            own: Arc::new(own),
            ..self
        }
    }

    /// When the built-in prices were read, as `2026-11-06`.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// What is known of a model as a provider serves it. Nothing known is the
    /// default: no window, no maximum, no price.
    pub fn facts(&self, provider: &str, model: &str) -> Facts {
        let list = named(&self.built_in, model).cloned().unwrap_or_default();
        let bare = named(&self.own, model);
        // Mostly nobody has set anything, and a name need not be made to see that.
        let full = match self.own.is_empty() {
            true => None,
            false => self.own.get(&format!("{provider}/{model}")),
        };
        [bare, full]
            .into_iter()
            .flatten()
            .fold(list, |facts, own| facts.with(own))
    }

    /// What a use of a model costs; none where it has no price.
    pub fn price(
        &self,
        provider: &str,
        model: &str,
        usage: &TokenUsage,
        life: CacheLife,
    ) -> Option<Money> {
        self.facts(provider, model).cost(usage, life)
    }

    /// The names of the built-in list, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.built_in.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// A model by its name, or by its name without the date behind it.
fn named<'m>(models: &'m HashMap<String, Facts>, model: &str) -> Option<&'m Facts> {
    let found = models.get(model);
    found.or_else(|| models.get(without_date(model)?))
}

/// `gpt-4o` of `gpt-4o-2024-11-20`, `claude-opus-4-5` of
/// `claude-opus-4-5-20251101` and of `claude-opus-4-5-latest`.
fn without_date(model: &str) -> Option<&str> {
    if let Some(name) = model.strip_suffix("-latest") {
        return Some(name);
    }
    for (length, dashes) in [(11, &[0, 5, 8][..]), (9, &[0])] {
        let Some(at) = model.len().checked_sub(length) else {
            continue;
        };
        let (Some(name), Some(date)) = (model.get(..at), model.get(at..)) else {
            continue;
        };
        let is_date = date
            .bytes()
            .enumerate()
            .all(|(at, byte)| match dashes.contains(&at) {
                true => byte == b'-',
                false => byte.is_ascii_digit(),
            });
        if is_date && !name.is_empty() {
            return Some(name);
        }
    }
    None
}
