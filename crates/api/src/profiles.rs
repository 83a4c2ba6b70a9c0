use serde::{Deserialize, Serialize};

/// One credential of a provider's pool, as `GET /control/profiles` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileReport {
    /// Stable id such as `openai:1`, never the key.
    pub profile_id: String,
    /// Attempts made with it since start.
    pub requests_count: u64,
    /// When it was last leased, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_at: Option<u64>,
    /// Until when it rests, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cooldown_until: Option<u64>,
    /// Attempts that failed since start.
    pub failure_count: u64,
    /// `ready`, `cooling`, `quota` or `invalid`.
    pub standing: String,
    /// The class of its last fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_fault: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_scripts_rely_on() {
        let report = ProfileReport {
            profile_id: "openai:1".into(),
            requests_count: 3,
            last_used_at: Some(1),
            cooldown_until: Some(2),
            failure_count: 1,
            standing: "cooling".into(),
            last_fault: None,
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"profileId":"openai:1","requestsCount":3,"lastUsedAt":1,"cooldownUntil":2,"failureCount":1,"standing":"cooling"}"#
        );
    }
}
