use crate::translate::AnswerFrame;
use crate::translate::event::{Finish, Usage};
use crate::translate::openai::write_citation;
use crate::translate::pen::Pen;
use crate::translate::raw::Text;
use crate::translate::source::Citation;

/// What the items of an answer are written with.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) response: String,
    pub(super) model: String,
    created: u64,
    /// Behind the prefix of every item's id.
    stem: String,
}

impl Names {
    pub(super) fn new(
        id: Option<&Text<'_>>,
        model: Option<&Text<'_>>,
        frame: &AnswerFrame,
    ) -> Self {
        let stem = frame.plain_id();
        let own_model = Text::of(&frame.model);
        let model = model
            .filter(|it| !it.is_empty())
            .unwrap_or(&own_model)
            .get();
        let id = id.map(Text::get).filter(|id| !id.is_empty());
        Self {
            response: id.map_or_else(|| format!("resp_{stem}"), str::to_owned),
            model: model.to_owned(),
            created: frame.created,
            stem,
        }
    }

    /// The id of an item, by its prefix and place.
    pub(super) fn item(&self, prefix: &str, at: usize) -> String {
        format!("{prefix}_{}_{at}", self.stem)
    }
}

/// Writes the response around its items, which are JSON already.
pub(super) fn write_response(
    names: &Names,
    finish: Option<Finish>,
    items: &[String],
    usage: Option<&Usage>,
    pen: &mut Pen,
) {
    let status = match finish {
        None => "in_progress",
        Some(finish) => status(finish).0,
    };
    pen.open('{');
    pen.key("id").pieces(&[&names.response]);
    pen.key("object").text(&Text::lent("response"));
    pen.key("created_at").number(names.created);
    pen.key("status").text(&Text::lent(status));
    pen.key("error").verbatim("null");
    pen.key("incomplete_details");
    match finish.and_then(status_reason) {
        Some(reason) => {
            pen.open('{');
            pen.key("reason").text(&Text::lent(reason));
            pen.close('}');
        }
        None => pen.verbatim("null"),
    }
    pen.key("instructions").verbatim("null");
    pen.key("max_output_tokens").verbatim("null");
    pen.key("model").pieces(&[&names.model]);
    pen.key("output").open('[');
    for item in items {
        pen.verbatim(item);
    }
    pen.close(']');
    pen.key("parallel_tool_calls").verbatim("true");
    pen.key("previous_response_id").verbatim("null");
    pen.key("store").verbatim("false");
    pen.key("temperature").verbatim("null");
    pen.key("tool_choice").text(&Text::lent("auto"));
    pen.key("tools").verbatim("[]");
    pen.key("top_p").verbatim("null");
    pen.key("metadata").verbatim("{}");
    pen.key("usage");
    match usage {
        Some(usage) => write_usage(usage, pen),
        None => pen.verbatim("null"),
    }
    pen.close('}');
}

/// The status at the end, and the event that tells it.
pub(super) const fn status(finish: Finish) -> (&'static str, &'static str) {
    match status_reason(finish) {
        Some(_) => ("incomplete", "response.incomplete"),
        None => ("completed", "response.completed"),
    }
}

const fn status_reason(finish: Finish) -> Option<&'static str> {
    match finish {
        Finish::Length | Finish::Window => Some("max_output_tokens"),
        Finish::Filtered => Some("content_filter"),
        Finish::Stop | Finish::StopSequence | Finish::Calls | Finish::Refused | Finish::Paused => {
            None
        }
    }
}

fn write_usage(usage: &Usage, pen: &mut Pen) {
    let tokens = &usage.tokens;
    pen.open('{');
    pen.key("input_tokens").number(usage.prompt());
    pen.key("input_tokens_details").open('{');
    pen.key("cached_tokens").number(tokens.cache_read);
    pen.key("cache_write_tokens").number(tokens.cache_write);
    pen.close('}');
    pen.key("output_tokens").number(tokens.output);
    pen.key("output_tokens_details").open('{');
    pen.key("reasoning_tokens").number(usage.reasoning);
    pen.close('}');
    pen.key("total_tokens")
        .number(usage.prompt().saturating_add(tokens.output));
    pen.close('}');
}

/// A message's item; `text` is none before it is known.
pub(super) fn message(id: &str, part: Option<&str>, pen: &mut Pen) {
    pen.open('{');
    pen.key("id").pieces(&[id]);
    pen.key("type").text(&Text::lent("message"));
    let status = if part.is_some() {
        "completed"
    } else {
        "in_progress"
    };
    pen.key("status").text(&Text::lent(status));
    pen.key("role").text(&Text::lent("assistant"));
    pen.key("content").open('[');
    if let Some(part) = part {
        pen.verbatim(part);
    }
    pen.close(']');
    pen.close('}');
}

/// What is told of a text, as the elements of lists.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) probabilities: String,
    pub(super) citations: String,
}

impl Told {
    /// Puts more elements behind those of a list.
    pub(super) fn join(list: &mut String, more: &str) {
        if !list.is_empty() && !more.is_empty() {
            list.push(',');
        }
        list.push_str(more);
    }
}

/// A source as an annotation; places count from `base` on.
pub(super) fn annotation(citation: &Citation<'_>, base: u64) -> String {
    let mut pen = Pen::default();
    pen.open('{');
    pen.key("type").text(&Text::lent("url_citation"));
    write_citation(citation, base, &mut pen);
    pen.close('}');
    pen.finish()
}

/// A part of a message: text or a refusal.
pub(super) fn part(refusal: bool, pieces: &[&str], told: &Told) -> String {
    let mut pen = Pen::default();
    pen.open('{');
    if refusal {
        pen.key("type").text(&Text::lent("refusal"));
        pen.key("refusal").pieces(pieces);
    } else {
        pen.key("type").text(&Text::lent("output_text"));
        pen.key("text").pieces(pieces);
        for (key, list) in [
            ("annotations", &told.citations),
            ("logprobs", &told.probabilities),
        ] {
            pen.key(key).open('[');
            pen.frame(list);
            pen.close(']');
        }
    }
    pen.close('}');
    pen.finish()
}

/// The item of thoughts.
pub(super) fn reasoning(id: &str, pieces: Option<&[&str]>, pen: &mut Pen) {
    pen.open('{');
    pen.key("id").pieces(&[id]);
    pen.key("type").text(&Text::lent("reasoning"));
    pen.key("summary").open('[');
    if let Some(pieces) = pieces {
        pen.open('{');
        pen.key("type").text(&Text::lent("summary_text"));
        pen.key("text").pieces(pieces);
        pen.close('}');
    }
    pen.close(']');
    pen.close('}');
}

/// The item of a call; `arguments` is none before they are whole.
pub(super) fn call(id: &str, call_id: &str, name: &str, arguments: Option<&[&str]>, pen: &mut Pen) {
    pen.open('{');
    pen.key("id").pieces(&[id]);
    pen.key("type").text(&Text::lent("function_call"));
    let status = if arguments.is_some() {
        "completed"
    } else {
        "in_progress"
    };
    pen.key("status").text(&Text::lent(status));
    pen.key("call_id").pieces(&[call_id]);
    pen.key("name").pieces(&[name]);
    pen.key("arguments").pieces(arguments.unwrap_or(&[]));
    pen.close('}');
}
