use super::{finish_word, write_usage};
use crate::translate::AnswerFrame;
use crate::translate::event::{Event, Finish, Signer, Usage};
use crate::translate::gather::call_id;
use crate::translate::pen::Pen;
use crate::translate::raw::Text;

/// Writes a stream of blocks.
///
/// A block begins with the first piece of it and ends when another one begins.
/// Where a provider sends pieces of parallel calls in turns, a piece for a
/// block that has ended still goes out under its index: clients put blocks
/// together by index, and nothing is held back.
#[derive(Debug)]
pub(in crate::translate) struct StreamWriter {
    frame: AnswerFrame,
    started: bool,
    open: Option<Open>,
    /// The index of the next block.
    next: u64,
    /// The index of each call's block.
    calls: Vec<u64>,
    usage: Usage,
    finish: Option<(Finish, Option<String>)>,
    refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call(u32),
}

impl StreamWriter {
    pub(in crate::translate) fn new(frame: AnswerFrame) -> Self {
        Self {
            frame,
            started: false,
            open: None,
            next: 0,
            calls: Vec::new(),
            usage: Usage::default(),
            finish: None,
            refused: false,
        }
    }

    pub(in crate::translate) fn write(&mut self, event: &Event<'_>, pen: &mut Pen) {
        match event {
            Event::Start { id, model } => self.start(id.as_ref(), model.as_ref(), pen),
            Event::Text(text) | Event::Refusal(text) => {
                self.refused |= matches!(event, Event::Refusal(_));
                self.begin(Open::Text, r#"{"type":"text","text":""}"#, pen);
                delta(self.next - 1, "text_delta", "text", text, pen);
            }
            Event::Thinking(text) => {
                self.think(pen);
                delta(self.next - 1, "thinking_delta", "thinking", text, pen);
            }
            Event::Signature(proof, Signer::Anthropic) => {
                self.think(pen);
                delta(self.next - 1, "signature_delta", "signature", proof, pen);
            }
            Event::Sealed(data, Signer::Anthropic) => self.seal(data, pen),
            // Anthropic, who may get it back, refuses what it did not sign.
            Event::Signature(..) | Event::Sealed(..) => {}
            Event::Call { call, id, name, .. } => self.call(*call, id.as_ref(), name, pen),
            Event::Arguments { call, fragment } => {
                if let Some(index) = self.calls.get(*call as usize) {
                    delta(*index, "input_json_delta", "partial_json", fragment, pen);
                }
            }
            Event::CallEnd { call } if self.open == Some(Open::Call(*call)) => self.stop(pen),
            Event::CallEnd { .. } => {}
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(finish, sequence) => {
                let sequence = sequence.as_ref().map(|it| it.get().to_owned());
                self.finish = Some((*finish, sequence));
                self.stop(pen);
            }
            // Nobody asks for probabilities here, and sources are told of as dropped.
            Event::Probabilities(_) | Event::Citation(_) | Event::Dropped(_) => {}
            Event::KeepAlive => pen.frame("event: ping\ndata: {\"type\": \"ping\"}\n\n"),
            Event::End => self.end(pen),
        }
    }

    fn start(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>, pen: &mut Pen) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let own_id = Text::of(&format!("msg_{}", self.frame.plain_id()));
        let own_model = Text::of(&self.frame.model);
        pen.frame("event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
        pen.open('{');
        pen.key("id")
            .text(id.filter(|id| !id.is_empty()).unwrap_or(&own_id));
        pen.key("type").text(&Text::lent("message"));
        pen.key("role").text(&Text::lent("assistant"));
        pen.key("model")
            .text(model.filter(|it| !it.is_empty()).unwrap_or(&own_model));
        pen.key("content").verbatim("[]");
        pen.key("stop_reason").verbatim("null");
        pen.key("stop_sequence").verbatim("null");
        pen.key("usage");
        write_usage(&self.usage, pen);
        pen.close('}');
        pen.frame("}\n\n");
    }

    /// Goes on with a block of this kind, or begins one.
    fn begin(&mut self, kind: Open, block: &str, pen: &mut Pen) {
        if self.open == Some(kind) {
            return;
        }
        self.stop(pen);
        self.start(None, None, pen);
        block_start(self.next, block, pen);
        self.next += 1;
        self.open = Some(kind);
    }

    fn think(&mut self, pen: &mut Pen) {
        let block = r#"{"type":"thinking","thinking":"","signature":""}"#;
        self.begin(Open::Thinking, block, pen);
    }

    /// Sealed thoughts come whole.
    fn seal(&mut self, data: &Text<'_>, pen: &mut Pen) {
        self.stop(pen);
        self.start(None, None, pen);
        let block = format!(r#"{{"type":"redacted_thinking","data":"{}"}}"#, data.get());
        block_start(self.next, &block, pen);
        block_stop(self.next, pen);
        self.next += 1;
    }

    fn call(&mut self, call: u32, id: Option<&Text<'_>>, name: &Text<'_>, pen: &mut Pen) {
        let id = call_id(id, call, &self.frame);
        let block = format!(
            r#"{{"type":"tool_use","id":"{}","name":"{}","input":{{}}}}"#,
            id.get(),
            name.get()
        );
        self.calls.push(0);
        self.begin(Open::Call(call), &block, pen);
        // The block that was open has ended before it.
        if let Some(index) = self.calls.last_mut() {
            *index = self.next - 1;
        }
    }

    fn stop(&mut self, pen: &mut Pen) {
        if self.open.take().is_some() {
            block_stop(self.next - 1, pen);
        }
    }

    fn end(&mut self, pen: &mut Pen) {
        self.start(None, None, pen);
        self.stop(pen);
        let (finish, sequence) = self.finish.take().unwrap_or((Finish::Stop, None));
        let finish = match finish {
            Finish::Stop if !self.calls.is_empty() => Finish::Calls,
            Finish::Stop if self.refused => Finish::Refused,
            finish => finish,
        };
        pen.frame("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":");
        pen.open('{');
        pen.key("stop_reason")
            .text(&Text::lent(finish_word(finish)));
        pen.key("stop_sequence");
        match &sequence {
            Some(sequence) => pen.pieces(&[sequence]),
            None => pen.verbatim("null"),
        }
        pen.close('}');
        pen.frame(",\"usage\":");
        write_usage(&self.usage, pen);
        pen.frame("}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
}

fn block_start(index: u64, block: &str, pen: &mut Pen) {
    pen.frame("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":");
    pen.number(index);
    pen.frame(",\"content_block\":");
    pen.frame(block);
    pen.frame("}\n\n");
}

fn block_stop(index: u64, pen: &mut Pen) {
    pen.frame("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":");
    pen.number(index);
    pen.frame("}\n\n");
}

fn delta(index: u64, kind: &str, key: &str, text: &Text<'_>, pen: &mut Pen) {
    pen.frame("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":");
    pen.number(index);
    pen.frame(",\"delta\":{\"type\":\"");
    pen.frame(kind);
    pen.frame("\"");
    pen.key(key).text(text);
    pen.frame("}}\n\n");
}
