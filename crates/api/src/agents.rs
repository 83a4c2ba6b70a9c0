use std::fmt;

use serde::{Deserialize, Serialize};

/// One agent, as `GET /control/agents` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// The agent's name.
    pub name: String,
    /// Where it comes from: `config`, `file`, `ledger` or `anonymous`.
    pub source: String,
    /// The beginnings of its keys, such as `tg-1a2b3c4d-…`; never a key.
    #[serde(default)]
    pub key_hints: Vec<String>,
    /// Patterns of models that it may use.
    #[serde(default)]
    pub allowed_models: Vec<String>,
    /// Patterns of models that it may not use; they win.
    #[serde(default)]
    pub blocked_models: Vec<String>,
    /// When it was made, in Unix milliseconds; only where the ledger knows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_at: Option<u64>,
}

/// The body of `POST /control/agents`. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAgentRequest {
    /// The agent's name.
    pub name: String,
    /// Patterns of models that it may use; none given means all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed_models: Option<Vec<String>>,
    /// Patterns of models that it may not use.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blocked_models: Option<Vec<String>>,
}

/// The answer to `POST /control/agents`: the only time that the key is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCreated {
    /// The agent's name.
    pub name: String,
    /// Its key, `tg-…`. Only its digest is kept.
    pub key: String,
    /// What listings show of the key.
    pub key_hint: String,
}

impl fmt::Debug for AgentCreated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AgentCreated")
            .field("name", &self.name)
            .field("key", &"[secret]")
            .field("key_hint", &self.key_hint)
            .finish()
    }
}

/// The answer to `DELETE /control/agents/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRemoved {
    /// The agent's name; what it did stays in the ledger.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_in_json_and_not_in_debug() {
        let created = AgentCreated {
            name: "ci-bot".into(),
            key: "tg-1-abc".into(),
            key_hint: "tg-1-…".into(),
        };
        assert!(!format!("{created:?}").contains("abc"));
        assert_eq!(
            serde_json::to_string(&created).unwrap(),
            r#"{"name":"ci-bot","key":"tg-1-abc","key_hint":"tg-1-…"}"#
        );
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let error =
            serde_json::from_str::<NewAgentRequest>(r#"{"name":"a","allow":["x"]}"#).unwrap_err();
        assert!(error.to_string().contains("allowed_models"), "{error}");
    }
}
