use super::finish_word;
use crate::translate::AnswerFrame;
use crate::translate::event::{Event, Signer, Usage};
use crate::translate::gather::{Gathered, Spoken};
use crate::translate::openai::{write_citation, write_probabilities};
use crate::translate::pen::Pen;
use crate::translate::raw::Text;
use crate::translate::source::Citation;

/// Writes an answer in one piece.
pub(in crate::translate) fn write(events: &[Event<'_>], frame: &AnswerFrame) -> String {
    let answer = Gathered::of(events, frame);
    let mut pen = Pen::with_capacity(1024);
    pen.open('{');
    pen.key("id").text(&answer.id);
    pen.key("object").text(&Text::lent("chat.completion"));
    pen.key("created").number(frame.created);
    pen.key("model").text(&answer.model);
    pen.key("choices").open('[');
    pen.open('{');
    pen.key("index").number(0);
    pen.key("message");
    write_message(&answer, &mut pen);
    write_told(&answer, &mut pen);
    pen.key("finish_reason")
        .text(&Text::lent(finish_word(answer.finish)));
    pen.close('}');
    pen.close(']');
    if let Some(usage) = &answer.usage {
        pen.key("usage");
        write_usage(usage, &mut pen);
    }
    pen.close('}');
    pen.finish()
}

/// How likely the text was, where that was told.
fn write_told(answer: &Gathered<'_>, pen: &mut Pen) {
    let texts = answer.parts.iter().filter_map(|part| match part {
        Spoken::Text(written) => Some(&written.tokens),
        _ => None,
    });
    let mut tokens = texts.flatten().copied().peekable();
    pen.key("logprobs");
    if tokens.peek().is_none() {
        return pen.verbatim("null");
    }
    pen.open('{');
    pen.key("content").open('[');
    write_probabilities(tokens, pen);
    pen.close(']');
    pen.key("refusal").verbatim("null");
    pen.close('}');
}

/// The source of something that was said.
pub(super) fn write_annotation(citation: &Citation<'_>, pen: &mut Pen) {
    pen.open('{');
    pen.key("type").text(&Text::lent("url_citation"));
    pen.key("url_citation").open('{');
    write_citation(citation, 0, pen);
    pen.close('}');
    pen.close('}');
}

fn write_message(answer: &Gathered<'_>, pen: &mut Pen) {
    let pieces = |wanted: fn(&Spoken<'_>) -> bool| {
        let parts = answer.parts.iter().filter(move |part| wanted(part));
        let texts = parts.flat_map(Spoken::pieces);
        texts.collect::<Vec<&str>>()
    };
    pen.open('{');
    pen.key("role").text(&Text::lent("assistant"));
    let text = pieces(|part| matches!(part, Spoken::Text(_)));
    match text.is_empty() {
        true => pen.key("content").verbatim("null"),
        false => pen.key("content").pieces(&text),
    }
    let refusal = pieces(|part| matches!(part, Spoken::Refusal(_)));
    match refusal.is_empty() {
        true => pen.key("refusal").verbatim("null"),
        false => pen.key("refusal").pieces(&refusal),
    }
    if !answer.citations.is_empty() {
        pen.key("annotations").open('[');
        for citation in &answer.citations {
            write_annotation(citation, pen);
        }
        pen.close(']');
    }
    let thoughts = pieces(|part| matches!(part, Spoken::Thinking { .. }));
    if !thoughts.is_empty() {
        pen.key("reasoning_content").pieces(&thoughts);
    }
    write_details(answer, pen);
    write_calls(answer, pen);
    pen.close('}');
}

/// Thoughts with their proofs, so that a client which sends them back lets
/// their maker go on from there.
fn write_details(answer: &Gathered<'_>, pen: &mut Pen) {
    let proven = |part: &&Spoken<'_>| {
        matches!(
            part,
            Spoken::Thinking {
                signature: Some(_),
                ..
            } | Spoken::Sealed(..)
        )
    };
    if !answer.parts.iter().any(|part| proven(&part)) {
        return;
    }
    pen.key("reasoning_details").open('[');
    for part in answer.parts.iter().filter(proven) {
        match part {
            Spoken::Thinking {
                text,
                signature: Some((signature, maker)),
            } => {
                let texts: Vec<&str> = text.iter().map(|it| it.get()).collect();
                let proof: Vec<&str> = signature.iter().map(|it| it.get()).collect();
                write_detail(pen, "reasoning.text", *maker);
                pen.key("text").pieces(&texts);
                pen.key("signature").pieces(&proof);
            }
            Spoken::Sealed(data, maker) => {
                write_detail(pen, "reasoning.encrypted", *maker);
                pen.key("data").text(data);
            }
            _ => continue,
        }
        pen.close('}');
    }
    pen.close(']');
}

/// Begins a detail; the caller closes it.
pub(super) fn write_detail(pen: &mut Pen, kind: &'static str, maker: Signer) {
    pen.open('{');
    pen.key("type").text(&Text::lent(kind));
    let format = match maker {
        Signer::Anthropic => "anthropic-claude-v1",
        Signer::Gemini => "google-gemini-v1",
        Signer::OpenAi => "openai-responses-v1",
        Signer::Nobody => "unknown",
    };
    pen.key("format").text(&Text::lent(format));
    pen.key("index").number(0);
}

fn write_calls(answer: &Gathered<'_>, pen: &mut Pen) {
    let mut calls = answer
        .parts
        .iter()
        .filter_map(|part| match part {
            Spoken::Call(call) => Some(call),
            _ => None,
        })
        .peekable();
    if calls.peek().is_none() {
        return;
    }
    pen.key("tool_calls").open('[');
    for call in calls {
        pen.open('{');
        pen.key("id").text(&call.id);
        pen.key("type").text(&Text::lent("function"));
        pen.key("function").open('{');
        pen.key("name").text(call.name);
        pen.key("arguments").pieces(&call.pieces());
        pen.close('}');
        write_signature(call.signature.as_ref(), pen);
        pen.close('}');
    }
    pen.close(']');
}

/// Gemini's thought signature, where its own imitation of OpenAI has it.
pub(super) fn write_signature(signature: Option<&Text<'_>>, pen: &mut Pen) {
    if let Some(signature) = signature {
        pen.key("extra_content").open('{');
        pen.key("google").open('{');
        pen.key("thought_signature").text(signature);
        pen.close('}');
        pen.close('}');
    }
}

/// Figures as OpenAI has them: the prompt with what was cached.
pub(super) fn write_usage(usage: &Usage, pen: &mut Pen) {
    let tokens = &usage.tokens;
    pen.open('{');
    pen.key("prompt_tokens").number(usage.prompt());
    pen.key("completion_tokens").number(tokens.output);
    pen.key("total_tokens")
        .number(usage.prompt().saturating_add(tokens.output));
    pen.key("prompt_tokens_details").open('{');
    pen.key("cached_tokens").number(tokens.cache_read);
    pen.key("cache_write_tokens").number(tokens.cache_write);
    pen.close('}');
    pen.key("completion_tokens_details").open('{');
    pen.key("reasoning_tokens").number(usage.reasoning);
    pen.close('}');
    pen.close('}');
}
