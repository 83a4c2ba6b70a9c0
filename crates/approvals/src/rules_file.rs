use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_types::AgentName;

use crate::{Ask, Digest, Fallback, SafeTier, Security};

/// The one version there is.
const VERSION: u32 = 1;
/// Most rules of one agent.
const MOST_RULES: usize = 100_000;

/// `exec-approvals.json`: what agents may run without being asked about.
///
/// The form is that of the systems that Tollgate replaces. A key that it does
/// not know is a fault: a mistyped `security` must not mean the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RulesFile {
    /// 1.
    pub version: u32,
    /// Where requesters ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<SocketEntry>,
    /// What holds where an agent says nothing.
    #[serde(default)]
    pub defaults: Defaults,
    /// By name.
    #[serde(default)]
    pub agents: BTreeMap<AgentName, AgentRules>,
}

/// Where requesters ask, and what proves that they may.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketEntry {
    /// Relative to the file.
    pub path: String,
    /// Made anew at each start.
    pub token: String,
}

impl std::fmt::Debug for SocketEntry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SocketEntry({:?}, [secret])", self.path)
    }
}

/// What holds where an agent says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Defaults {
    /// How much runs by itself.
    pub security: Security,
    /// When a person is asked.
    pub ask: Ask,
    /// What holds when nobody can be asked.
    pub ask_fallback: Fallback,
    /// Read and kept for the systems that have skills; Tollgate has none.
    pub auto_allow_skills: bool,
    /// What holds for SAFE.
    #[serde(skip_serializing_if = "is_default")]
    pub safe_tier: SafeTier,
}

/// One agent's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AgentRules {
    /// How much runs by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
    /// When a person is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    /// What holds when nobody can be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_fallback: Option<Fallback>,
    /// See [`Defaults::auto_allow_skills`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_allow_skills: Option<bool>,
    /// What holds for SAFE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_tier: Option<SafeTier>,
    /// What it may run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowlist: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its name; made where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// An argv grammar, such as `git log *`.
    pub pattern: String,
    /// When it allowed something last, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<u64>,
    /// The binary that it is about; any other of the same name does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_path: Option<String>,
    /// Texts that it was allowed with, such as the scripts of a package: once
    /// one is another, the rule does not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<BoundScript>,
}

/// A text that a rule is bound to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundScript {
    /// Absolute.
    pub path: String,
    /// Of what counts of its bytes; absent where there was no such file, and
    /// must be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// What holds for one agent, every default filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much runs by itself.
    pub security: Security,
    /// When a person is asked.
    pub ask: Ask,
    /// What holds when nobody can be asked.
    pub fallback: Fallback,
    /// What holds for SAFE.
    pub safe_tier: SafeTier,
}

/// Why a text is no rules file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesFault {
    /// Not JSON, or not of this form.
    #[error("line {line}: {message}")]
    Form {
        /// From 1.
        line: usize,
        /// What was found, and what was expected.
        message: String,
    },
    /// Written for another version.
    #[error("version is {0}, expected {VERSION}")]
    Version(u32),
    /// More than is looked through.
    #[error("agent `{agent}` has {found} rules, expected at most {MOST_RULES}")]
    TooMany {
        /// Whose.
        agent: AgentName,
        /// How many.
        found: usize,
    },
}

impl Default for RulesFile {
    fn default() -> Self {
        Self {
            version: VERSION,
            socket: None,
            defaults: Defaults::default(),
            agents: BTreeMap::new(),
        }
    }
}

