//! What OpenAI's two APIs, chat and Responses, have in common.

use super::conversation::{
    Conversation, Effort, Kind, Part, Role, Setting, Source, ToolChoice, Value,
};
use super::draft::{Draft, refused};
use super::member::{member, needed, text};
use super::pen::Pen;
use super::probability::{CERTAIN, Probabilities, Token};
use super::raw::{Fault, Raw, Text};
use super::source::Citation;
use crate::request::is_reasoning;

type Done<'a, T = ()> = Result<T, Fault<'a>>;

/// Fields that both have under the same name, and nobody else has.
const SHARED: [&str; 6] = [
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
];

/// The field of this name, where both APIs have it.
pub(super) fn shared<'a>(key: &str) -> Option<Value<'a>> {
    let known = SHARED.iter().find(|known| **known == key);
    known.map(|known| Value::OpenAi(known))
}

/// Content: text, or a list of parts.
pub(super) fn read_content<'a>(
    content: Raw<'a>,
    part: impl Fn(Raw<'a>) -> Done<'a, Part<'a>>,
) -> Done<'a, Vec<Part<'a>>> {
    if content.is_string() {
        let text = content.text()?;
        return Ok(match text.is_empty() {
            true => Vec::new(),
            false => vec![Part::of(content, Kind::Text(text))],
        });
    }
    let parts = content
        .elements()
        .map_err(|_| content.found("text or a list of parts"))?;
    parts.map(part).collect()
}

/// A tool choice that is a word; none where it is an object, whose type is a
/// function's.
pub(super) fn read_choice(value: Raw<'_>) -> Done<'_, Option<ToolChoice<'_>>> {
    const EXPECTED: &str = "`auto`, `none`, `required` or a function";
    if value.is_string() {
        return match value.string()?.as_ref() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" => Ok(Some(ToolChoice::Any)),
            _ => Err(value.unknown_word(EXPECTED)),
        };
    }
    value.members().map_err(|_| value.found(EXPECTED))?;
    match value.member("type") {
        Some(kind) if kind.get() != r#""function""# => Err(kind.unknown_word("`function`")),
        _ => Ok(None),
    }
}

/// Anthropic goes on where an assistant's turn at the end breaks off; others
/// answer it, which is something else.
pub(super) fn end_of_turns<'a>(conversation: &Conversation<'a>) -> Done<'a> {
    match conversation.turns.last() {
        Some(turn) if turn.role == Role::Assistant => Err(refused(turn.at)),
        _ => Ok(()),
    }
}

/// A picture or document as an address or a data URL.
pub(super) fn write_url<'a>(
    source: &Source<'a>,
    at: Raw<'a>,
    draft: &mut Draft<'a, '_>,
) -> Done<'a> {
    match source {
        Source::Url(url) => draft.pen.text(url),
        Source::Base64 { media, data } => {
            draft
                .pen
                .pieces(&["data:", media.get(), ";base64,", data.get()]);
        }
        Source::Plain(_) | Source::File => return Err(refused(at)),
    }
    Ok(())
}

/// The effort to ask for: one goes as it is, a budget as the effort that it
/// stands for; models that are known not to reason refuse the field.
pub(super) fn effort<'a>(
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Done<'a, Option<Effort>> {
    let said = conversation.settings.iter().rev();
    let mut said = said.filter_map(|setting| match setting.value {
        Value::Effort(effort) => Some((setting.at, effort)),
        Value::ThinkingBudget(tokens) => Some((setting.at, Effort::of_budget(tokens))),
        _ => None,
    });
    let Some((at, effort)) = said.next() else {
        return Ok(None);
    };
    let model = draft.target.model.rsplit('/').next().unwrap_or_default();
    let plain = ["gpt-4", "gpt-3", "chatgpt-4"];
    match effort {
        Effort::None if !is_reasoning(model) => Ok(None),
        _ if plain.iter().any(|known| model.starts_with(known)) => {
            draft.leave_out(at, "dropped: the model does not reason")?;
            Ok(None)
        }
        _ => Ok(Some(effort)),
    }
}

/// What becomes of sampling at models that reason.
pub(super) const TAKES_NONE: &str = "dropped: the model takes none";

