use crate::translate::conversation::{Conversation, Effort, Kind, Maker, Role, ToolChoice, Value};
use crate::translate::draft::Draft;
use crate::translate::raw::{Fault, Raw};

/// Least budget that Anthropic takes, in tokens.
const LEAST: u64 = 1_024;

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Not at all: nothing is written.
    Off,
    Budget(u64),
    /// It decides by itself, as hard as the effort says.
    Adaptive(Option<Effort>),
}

/// Whether and how to ask for thinking.
///
/// With thinking on, Anthropic refuses a forced tool, and a conversation that
/// stands within a round of tools whose call has no signed thoughts before it;
/// there the thinking is left out, for the answer counts more.
pub(super) fn plan<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
    max_output: u64,
) -> Result<Thinking, Fault<'a>> {
    let mut effort = None;
    let mut budget = None;
    let mut at: Option<Raw<'a>> = None;
    for setting in &conversation.settings {
        match setting.value {
            Value::Effort(said) => effort = Some(said),
            Value::ThinkingBudget(tokens) => budget = Some(tokens),
            _ => continue,
        }
        at = Some(setting.at);
    }
    let Some(at) = at else {
        return Ok(Thinking::Off);
    };
    if effort == Some(Effort::None) || budget == Some(0) {
        return Ok(Thinking::Off);
    }
    if forces_a_tool(conversation) {
        draft.leave_out(at, "dropped: Anthropic does not think before a forced tool")?;
        return Ok(Thinking::Off);
    }
    if is_within_a_round(conversation) {
        draft.leave_out(
            at,
            "dropped: the tool call before has no thoughts signed by Anthropic",
        )?;
        return Ok(Thinking::Off);
    }
    if is_adaptive(draft.target.model) {
        let effort = effort.or(budget.map(Effort::of_budget));
        return Ok(Thinking::Adaptive(effort));
    }
    let wished = budget.or(effort.map(Effort::budget)).unwrap_or(LEAST);
    let budget = wished.max(LEAST).min(max_output.saturating_sub(1));
    if budget < LEAST {
        draft.leave_out(at, "dropped: the limit of output leaves no room for it")?;
        return Ok(Thinking::Off);
    }
    Ok(Thinking::Budget(budget))
}

fn forces_a_tool(conversation: &Conversation<'_>) -> bool {
    conversation.settings.iter().any(|setting| {
        matches!(
            setting.value,
            Value::ToolChoice(ToolChoice::Any | ToolChoice::Named(_))
        )
    })
}

/// Whether the last turn of the assistant calls a tool without thoughts that
/// Anthropic signed.
fn is_within_a_round(conversation: &Conversation<'_>) -> bool {
    let turns = conversation.turns.iter().rev();
    let last = turns.clone().find(|turn| turn.role == Role::Assistant);
    let answers = turns.take(1).any(|turn| {
        let mut parts = turn.parts.iter();
        parts.any(|part| matches!(part.kind, Kind::Result(_)))
    });
    let Some(last) = last.filter(|_| answers) else {
        return false;
    };
    let signed = last.parts.iter().any(|part| {
        matches!(
            part.kind,
            Kind::Thinking {
                signature: Some(_),
                maker: Maker::Anthropic,
                ..
            } | Kind::Sealed {
                maker: Maker::Anthropic,
                ..
            }
        )
    });
    !signed
}

/// Models up to 4.5 take a budget; those after them decide by themselves, and
/// the newest refuse a budget.
fn is_adaptive(model: &str) -> bool {
    const OLDER: [&str; 10] = [
        "claude-2",
        "claude-3",
        "claude-instant",
        "-4-0",
        "-4-1",
        "-4-5",
        "-4-2025",
        "-4.5",
        "-4@",
        "-4.1",
    ];
    let bare = ["claude-sonnet-4", "claude-opus-4"];
    !OLDER.iter().any(|part| model.contains(part)) && !bare.iter().any(|it| model.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_models_take_a_budget() {
        for model in [
            "claude-3-7-sonnet-latest",
            "claude-sonnet-4",
            "claude-sonnet-4-20250514",
            "claude-opus-4-1-20250805",
            "anthropic/claude-opus-4.5",
            "claude-haiku-4-5",
        ] {
            assert!(!is_adaptive(model), "{model}");
        }
        for model in ["claude-opus-4-6", "claude-sonnet-5", "claude-opus-4-8"] {
            assert!(is_adaptive(model), "{model}");
        }
    }
}
