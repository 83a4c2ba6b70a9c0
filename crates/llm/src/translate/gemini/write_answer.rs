use super::told::{Told, write_citations};
use crate::Framing;
use crate::translate::AnswerFrame;
use crate::translate::event::{Event, Finish, Signer, Usage};
use crate::translate::gather::{Gathered, Spoken, as_object};
use crate::translate::pen::Pen;
use crate::translate::raw::Text;
use crate::translate::source::{Citation, Ruler};

/// Writes an answer in one piece.
pub(in crate::translate) fn write(events: &[Event<'_>], frame: &AnswerFrame) -> String {
    let answer = Gathered::of(events, frame);
    let mut pen = Pen::with_capacity(1024);
    pen.open('{');
    open_candidate(&mut pen);
    for part in &answer.parts {
        match part {
            Spoken::Text(_) | Spoken::Refusal(_) => part_text(&part.pieces(), false, &mut pen),
            Spoken::Thinking { .. } => part_text(&part.pieces(), true, &mut pen),
            Spoken::Sealed(..) => {}
            Spoken::Call(call) => {
                let arguments = call.object();
                let signature = call.signature.as_ref();
                part_call(&call.id, call.name.get(), &arguments, signature, &mut pen);
            }
        }
    }
    close_content(&mut pen);
    write_told(&answer, &mut pen);
    close_candidate(Some(answer.finish), &mut pen);
    if let Some(usage) = &answer.usage {
        write_usage(usage, &mut pen);
    }
    pen.key("modelVersion").text(&answer.model);
    pen.key("responseId").text(&answer.id);
    pen.close('}');
    pen.finish()
}

fn write_told(answer: &Gathered<'_>, pen: &mut Pen) {
    let mut told = Told::default();
    let mut ruler = Ruler::default();
    for part in &answer.parts {
        if let Spoken::Text(written) = part {
            told.add(written.tokens.iter().copied());
            written.pieces.iter().for_each(|piece| ruler.add(piece));
        }
    }
    told.write(pen);
    told.write_average(pen);
    write_citations(answer.citations.iter().copied(), &ruler, pen);
}

/// Writes a stream of parts, as events or as the elements of an array.
///
/// Gemini's API has no pieces of arguments: a call goes out once it is whole,
/// and only its arguments are held until then.
#[derive(Debug)]
pub(in crate::translate) struct StreamWriter {
    frame: AnswerFrame,
    framing: Framing,
    /// What every part ends with.
    tail: String,
    is_first: bool,
    calls: Vec<Waiting>,
    told: Told,
    /// Sources, which stand at the end.
    citations: Vec<Citation<'static>>,
    ruler: Ruler,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

/// A call whose arguments are still coming.
#[derive(Debug)]
struct Waiting {
    number: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

impl StreamWriter {
    pub(in crate::translate) fn new(frame: AnswerFrame, framing: Framing) -> Self {
        Self {
            frame,
            framing,
            tail: String::new(),
            is_first: true,
            calls: Vec::new(),
            told: Told::default(),
            citations: Vec::new(),
            ruler: Ruler::default(),
            usage: None,
            finish: None,
        }
    }

    /// Bytes that are held back.
    pub(in crate::translate) fn held(&self) -> usize {
        let calls = self.calls.iter().map(|call| call.arguments.len());
        let sources = self.citations.iter();
        let sources = sources.map(|it| it.address.get().len() + size_of::<Citation<'_>>());
        self.told.held() + calls.chain(sources).sum::<usize>()
    }

    pub(in crate::translate) fn write(&mut self, event: &Event<'_>, pen: &mut Pen) {
        match event {
            Event::Start { id, model } => self.start(id.as_ref(), model.as_ref()),
            Event::Text(text) | Event::Refusal(text) => {
                if matches!(event, Event::Text(_)) {
                    self.ruler.add(text);
                }
                self.part(pen, |pen| part_text(&[text.get()], false, pen));
            }
            Event::Probabilities(tokens) => self.told.add(tokens),
            Event::Citation(citation) => self.citations.push(citation.kept()),
            Event::Thinking(text) => self.part(pen, |pen| part_text(&[text.get()], true, pen)),
            Event::Signature(proof, Signer::Gemini) => self.part(pen, |pen| {
                pen.open('{');
                pen.key("text").pieces(&[]);
                pen.key("thoughtSignature").text(proof);
                pen.close('}');
            }),
            Event::Signature(..) | Event::Sealed(..) => {}
            Event::Call {
                call,
                id,
                name,
                signature,
            } => self.calls.push(Waiting {
                number: *call,
                id: id
                    .as_ref()
                    .map(|id| id.get().to_owned())
                    .unwrap_or_default(),
                name: name.get().to_owned(),
                arguments: String::new(),
                signature: signature.as_ref().map(|it| it.get().to_owned()),
            }),
            Event::Arguments { call, fragment } => {
                let waiting = self.calls.iter_mut().find(|it| it.number == *call);
                if let Some(waiting) = waiting {
                    waiting.arguments.push_str(fragment.get());
                }
            }
            Event::CallEnd { call } => {
                let at = self.calls.iter().position(|it| it.number == *call);
                if let Some(at) = at {
                    let call = self.calls.remove(at);
                    self.call(&call, pen);
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish(finish, _) => {
                self.flush(pen);
                self.finish = Some(*finish);
            }
            // Google's own SDK takes a comment for data.
            Event::KeepAlive | Event::Dropped(_) => {}
            Event::End => self.end(pen),
        }
    }

    fn start(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>) {
        let own_id = Text::of(&self.frame.plain_id());
        let own_model = Text::of(&self.frame.model);
        let id = id.filter(|id| !id.is_empty()).unwrap_or(&own_id).get();
        let model = model
            .filter(|it| !it.is_empty())
            .unwrap_or(&own_model)
            .get();
        self.tail = format!(r#","modelVersion":"{model}","responseId":"{id}"}}"#);
    }

    fn flush(&mut self, pen: &mut Pen) {
        for call in std::mem::take(&mut self.calls) {
            self.call(&call, pen);
        }
    }

    fn call(&mut self, call: &Waiting, pen: &mut Pen) {
        let arguments = as_object(&call.arguments);
        let signature = call.signature.as_deref().map(Text::lent);
        let id = Text::lent(&call.id);
        self.part(pen, |pen| {
            part_call(&id, &call.name, &arguments, signature.as_ref(), pen);
        });
    }

    fn part(&mut self, pen: &mut Pen, inside: impl FnOnce(&mut Pen)) {
        self.open(pen);
        open_candidate(pen);
        inside(pen);
        close_content(pen);
        self.told.write(pen);
        close_candidate(None, pen);
        self.close(pen);
    }

    fn end(&mut self, pen: &mut Pen) {
        self.flush(pen);
        self.open(pen);
        open_candidate(pen);
        part_text(&[], false, pen);
        close_content(pen);
        self.told.write(pen);
        self.told.write_average(pen);
        write_citations(self.citations.iter(), &self.ruler, pen);
        close_candidate(Some(self.finish.unwrap_or(Finish::Stop)), pen);
        if let Some(usage) = &self.usage {
            write_usage(usage, pen);
        }
        self.close(pen);
        if self.framing == Framing::Array {
            pen.frame("\n]\n");
        }
    }

    fn open(&mut self, pen: &mut Pen) {
        if self.tail.is_empty() {
            self.start(None, None);
        }
        let is_first = std::mem::replace(&mut self.is_first, false);
        pen.frame(match (self.framing, is_first) {
            (Framing::Events, _) => "data: {",
            (Framing::Array, true) => "[{",
            (Framing::Array, false) => ",\r\n{",
        });
    }

    fn close(&self, pen: &mut Pen) {
        pen.frame(&self.tail);
        if self.framing == Framing::Events {
            pen.frame("\r\n\r\n");
        }
    }

    /// Whether nothing of an array has gone out.
    pub(in crate::translate) const fn is_first(&self) -> bool {
        self.is_first
    }
}

fn open_candidate(pen: &mut Pen) {
    pen.key("candidates").open('[');
    pen.open('{');
    pen.key("content").open('{');
    pen.key("parts").open('[');
}

fn close_content(pen: &mut Pen) {
    pen.close(']');
    pen.key("role").text(&Text::lent("model"));
    pen.close('}');
}

fn close_candidate(finish: Option<Finish>, pen: &mut Pen) {
    if let Some(finish) = finish {
        let word = match finish {
            Finish::Length | Finish::Window => "MAX_TOKENS",
            Finish::Refused | Finish::Filtered => "SAFETY",
            Finish::Stop | Finish::StopSequence | Finish::Calls | Finish::Paused => "STOP",
        };
        pen.key("finishReason").text(&Text::lent(word));
    }
    pen.key("index").number(0);
    pen.close('}');
    pen.close(']');
}

fn part_text(pieces: &[&str], thought: bool, pen: &mut Pen) {
    pen.open('{');
    pen.key("text").pieces(pieces);
    if thought {
        pen.key("thought").verbatim("true");
    }
    pen.close('}');
}

fn part_call(
    id: &Text<'_>,
    name: &str,
    arguments: &str,
    signature: Option<&Text<'_>>,
    pen: &mut Pen,
) {
    pen.open('{');
    pen.key("functionCall").open('{');
    if !id.is_empty() {
        pen.key("id").text(id);
    }
    pen.key("name").pieces(&[name]);
    pen.key("args").verbatim(arguments);
    pen.close('}');
    if let Some(signature) = signature {
        pen.key("thoughtSignature").text(signature);
    }
    pen.close('}');
}

/// Figures as Gemini has them: thoughts beside the candidates.
fn write_usage(usage: &Usage, pen: &mut Pen) {
    let tokens = &usage.tokens;
    let reasoning = usage.reasoning.min(tokens.output);
    pen.key("usageMetadata").open('{');
    pen.key("promptTokenCount").number(usage.prompt());
    pen.key("candidatesTokenCount")
        .number(tokens.output - reasoning);
    pen.key("totalTokenCount")
        .number(usage.prompt().saturating_add(tokens.output));
    if tokens.cache_read > 0 {
        pen.key("cachedContentTokenCount").number(tokens.cache_read);
    }
    if reasoning > 0 {
        pen.key("thoughtsTokenCount").number(reasoning);
    }
    pen.close('}');
}