/// Writes a setting that both APIs say in the same way.
pub(super) fn write_setting<'a>(
    setting: &Setting<'a>,
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Done<'a> {
    let at = setting.at;
    match &setting.value {
        Value::Temperature | Value::TopP if is_reasoning(draft.target.model) => {
            draft.leave_out(at, TAKES_NONE)?;
        }
        Value::Temperature => draft.pen.key("temperature").raw(at),
        Value::TopP => draft.pen.key("top_p").raw(at),
        Value::TopLogprobs(_) => draft.pen.key("top_logprobs").raw(at),
        Value::User(user) => draft.pen.key("user").text(user),
        Value::OpenAi(key) => draft.pen.key(key).raw(at),
        Value::ParallelTools(false) if !conversation.tools.is_empty() => {
            draft.pen.key("parallel_tool_calls").verbatim("false");
        }
        Value::Choices(1) | Value::MaxOutput(_) | Value::Adaptive => {}
        Value::ToolChoice(_) | Value::ParallelTools(_) => {}
        Value::Effort(_) | Value::ThinkingBudget(_) => {}
        _ => draft.no_place(setting)?,
    }
    Ok(())
}

/// Writes the temperature that is set for a caller who says none.
pub(super) fn write_temperature(conversation: &Conversation<'_>, draft: &mut Draft<'_, '_>) {
    let mut settings = conversation.settings.iter();
    let said = settings.any(|it| matches!(it.value, Value::Temperature));
    if let Some(value) = draft.target.temperature
        && !said
        && !is_reasoning(draft.target.model)
    {
        draft.pen.key("temperature").verbatim(&value.to_string());
    }
}

/// What a tool answered, as text: there is no field for an error, and the
/// model must know.
pub(super) fn outcome_text<'t>(parts: &'t [Part<'_>], is_error: bool) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    if is_error {
        pieces.push("error: ");
    }
    for part in parts {
        if let Kind::Text(text) = &part.kind {
            if pieces.len() > usize::from(is_error) {
                pieces.push("\\n");
            }
            pieces.push(text.get());
        }
    }
    pieces
}

/// A word, as the pen takes it.
pub(super) const fn word(word: &'static str) -> Text<'static> {
    Text::lent(word)
}

/// How likely tokens were, as both APIs list them.
pub(super) fn read_probabilities(list: Raw<'_>) -> Done<'_, Probabilities<'_>> {
    let one = |at| {
        Ok(Token {
            text: needed(at, "token", "text")?,
            logarithm: member(at, "logprob").unwrap_or(Raw::of(CERTAIN)),
            bytes: member(at, "bytes"),
            others: match member(at, "top_logprobs") {
                Some(others) => read_probabilities(others)?,
                None => Vec::new(),
            },
        })
    };
    list.elements()?.map(one).collect()
}

/// Writes tokens as the elements of a list.
pub(super) fn write_probabilities<'t, 'a: 't>(
    tokens: impl IntoIterator<Item = &'t Token<'a>>,
    pen: &mut Pen,
) {
    for token in tokens {
        open_token(token, pen);
        pen.key("top_logprobs").open('[');
        for other in &token.others {
            open_token(other, pen);
            pen.close('}');
        }
        pen.close(']');
        pen.close('}');
    }
}

fn open_token(token: &Token<'_>, pen: &mut Pen) {
    pen.open('{');
    pen.key("token").text(&token.text);
    pen.key("logprob").raw(token.logarithm);
    pen.key("bytes").verbatim(&token.bytes());
}

/// The source of something that was said. The two APIs differ in what they put
/// around its members; other kinds name files of the provider's.
pub(super) fn read_citation(at: Raw<'_>) -> Done<'_, Citation<'_>> {
    let begin = member(at, "start_index").and_then(|it| it.count().ok());
    let end = member(at, "end_index").and_then(|it| it.count().ok());
    Ok(Citation {
        address: needed(at, "url", "an address")?,
        title: text(at, "title")?,
        place: begin.zip(end).filter(|(begin, end)| begin < end),
    })
}

/// Writes the members of a source; places count from `base` on.
pub(super) fn write_citation(citation: &Citation<'_>, base: u64, pen: &mut Pen) {
    let (begin, end) = citation.place.unwrap_or((base, base));
    pen.key("start_index").number(begin.saturating_sub(base));
    pen.key("end_index").number(end.saturating_sub(base));
    pen.key("url").text(&citation.address);
    let title = citation.title.as_ref().map_or("", Text::get);
    pen.key("title").pieces(&[title]);
}
