use super::items::{self, Names, write_response};
use crate::translate::AnswerFrame;
use crate::translate::event::Event;
use crate::translate::gather::{Gathered, Spoken};
use crate::translate::pen::Pen;

/// Writes an answer in one piece.
pub(in crate::translate) fn write(events: &[Event<'_>], frame: &AnswerFrame) -> String {
    let answer = Gathered::of(events, frame);
    let names = Names::new(Some(&answer.id), Some(&answer.model), frame);
    let mut list = Vec::with_capacity(answer.parts.len());
    for part in &answer.parts {
        let mut pen = Pen::default();
        write_item(part, list.len(), &names, &mut pen);
        let item = pen.finish();
        if !item.is_empty() {
            list.push(item);
        }
    }
    let mut pen = Pen::with_capacity(1024);
    let usage = answer.usage.as_ref();
    write_response(&names, Some(answer.finish), &list, usage, &mut pen);
    pen.finish()
}

fn write_item(part: &Spoken<'_>, at: usize, names: &Names, pen: &mut Pen) {
    let pieces = part.pieces();
    match part {
        Spoken::Text(_) | Spoken::Refusal(_) => {
            let refusal = matches!(part, Spoken::Refusal(_));
            let inner = items::part(refusal, &pieces);
            items::message(&names.item("msg", at), Some(&inner), pen);
        }
        Spoken::Thinking { .. } if pieces.is_empty() => {}
        Spoken::Thinking { .. } => items::reasoning(&names.item("rs", at), Some(&pieces), pen),
        // OpenAI, who may get it back, refuses what it did not seal.
        Spoken::Sealed(..) => {}
        Spoken::Call(call) => {
            let id = names.item("fc", at);
            items::call(
                &id,
                call.id.get(),
                call.name.get(),
                Some(&call.pieces()),
                pen,
            );
        }
    }
}
