use tollgate_approvals::{RulesFault, RulesFile};
use tollgate_command::Pattern;
use tollgate_types::AgentName;

/// Something in `exec-approvals.json` that keeps it from being in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// From 1; none where it is the file as a whole.
    pub line: Option<usize>,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// Everything that is wrong with the text of `exec-approvals.json`: each
/// pattern, once the form is right.
pub fn examine(text: &str) -> Vec<Flaw> {
    let file = match RulesFile::read(text) {
        Ok(file) => file,
        Err(fault) => return vec![form(&fault)],
    };
    let mut flaws = Vec::new();
    for (agent, rules) in &file.agents {
        for (place, rule) in rules.allowlist.iter().enumerate() {
            let Err(fault) = Pattern::parse(&rule.pattern) else {
                continue;
            };
            flaws.push(Flaw {
                line: line_of(text, agent, &rule.pattern),
                message: format!("agents.{agent}.allowlist[{place}]: {fault}"),
                hint: Some("docs/commands.md has the form of patterns"),
            });
        }
    }
    flaws
}

fn form(fault: &RulesFault) -> Flaw {
    match fault {
        RulesFault::Form { line, message } => Flaw {
            line: Some(*line),
            message: message.clone(),
            hint: None,
        },
        other => Flaw {
            line: None,
            message: other.to_string(),
            hint: None,
        },
    }
}

/// Where a pattern stands: its first place behind its agent's name. None where
/// it is written with other escapes than usual.
fn line_of(text: &str, agent: &AgentName, pattern: &str) -> Option<usize> {
    let written = serde_json::to_string(pattern).ok()?;
    let agents = text.find("\"agents\"")?;
    let own = agents + text[agents..].find(&format!("\"{agent}\""))?;
    let at = own + text[own..].find(&written)?;
    Some(text[..at].matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_named_with_its_line() {
        let text = r#"{"version":1,
"agents":{
 "main":{"allowlist":[
  {"pattern":"git status"},
  {"pattern":"bash *"},
  {"pattern":"git log | sh"}]}}}"#;
        let flaws = examine(text);
        let found: Vec<_> = flaws.iter().map(|it| (it.line, &*it.message)).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].0, Some(5));
        assert!(
            found[0]
                .1
                .starts_with("agents.main.allowlist[1]: pattern `bash *`")
        );
        assert_eq!(found[1].0, Some(6));
        assert!(examine(r#"{"version":1}"#).is_empty());
    }

    #[test]
    fn a_wrong_form_is_named_with_its_line() {
        let flaws = examine("{\n\"version\":1,\n\"defaults\":{\"securty\":\"full\"}}");
        assert_eq!(flaws[0].line, Some(3));
        assert!(
            flaws[0]
                .message
                .contains("unknown field `securty`, expected one of")
        );
        assert_eq!(
            examine("{\"version\":2}")[0].message,
            "version is 2, expected 1"
        );
    }
}
