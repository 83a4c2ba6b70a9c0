use serde::{Deserialize, Serialize};

/// One name that a request may ask for, as `GET /control/models` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The name, such as `fast`, `openai/gpt-4o` or a pattern such as `gpt-*`.
    pub id: String,
    /// What it is: `model`, `alias` or `pattern`.
    pub kind: String,
    /// The provider that serves it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// For an alias, what it stands for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
}
