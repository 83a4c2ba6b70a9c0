use serde::{Deserialize, Serialize};

/// One credential of a provider's pool, as `GET /control/profiles` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileReport {
    /// Stable id such as `openai:1`, never the key.
    pub profile_id: String,
    /// Attempts made with it since start.
    pub requests_count: u64,
    /// When it was last leased, in Unix milliseconds; null before that.
    #[serde(default)]
    pub last_used_at: Option<u64>,
    /// Until when it rests, in Unix milliseconds; null where it does not.
    #[serde(default)]
    pub cooldown_until: Option<u64>,
    /// Attempts that failed since start.
    pub failure_count: u64,
    /// `ready`, `cooling`, `quota` or `invalid`.
    pub standing: String,
    /// The class of its last fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_fault: Option<String>,
    /// When that was, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_fault_at: Option<u64>,
    /// How long it still rests, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cooldown_left_ms: Option<u64>,
    /// Attempts in flight now.
    #[serde(default)]
    pub in_flight: u64,
    /// Its share within its priority.
    #[serde(default)]
    pub weight: u32,
    /// 1 is used first.
    #[serde(default)]
    pub priority: u32,
    /// The provider whose pool it is in.
    #[serde(default)]
    pub provider: String,
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
            last_fault: Some("rate_limit".into()),
            last_fault_at: Some(3),
            cooldown_left_ms: Some(4),
            in_flight: 5,
            weight: 60,
            priority: 1,
            provider: "openai".into(),
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"profileId":"openai:1","requestsCount":3,"lastUsedAt":1,"cooldownUntil":2,"failureCount":1,"standing":"cooling","lastFault":"rate_limit","lastFaultAt":3,"cooldownLeftMs":4,"inFlight":5,"weight":60,"priority":1,"provider":"openai"}"#
        );
        let unused = serde_json::to_value(ProfileReport::default()).unwrap();
        for name in ["lastUsedAt", "cooldownUntil"] {
            assert!(unused.get(name).is_some_and(serde_json::Value::is_null));
        }
    }
}
