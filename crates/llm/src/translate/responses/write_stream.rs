use super::items::{self, Names, Told, status, write_response};
use crate::translate::AnswerFrame;
use crate::translate::event::{Event, Finish, Usage};
use crate::translate::gather::call_id;
use crate::translate::openai::write_probabilities;
use crate::translate::pen::Pen;
use crate::translate::raw::Text;
use crate::translate::source::{Citation, Ruler};

/// Writes a stream of numbered events.
///
/// Deltas go out at once. This API says everything twice, though: an item's
/// end and the response's end repeat the whole text, so what was generated is
/// kept; [`StreamWriter::held`] says how much that is.
#[derive(Debug)]
pub(in crate::translate) struct StreamWriter {
    frame: AnswerFrame,
    names: Option<Names>,
    sequence: u64,
    /// Items by their place; empty until they are whole.
    items: Vec<String>,
    said: Option<Said>,
    /// How likely the text was that comes next.
    told: String,
    /// Sources of text that has not begun.
    cited: Vec<Citation<'static>>,
    /// Measures the text of the answer.
    ruler: Ruler,
    calls: Vec<Open>,
    held: usize,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

/// A message or thoughts that go on.
#[derive(Debug)]
struct Said {
    kind: Speech,
    at: usize,
    id: String,
    text: String,
    told: Told,
    /// Characters of the answer before it.
    base: u64,
    /// Sources that were told of it.
    sources: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Text,
    Refusal,
    Thinking,
}

/// A call whose arguments go on.
#[derive(Debug)]
struct Open {
    number: u32,
    at: usize,
    id: String,
    call_id: String,
    name: String,
    arguments: String,
}

impl StreamWriter {
    pub(in crate::translate) fn new(frame: AnswerFrame) -> Self {
        Self {
            frame,
            names: None,
            sequence: 0,
            items: Vec::new(),
            said: None,
            told: String::new(),
            cited: Vec::new(),
            ruler: Ruler::default(),
            calls: Vec::new(),
            held: 0,
            usage: None,
            finish: None,
        }
    }

    /// Bytes that are kept for the end.
    pub(in crate::translate) const fn held(&self) -> usize {
        self.held
    }

