use smallvec::SmallVec;

use super::finish_word;
use super::write_answer::{write_annotation, write_detail, write_signature, write_usage};
use crate::translate::AnswerFrame;
use crate::translate::event::{Event, Finish, Signer, Usage};
use crate::translate::gather::call_id;
use crate::translate::openai::write_probabilities;
use crate::translate::pen::Pen;
use crate::translate::raw::Text;

/// Writes a stream of chunks, one for each event that has something to say.
#[derive(Debug)]
pub(in crate::translate) struct StreamWriter {
    frame: AnswerFrame,
    /// What every chunk begins with; empty before the first one.
    head: String,
    usage: Option<Usage>,
    /// Calls that have no arguments so far.
    bare: SmallVec<[u32; 4]>,
    finished: bool,
    /// How likely the text was that comes next.
    told: String,
}

impl StreamWriter {
    pub(in crate::translate) fn new(frame: AnswerFrame) -> Self {
        Self {
            frame,
            head: String::new(),
            usage: None,
            bare: SmallVec::new(),
            finished: false,
            told: String::new(),
        }
    }

    pub(in crate::translate) fn write(&mut self, event: &Event<'_>, pen: &mut Pen) {
        match event {
            Event::Start { id, model } => self.start(id.as_ref(), model.as_ref(), pen),
            Event::Text(text) => self.delta(pen, |pen| pen.key("content").text(text)),
            Event::Probabilities(tokens) => {
                let mut list = Pen::default();
                write_probabilities(tokens, &mut list);
                let comma = if self.told.is_empty() { "" } else { "," };
                self.told = [&self.told, comma, &list.finish()].concat();
            }
            Event::Citation(citation) => self.delta(pen, |pen| {
                pen.key("annotations").open('[');
                write_annotation(citation, pen);
                pen.close(']');
            }),
            Event::Refusal(text) => self.delta(pen, |pen| pen.key("refusal").text(text)),
            Event::Thinking(text) => {
                self.delta(pen, |pen| pen.key("reasoning_content").text(text));
            }
            Event::Signature(proof, maker) => {
                self.detail(pen, "reasoning.text", "signature", proof, *maker);
            }
            Event::Sealed(data, maker) => {
                self.detail(pen, "reasoning.encrypted", "data", data, *maker);
            }
            Event::Call {
                call,
                id,
                name,
                signature,
            } => {
                self.bare.push(*call);
                let id = call_id(id.as_ref(), *call, &self.frame);
                self.delta(pen, |pen| {
                    open_call(*call, pen);
                    pen.key("id").text(&id);
                    pen.key("type").text(&Text::lent("function"));
                    pen.key("function").open('{');
                    pen.key("name").text(name);
                    pen.key("arguments").pieces(&[]);
                    pen.close('}');
                    write_signature(signature.as_ref(), pen);
                    close_call(pen);
                });
            }
            Event::Arguments { call, fragment } => {
                self.bare.retain(|bare| *bare != *call);
                self.arguments(*call, fragment, pen);
            }
            Event::CallEnd { call } => self.end_call(*call, pen),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish(finish, _) => self.finish(*finish, pen),
            Event::Dropped(_) => {}
            Event::KeepAlive => pen.frame(": keepalive\n\n"),
            Event::End => self.end(pen),
        }
    }

    fn start(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>, pen: &mut Pen) {
        if !self.head.is_empty() {
            return;
        }
        let own_id = Text::of(&format!("chatcmpl-{}", self.frame.plain_id()));
        let own_model = Text::of(&self.frame.model);
        let id = id.filter(|id| !id.is_empty()).unwrap_or(&own_id).get();
        let model = model
            .filter(|it| !it.is_empty())
            .unwrap_or(&own_model)
            .get();
        let created = self.frame.created;
        self.head = format!(
            r#"data: {{"id":"{id}","object":"chat.completion.chunk","created":{created},"model":"{model}","choices":["#
        );
        self.delta(pen, |pen| {
            pen.key("role").text(&Text::lent("assistant"));
            pen.key("content").pieces(&[]);
        });
    }

    fn delta(&mut self, pen: &mut Pen, inside: impl FnOnce(&mut Pen)) {
        if self.head.is_empty() {
            self.start(None, None, pen);
        }
        pen.frame(&self.head);
        pen.frame(r#"{"index":0,"delta":{"#);
        inside(pen);
        pen.frame("}");
        self.tell(pen);
        pen.frame(",\"finish_reason\":null}]}\n\n");
    }

    /// How likely the text of this chunk was, where that was told.
    fn tell(&mut self, pen: &mut Pen) {
        if !self.told.is_empty() {
            pen.frame(r#","logprobs":{"content":["#);
            pen.frame(&std::mem::take(&mut self.told));
            pen.frame(r#"],"refusal":null}"#);
        }
    }

    fn arguments(&mut self, call: u32, fragment: &Text<'_>, pen: &mut Pen) {
        self.delta(pen, |pen| {
            open_call(call, pen);
            pen.key("function").open('{');
            pen.key("arguments").text(fragment);
            pen.close('}');
            close_call(pen);
        });
    }

    /// A tool without arguments is called with `{}`, never with nothing.
    fn end_call(&mut self, call: u32, pen: &mut Pen) {
        if self.bare.contains(&call) {
            self.bare.retain(|bare| *bare != call);
            self.arguments(call, &Text::lent("{}"), pen);
        }
    }

    fn detail(
        &mut self,
        pen: &mut Pen,
        kind: &'static str,
        key: &'static str,
        value: &Text<'_>,
        maker: Signer,
    ) {
        self.delta(pen, |pen| {
            pen.key("reasoning_details").open('[');
            write_detail(pen, kind, maker);
            pen.key(key).text(value);
            pen.close('}');
            pen.close(']');
        });
    }

    fn finish(&mut self, finish: Finish, pen: &mut Pen) {
        // Some say so with every part.
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        for call in std::mem::take(&mut self.bare) {
            self.arguments(call, &Text::lent("{}"), pen);
        }
        if self.head.is_empty() {
            self.start(None, None, pen);
        }
        pen.frame(&self.head);
        pen.frame(r#"{"index":0,"delta":{}"#);
        self.tell(pen);
        pen.frame(r#","finish_reason":""#);
        pen.frame(finish_word(finish));
        pen.frame("\"}]}\n\n");
    }

    fn end(&mut self, pen: &mut Pen) {
        if !self.finished {
            self.finish(Finish::Stop, pen);
        }
        if let Some(usage) = self.usage.filter(|_| self.frame.usage_asked) {
            pen.frame(&self.head);
            pen.frame("],\"usage\":");
            write_usage(&usage, pen);
            pen.frame("}\n\n");
        }
        pen.frame("data: [DONE]\n\n");
    }
}

fn open_call(call: u32, pen: &mut Pen) {
    pen.key("tool_calls").open('[');
    pen.open('{');
    pen.key("index").number(u64::from(call));
}

fn close_call(pen: &mut Pen) {
    pen.close('}');
    pen.close(']');
}
