use super::{finish_word, write_usage};
use crate::translate::AnswerFrame;
use crate::translate::event::{Event, Finish, Signer};
use crate::translate::gather::{Called, Gathered, Spoken};
use crate::translate::pen::Pen;
use crate::translate::raw::Text;

/// Writes an answer in one piece.
pub(in crate::translate) fn write(events: &[Event<'_>], frame: &AnswerFrame) -> String {
    let answer = Gathered::of(events, frame);
    let mut pen = Pen::with_capacity(1024);
    pen.open('{');
    pen.key("id").text(&answer.id);
    pen.key("type").text(&Text::lent("message"));
    pen.key("role").text(&Text::lent("assistant"));
    pen.key("model").text(&answer.model);
    pen.key("content").open('[');
    let mut calls = false;
    for part in &answer.parts {
        calls |= matches!(part, Spoken::Call(_));
        write_block(part, &mut pen);
    }
    pen.close(']');
    let finish = match answer.finish {
        Finish::Stop if calls => Finish::Calls,
        finish => finish,
    };
    pen.key("stop_reason")
        .text(&Text::lent(finish_word(finish)));
    pen.key("stop_sequence");
    match answer.stop_sequence {
        Some(sequence) => pen.text(sequence),
        None => pen.verbatim("null"),
    }
    pen.key("usage");
    write_usage(&answer.usage.unwrap_or_default(), &mut pen);
    pen.close('}');
    pen.finish()
}

fn write_block(part: &Spoken<'_>, pen: &mut Pen) {
    // A seal or signature of another maker would be sent back to whoever
    // serves the next turn; Anthropic refuses what it did not sign.
    if matches!(part, Spoken::Sealed(_, maker) if *maker != Signer::Anthropic) {
        return;
    }
    let pieces = part.pieces();
    pen.open('{');
    match part {
        Spoken::Text(_) | Spoken::Refusal(_) => {
            pen.key("type").text(&Text::lent("text"));
            pen.key("text").pieces(&pieces);
        }
        Spoken::Thinking { signature, .. } => {
            pen.key("type").text(&Text::lent("thinking"));
            pen.key("thinking").pieces(&pieces);
            let own = signature
                .iter()
                .filter(|(_, maker)| *maker == Signer::Anthropic);
            let proof: Vec<&str> = own.flat_map(|(it, _)| it).map(|it| it.get()).collect();
            pen.key("signature").pieces(&proof);
        }
        Spoken::Sealed(data, _) => {
            pen.key("type").text(&Text::lent("redacted_thinking"));
            pen.key("data").text(data);
        }
        Spoken::Call(call) => write_call(call, pen),
    }
    pen.close('}');
}

fn write_call(call: &Called<'_>, pen: &mut Pen) {
    pen.key("type").text(&Text::lent("tool_use"));
    pen.key("id").text(&call.id);
    pen.key("name").text(call.name);
    pen.key("input").verbatim(&call.object());
}
