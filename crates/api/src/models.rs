use serde::{Deserialize, Serialize};

/// One name that a request may ask for, as `GET /control/models` lists it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The name, such as `fast`, `openai/gpt-4o` or a pattern such as `gpt-*`.
    pub id: String,
    /// What it is: `model`, `alias`, `pattern`, or `provider` for one that
    /// could not be asked.
    pub kind: String,
    /// The provider that serves it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// For an alias, what it stands for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// Input and output together, in tokens, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context_window: Option<u64>,
    /// Most output of one answer, in tokens, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_output: Option<u64>,
    /// US dollars for a million tokens of input, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_usd_per_million: Option<f64>,
    /// US dollars for a million tokens of output, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output_usd_per_million: Option<f64>,
    /// What asking its provider has shown: `served`, `not_listed` or
    /// `failed`; absent where nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub live: Option<String>,
    /// How long that took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probe_ms: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}
