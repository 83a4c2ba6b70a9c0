use super::items::{self, Names, Told, write_response};
use crate::translate::AnswerFrame;
use crate::translate::event::Event;
use crate::translate::gather::{Gathered, Spoken};
use crate::translate::openai::write_probabilities;
use crate::translate::pen::Pen;

/// Writes an answer in one piece.
pub(in crate::translate) fn write(events: &[Event<'_>], frame: &AnswerFrame) -> String {
    let answer = Gathered::of(events, frame);
    let names = Names::new(Some(&answer.id), Some(&answer.model), frame);
    let mut list = Vec::with_capacity(answer.parts.len());
    let begins = answer.begins();
    for (at, part) in answer.parts.iter().enumerate() {
        let mut pen = Pen::default();
        let told = told(&answer, part, &begins, at);
        write_item(part, &told, list.len(), &names, &mut pen);
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

/// What is told of a text: of the sources those that stand for a place in it.
fn told(answer: &Gathered<'_>, part: &Spoken<'_>, begins: &[u64], at: usize) -> Told {
    let Spoken::Text(written) = part else {
        return Told::default();
    };
    let mut pen = Pen::default();
    write_probabilities(written.tokens.iter().copied(), &mut pen);
    let mut told = Told {
        probabilities: pen.finish(),
        citations: String::new(),
    };
    let is_text = |part: &Spoken<'_>| matches!(part, Spoken::Text(_));
    let is_last = !answer.parts.iter().skip(at + 1).any(is_text);
    let begin = |at: usize| begins.get(at).copied().unwrap_or(0);
    for citation in &answer.citations {
        let place = citation.place.map_or(begin(at), |(place, _)| place);
        let follows = place >= begin(at + 1) && !is_last;
        if place >= begin(at) && !follows {
            let one = items::annotation(citation, begin(at));
            Told::join(&mut told.citations, &one);
        }
    }
    told
}

fn write_item(part: &Spoken<'_>, told: &Told, at: usize, names: &Names, pen: &mut Pen) {
    let pieces = part.pieces();
    match part {
        Spoken::Text(_) | Spoken::Refusal(_) => {
            let refusal = matches!(part, Spoken::Refusal(_));
            let inner = items::part(refusal, &pieces, told);
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