    /// The number of the next event.
    pub(in crate::translate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(in crate::translate) fn write(&mut self, event: &Event<'_>, pen: &mut Pen) {
        match event {
            Event::Start { id, model } => self.start(id.as_ref(), model.as_ref(), pen),
            Event::Text(text) => self.say(Speech::Text, text, pen),
            Event::Probabilities(tokens) => {
                let mut list = Pen::default();
                write_probabilities(tokens, &mut list);
                Told::join(&mut self.told, &list.finish());
            }
            Event::Citation(citation) => self.cite(citation, pen),
            Event::Refusal(text) => self.say(Speech::Refusal, text, pen),
            Event::Thinking(text) => self.say(Speech::Thinking, text, pen),
            Event::Signature(..) | Event::Sealed(..) => {}
            Event::Call { call, id, name, .. } => self.call(*call, id.as_ref(), name, pen),
            Event::Arguments { call, fragment } => self.arguments(*call, fragment, pen),
            Event::CallEnd { call } => {
                let at = self.calls.iter().position(|open| open.number == *call);
                if let Some(at) = at {
                    let open = self.calls.remove(at);
                    self.end_call(open, pen);
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish(finish, _) => {
                if !self.cited.is_empty() {
                    self.begin(Speech::Text, pen);
                }
                self.close(pen);
                self.finish = Some(*finish);
            }
            Event::Dropped(_) => {}
            Event::KeepAlive => pen.frame(": keepalive\n\n"),
            Event::End => self.end(pen),
        }
    }

    fn start(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>, pen: &mut Pen) {
        if self.names.is_some() {
            return;
        }
        let names = Names::new(id, model, &self.frame);
        for kind in ["response.created", "response.in_progress"] {
            self.event(kind, pen, |pen| {
                pen.key("response");
                write_response(&names, None, &[], None, pen);
            });
        }
        self.names = Some(names);
    }

    fn say(&mut self, kind: Speech, text: &Text<'_>, pen: &mut Pen) {
        let goes_on = self.said.as_ref().is_some_and(|said| said.kind == kind);
        if !goes_on {
            self.close(pen);
            self.begin(kind, pen);
        }
        let Some(mut said) = self.said.take() else {
            return;
        };
        let name = match kind {
            Speech::Text => "response.output_text.delta",
            Speech::Refusal => "response.refusal.delta",
            Speech::Thinking => "response.reasoning_summary_text.delta",
        };
        let told = match kind {
            Speech::Text => std::mem::take(&mut self.told),
            _ => String::new(),
        };
        self.event(name, pen, |pen| {
            place(&said, pen);
            pen.key("delta").text(text);
            if kind == Speech::Text {
                write_told(&told, pen);
            }
        });
        if kind == Speech::Text {
            self.ruler.add(text);
            self.held += told.len();
            Told::join(&mut said.told.probabilities, &told);
        }
        said.text.push_str(text.get());
        self.held += text.get().len();
        self.said = Some(said);
    }

    fn item_id(&mut self, prefix: &str, pen: &mut Pen) -> (usize, String) {
        self.start(None, None, pen);
        let at = self.items.len();
        self.items.push(String::new());
        let id = self.names.as_ref().map(|names| names.item(prefix, at));
        (at, id.unwrap_or_default())
    }

    fn begin(&mut self, kind: Speech, pen: &mut Pen) {
        let prefix = if kind == Speech::Thinking {
            "rs"
        } else {
            "msg"
        };
        let (at, id) = self.item_id(prefix, pen);
        self.event("response.output_item.added", pen, |pen| {
            pen.key("output_index").number(at as u64);
            pen.key("item");
            match kind {
                Speech::Thinking => items::reasoning(&id, None, pen),
                _ => items::message(&id, None, pen),
            }
        });
        let said = Said {
            kind,
            at,
            id,
            text: String::new(),
            told: Told::default(),
            base: self.ruler.characters(),
            sources: 0,
        };
        self.part("added", &said, "", pen);
        self.said = Some(said);
        if kind == Speech::Text {
            for citation in std::mem::take(&mut self.cited) {
                self.cite(&citation, pen);
            }
        }
    }

    /// The source of something in the text that goes on, or of what comes next.
    fn cite(&mut self, citation: &Citation<'_>, pen: &mut Pen) {
        let said = self.said.take_if(|said| said.kind == Speech::Text);
        let Some(mut said) = said else {
            self.cited.push(citation.kept());
            return;
        };
        let annotation = items::annotation(citation, said.base);
        self.event("response.output_text.annotation.added", pen, |pen| {
            place(&said, pen);
            pen.key("annotation_index").number(said.sources);
            pen.key("annotation").verbatim(&annotation);
        });
        said.sources += 1;
        self.held += annotation.len();
        Told::join(&mut said.told.citations, &annotation);
        self.said = Some(said);
    }

    /// `content_part` or `reasoning_summary_part`, added or done.
    fn part(&mut self, what: &str, said: &Said, text: &str, pen: &mut Pen) {
        let told = &said.told;
        let (name, inner) = match said.kind {
            Speech::Thinking => (
                format!("response.reasoning_summary_part.{what}"),
                format!(r#"{{"type":"summary_text","text":"{text}"}}"#),
            ),
            kind => (
                format!("response.content_part.{what}"),
                items::part(kind == Speech::Refusal, &[text], told),
            ),
        };
        self.event(&name, pen, |pen| {
            place(said, pen);
            pen.key("part").verbatim(&inner);
        });
    }

    /// Ends what goes on.
    fn close(&mut self, pen: &mut Pen) {
        if let Some(said) = self.said.take() {
            self.end_said(&said, pen);
        }
        for open in std::mem::take(&mut self.calls) {
            self.end_call(open, pen);
        }
    }

    fn end_said(&mut self, said: &Said, pen: &mut Pen) {
        let (name, key) = match said.kind {
            Speech::Text => ("response.output_text.done", "text"),
            Speech::Refusal => ("response.refusal.done", "refusal"),
            Speech::Thinking => ("response.reasoning_summary_text.done", "text"),
        };
        self.event(name, pen, |pen| {
            place(said, pen);
            pen.key(key).pieces(&[&said.text]);
            if said.kind == Speech::Text {
                write_told(&said.told.probabilities, pen);
            }
        });
        self.part("done", said, &said.text, pen);
        let mut item = Pen::default();
        match said.kind {
            Speech::Thinking => items::reasoning(&said.id, Some(&[&said.text]), &mut item),
            kind => {
                let part = items::part(kind == Speech::Refusal, &[&said.text], &said.told);
                items::message(&said.id, Some(&part), &mut item);
            }
        }
        self.done(said.at, item.finish(), pen);
    }

    fn call(&mut self, number: u32, id: Option<&Text<'_>>, name: &Text<'_>, pen: &mut Pen) {
        if let Some(said) = self.said.take() {
            self.end_said(&said, pen);
        }
        let call_id = call_id(id, number, &self.frame).get().to_owned();
        let (at, id) = self.item_id("fc", pen);
        let name = name.get().to_owned();
        self.event("response.output_item.added", pen, |pen| {
            pen.key("output_index").number(at as u64);
            pen.key("item");
            items::call(&id, &call_id, &name, None, pen);
        });
        self.calls.push(Open {
            number,
            at,
            id,
            call_id,
            name,
            arguments: String::new(),
        });
    }

    fn arguments(&mut self, number: u32, fragment: &Text<'_>, pen: &mut Pen) {
        let found = self.calls.iter().position(|open| open.number == number);
        let Some(found) = found else { return };
        let (at, id) = (self.calls[found].at as u64, self.calls[found].id.clone());
        self.event("response.function_call_arguments.delta", pen, |pen| {
            pen.key("item_id").pieces(&[&id]);
            pen.key("output_index").number(at);
            pen.key("delta").text(fragment);
        });
        self.calls[found].arguments.push_str(fragment.get());
        self.held += fragment.get().len();
    }

    fn end_call(&mut self, mut open: Open, pen: &mut Pen) {
        if open.arguments.is_empty() {
            open.arguments.push_str("{}");
        }
        self.event("response.function_call_arguments.done", pen, |pen| {
            pen.key("item_id").pieces(&[&open.id]);
            pen.key("output_index").number(open.at as u64);
            pen.key("name").pieces(&[&open.name]);
            pen.key("arguments").pieces(&[&open.arguments]);
        });
        let mut item = Pen::default();
        let arguments = [open.arguments.as_str()];
        items::call(
            &open.id,
            &open.call_id,
            &open.name,
            Some(&arguments),
            &mut item,
        );
        self.done(open.at, item.finish(), pen);
    }

    fn done(&mut self, at: usize, item: String, pen: &mut Pen) {
        self.event("response.output_item.done", pen, |pen| {
            pen.key("output_index").number(at as u64);
            pen.key("item").verbatim(&item);
        });
        if let Some(place) = self.items.get_mut(at) {
            *place = item;
        }
    }

    fn end(&mut self, pen: &mut Pen) {
        self.start(None, None, pen);
        self.close(pen);
        let finish = self.finish.unwrap_or(Finish::Stop);
        let items = std::mem::take(&mut self.items);
        let (usage, names) = (self.usage, self.names.take());
        let Some(names) = names else { return };
        self.event(status(finish).1, pen, |pen| {
            pen.key("response");
            write_response(&names, Some(finish), &items, usage.as_ref(), pen);
        });
    }

    fn event(&mut self, kind: &str, pen: &mut Pen, inside: impl FnOnce(&mut Pen)) {
        pen.frame("event: ");
        pen.frame(kind);
        pen.frame("\ndata: {\"type\":\"");
        pen.frame(kind);
        pen.frame("\"");
        pen.key("sequence_number").number(self.sequence);
        inside(pen);
        pen.frame("}\n\n");
        self.sequence += 1;
    }
}

fn write_told(tokens: &str, pen: &mut Pen) {
    pen.key("logprobs").open('[');
    pen.frame(tokens);
    pen.close(']');
}

/// Where a piece belongs.
fn place(said: &Said, pen: &mut Pen) {
    pen.key("item_id").pieces(&[&said.id]);
    pen.key("output_index").number(said.at as u64);
    pen.key(match said.kind {
        Speech::Thinking => "summary_index",
        _ => "content_index",
    });
    pen.number(0);
}
