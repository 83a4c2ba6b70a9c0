use super::parts;
use crate::translate::conversation::{Conversation, Effort, Format, Tool, ToolChoice, Value};
use crate::translate::draft::Draft;
use crate::translate::raw::{Fault, Text};

type Written<'a, T = ()> = Result<T, Fault<'a>>;

/// Most stop sequences that Gemini takes.
const MOST_STOPS: usize = 5;

/// Writes the request as one to generate content; the model stands in the path.
pub(in crate::translate) fn write<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Written<'a> {
    if draft.target.counts {
        return write_counted(conversation, draft);
    }
    draft.pen.open('{');
    write_prompt(conversation, draft)?;
    draft.pen.key("generationConfig").open('{');
    write_settings(conversation, draft)?;
    draft.pen.close('}');
    draft.pen.close('}');
    Ok(())
}

/// What is counted stands within the request that would be sent.
fn write_counted<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let model = draft.target.model.trim_start_matches("models/");
    draft.pen.open('{');
    draft.pen.key("generateContentRequest").open('{');
    let name = Text::of(&format!("models/{model}"));
    draft.pen.key("model").text(&name);
    write_prompt(conversation, draft)?;
    draft.pen.close('}');
    draft.pen.close('}');
    Ok(())
}

fn write_prompt<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    write_system(conversation, draft)?;
    draft.pen.key("contents").open('[');
    parts::write_turns(conversation, draft)?;
    draft.pen.close(']');
    write_tools(conversation, draft)
}

fn write_system<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    let why = "moved: Gemini has a system prompt at the beginning only";
    let system = draft.prompts(conversation, why)?;
    if system.is_empty() {
        return Ok(());
    }
    draft.pen.key("systemInstruction").open('{');
    draft.pen.key("parts").open('[');
    for part in system {
        draft.cached_anyway(part)?;
        parts::write_part(part, draft)?;
    }
    draft.pen.close(']');
    draft.pen.close('}');
    Ok(())
}

fn write_tools<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    if conversation.tools.is_empty() {
        return Ok(());
    }
    draft.pen.key("tools").open('[');
    draft.pen.open('{');
    draft.pen.key("functionDeclarations").open('[');
    for tool in &conversation.tools {
        write_tool(tool, draft)?;
    }
    draft.pen.close(']');
    draft.pen.close('}');
    draft.pen.close(']');
    for setting in &conversation.settings {
        if let Value::ToolChoice(choice) = &setting.value {
            write_choice(choice, draft);
        }
    }
    Ok(())
}

fn write_tool<'a>(tool: &Tool<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    draft.only_functions(tool)?;
    draft.pen.open('{');
    draft.pen.key("name").text(&tool.name);
    if let Some(description) = &tool.description {
        draft.pen.key("description").text(description);
    }
    if let Some(schema) = &tool.schema {
        draft.pen.key("parametersJsonSchema").verbatim(schema);
    }
    draft.pen.close('}');
    Ok(())
}

fn write_choice(choice: &ToolChoice<'_>, draft: &mut Draft<'_, '_>) {
    let pen = &mut draft.pen;
    pen.key("toolConfig").open('{');
    pen.key("functionCallingConfig").open('{');
    let mode = match choice {
        ToolChoice::Auto => "AUTO",
        ToolChoice::None => "NONE",
        ToolChoice::Any | ToolChoice::Named(_) => "ANY",
    };
    pen.key("mode").text(&Text::lent(mode));
    if let ToolChoice::Named(name) = choice {
        pen.key("allowedFunctionNames").open('[');
        pen.text(name);
        pen.close(']');
    }
    pen.close('}');
    pen.close('}');
}

fn write_settings<'a>(conversation: &Conversation<'a>, draft: &mut Draft<'a, '_>) -> Written<'a> {
    if let Some(limit) = draft.max_output(conversation) {
        draft.pen.key("maxOutputTokens").number(limit);
    }
    let mut warm = false;
    let mut thinks = false;
    for setting in &conversation.settings {
        let at = setting.at;
        match &setting.value {
            Value::Temperature => {
                warm = true;
                draft.pen.key("temperature").raw(at);
            }
            Value::TopP => draft.pen.key("topP").raw(at),
            Value::TopK => draft.pen.key("topK").raw(at),
            Value::Seed => draft.pen.key("seed").raw(at),
            Value::PresencePenalty => draft.pen.key("presencePenalty").raw(at),
            Value::FrequencyPenalty => draft.pen.key("frequencyPenalty").raw(at),
            Value::Stop(stops) if stops.len() <= MOST_STOPS => {
                draft.pen.key("stopSequences").open('[');
                stops.iter().for_each(|stop| draft.pen.text(stop));
                draft.pen.close(']');
            }
            Value::Logprobs => draft.pen.key("responseLogprobs").verbatim("true"),
            Value::TopLogprobs(0) => {}
            Value::TopLogprobs(_) => draft.pen.key("logprobs").raw(at),
            Value::Format(Format::Text) | Value::Choices(1) => {}
            Value::Format(Format::Json) => {
                draft
                    .pen
                    .key("responseMimeType")
                    .text(&Text::lent("application/json"));
            }
            Value::Format(Format::Schema { schema, .. }) => {
                draft
                    .pen
                    .key("responseMimeType")
                    .text(&Text::lent("application/json"));
                draft.pen.key("responseJsonSchema").verbatim(schema);
            }
            Value::Effort(effort) if !thinks => {
                thinks = true;
                write_thinking(*effort, effort.budget(), draft);
            }
            Value::ThinkingBudget(tokens) if !thinks => {
                thinks = true;
                write_thinking(Effort::of_budget(*tokens), *tokens, draft);
            }
            Value::Effort(_) | Value::ThinkingBudget(_) | Value::Adaptive => {}
            Value::ToolChoice(_) | Value::MaxOutput(_) | Value::ParallelTools(true) => {}
            _ => draft.no_place(setting)?,
        }
    }
    if let (false, Some(value)) = (warm, draft.target.temperature) {
        draft.pen.key("temperature").verbatim(&value.to_string());
    }
    Ok(())
}

/// Models before the third take a budget, those after it a level.
fn write_thinking(effort: Effort, budget: u64, draft: &mut Draft<'_, '_>) {
    let by_budget = draft.target.model.contains("gemini-2");
    if effort == Effort::None && !by_budget {
        return;
    }
    let pen = &mut draft.pen;
    pen.key("thinkingConfig").open('{');
    if by_budget {
        pen.key("thinkingBudget").number(budget.min(24_576));
    } else {
        let level = match effort {
            Effort::None | Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High | Effort::ExtraHigh | Effort::Max => "high",
        };
        pen.key("thinkingLevel").text(&Text::lent(level));
    }
    if effort != Effort::None {
        pen.key("includeThoughts").verbatim("true");
    }
    pen.close('}');
}
