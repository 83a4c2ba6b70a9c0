//! The JSON-lines form of the judge: one record in, one answer out.

use serde::{Deserialize, Serialize};
use tollgate_types::Tier;

use crate::{Setting, Sight, Verdict, action_tier, is_crisis, judge};

/// What is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// Shell text.
    #[default]
    Command,
    /// Text that a person wrote: only a crisis counts.
    Message,
}

/// `{"id","command","cwd"?,"action"?}`
#[derive(Debug, Clone, Deserialize)]
pub struct Question {
    /// Given back as it came.
    #[serde(default)]
    pub id: serde_json::Value,
    /// Shell text, or a message.
    pub command: String,
    /// Where it would run.
    #[serde(default)]
    pub cwd: Option<String>,
    /// What the caller says that it means to do; can only raise the tier.
    #[serde(default)]
    pub action: Option<String>,
}

/// What is answered.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Of the question.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub id: serde_json::Value,
    /// `SAFE` to `CRITICAL`.
    pub tier: &'static str,
    /// `known`, `unknown` or `opaque`.
    pub known: &'static str,
    /// One sentence.
    pub reason: String,
    /// Names of the rules that spoke, worst first.
    pub rules: Vec<String>,
    /// `crisis` where a person is at risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// What is to be done then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_required: Option<&'static str>,
    /// Where help is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Answer {
    /// What is said of a record that is no question.
    pub fn unreadable(id: Option<serde_json::Value>) -> Self {
        Self {
            id: id.unwrap_or_default(),
            tier: Tier::Medium.name(),
            known: Sight::Opaque.name(),
            reason: "the record is not JSON with a `command`".to_owned(),
            rules: vec!["unreadable".to_owned()],
            status: None,
            action_required: None,
            resources: None,
        }
    }
}

/// Answers one question.
pub fn answer(question: &Question, reading: Reading, setting: &Setting) -> Answer {
    match reading {
        Reading::Message => hear(question),
        Reading::Command => tell(
            question,
            judge(&question.command, &question.setting(setting)),
        ),
    }
}

impl Question {
    /// The setting with the question's own folder.
    pub fn setting(&self, setting: &Setting) -> Setting {
        Setting {
            folder: self.cwd.clone().or_else(|| setting.folder.clone()),
            ..setting.clone()
        }
    }
}

/// What is said of a message.
pub fn hear(question: &Question) -> Answer {
    let crisis = is_crisis(&question.command);
    let resources = crate::RESOURCES
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).into()))
        .collect();
    Answer {
        id: question.id.clone(),
        tier: if crisis { Tier::Critical } else { Tier::Safe }.name(),
        known: Sight::Known.name(),
        reason: if crisis {
            "a person may be at risk"
        } else {
            "no sign of a crisis"
        }
        .to_owned(),
        rules: if crisis {
            vec!["crisis".to_owned()]
        } else {
            Vec::new()
        },
        status: crisis.then_some("crisis"),
        action_required: crisis.then_some("crisis_intervention"),
        resources: crisis.then_some(resources),
    }
}

/// What is said of a command that was judged, with what the caller said that
/// it means to do.
pub fn tell(question: &Question, verdict: Verdict) -> Answer {
    let mut answer = Answer {
        id: question.id.clone(),
        tier: verdict.tier.name(),
        known: verdict.sight.name(),
        rules: verdict.rules().into_iter().map(str::to_owned).collect(),
        reason: verdict.reason,
        status: None,
        action_required: None,
        resources: None,
    };
    let Some(action) = question
        .action
        .as_deref()
        .filter(|action| !action.is_empty())
    else {
        return answer;
    };
    let (tier, sight) = match action_tier(action, &question.command) {
        Some(tier) => (tier, Sight::Known),
        None => (Tier::Medium, Sight::Unknown),
    };
    if tier > verdict.tier {
        answer.tier = tier.name();
        answer.reason = format!("the action `{}` is {tier}", crate::judge::shown(action));
        answer.rules.insert(0, "action".to_owned());
    }
    answer.known = sight.max(verdict.sight).name();
    answer
}