impl RulesFile {
    /// Reads the file's text. Whether its patterns are any is not looked at
    /// here.
    ///
    /// # Errors
    /// [`RulesFault`], with the line where that is known.
    pub fn read(text: &str) -> Result<Self, RulesFault> {
        let file: Self = serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let place = message.rfind(" at line ").unwrap_or(message.len());
            RulesFault::Form {
                line: error.line(),
                message: message[..place].to_owned(),
            }
        })?;
        if file.version != VERSION {
            return Err(RulesFault::Version(file.version));
        }
        for (agent, rules) in &file.agents {
            let found = rules.allowlist.len();
            if found > MOST_RULES {
                let agent = agent.clone();
                return Err(RulesFault::TooMany { agent, found });
            }
        }
        Ok(file)
    }

    /// The file's text, with a line feed at its end.
    pub fn write(&self) -> String {
        // Nothing in it has keys that are no text, which is all that can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// What holds for an agent, whether the file names it or not.
    pub fn standing(&self, agent: &AgentName) -> Standing {
        let (own, all) = (self.agents.get(agent), &self.defaults);
        Standing {
            security: own.and_then(|it| it.security).unwrap_or(all.security),
            ask: own.and_then(|it| it.ask).unwrap_or(all.ask),
            fallback: own
                .and_then(|it| it.ask_fallback)
                .unwrap_or(all.ask_fallback),
            safe_tier: own.and_then(|it| it.safe_tier).unwrap_or(all.safe_tier),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = r#"{"version":1,
 "socket":{"path":"exec-approvals.sock","token":"tgs-secret"},
 "defaults":{"security":"allowlist","ask":"on-miss","askFallback":"deny","autoAllowSkills":false},
 "agents":{"main":{"security":"allowlist","ask":"on-miss",
   "allowlist":[{"id":"1","pattern":"git status","lastUsedAt":1709823456789,"resolvedPath":"/usr/bin/git"}]}}}"#;

    fn main() -> AgentName {
        AgentName::new("main").unwrap()
    }

    #[test]
    fn the_documented_file_is_read_and_written_back_whole() {
        let file = RulesFile::read(DOCUMENTED).unwrap();
        assert_eq!(file.agents[&main()].allowlist[0].pattern, "git status");
        let back: serde_json::Value = serde_json::from_str(&file.write()).unwrap();
        let written: serde_json::Value = serde_json::from_str(DOCUMENTED).unwrap();
        assert_eq!(back, written);
        assert!(!format!("{file:?}").contains("tgs-secret"));
    }

    #[test]
    fn what_an_agent_does_not_say_the_defaults_do() {
        let file = RulesFile::read(
            r#"{"version":1,"defaults":{"security":"full","askFallback":"allowlist","safeTier":"ask"},
               "agents":{"main":{"ask":"always","safeTier":"allow"}}}"#,
        )
        .unwrap();
        let expected = Standing {
            security: Security::Full,
            ask: Ask::Always,
            fallback: Fallback::Allowlist,
            safe_tier: SafeTier::Allow,
        };
        assert_eq!(file.standing(&main()), expected);
        let other = file.standing(&AgentName::new("other").unwrap());
        assert_eq!((other.ask, other.safe_tier), (Ask::OnMiss, SafeTier::Ask));
        let none = RulesFile::default().standing(&main());
        assert_eq!(
            (none.security, none.ask),
            (Security::Allowlist, Ask::OnMiss)
        );
        assert_eq!(none.fallback, Fallback::Deny);
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        for (text, expected) in [
            (
                "{\n\"version\":1,\n\"defaults\":{\"securty\":\"full\"}}",
                "line 3: unknown field `securty`, expected one of `security`",
            ),
            ("{\"version\":2}", "version is 2, expected 1"),
            (
                "{\"version\":1,\"defaults\":{\"security\":\"ful\"}}",
                "line 1: unknown variant `ful`, expected one of `deny`, `allowlist`, `full`",
            ),
            (
                "{\"version\":1,\"agents\":{\"A B\":{}}}",
                "line 1: name `A B` has `A`",
            ),
            ("{", "line 1: EOF"),
            ("", "line 1: EOF"),
            (
                "{\"version\":1,\"agents\":{\"a\":{\"allowlist\":[{\"id\":\"1\"}]}}}",
                "missing field `pattern`",
            ),
        ] {
            let error = RulesFile::read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
