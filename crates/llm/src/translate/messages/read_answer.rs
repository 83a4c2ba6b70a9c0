use smallvec::SmallVec;
use tollgate_types::TokenUsage;

use crate::translate::event::{Event, Events, Finish, MOST_CALLS, Signer, Usage, count};
use crate::translate::member::{member, needed, text};
use crate::translate::raw::{Fault, Raw, Text};
use crate::usage;

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Reads an answer in one piece.
pub(in crate::translate) fn read<'a>(body: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    start(body, events)?;
    let content = body.member("content");
    let content = content.ok_or_else(|| Fault::absent(body, "content", "a list"))?;
    let mut calls = 0;
    for block in content.elements()? {
        begin(block, &mut calls, events)?;
        if calls > MOST_CALLS as u32 {
            return Err(Fault::at(
                block,
                "found more tool calls than any answer has",
            ));
        }
    }
    let mut tokens = None;
    read_usage(body, &mut tokens, events);
    read_finish(body, events)?;
    events.push(Event::End);
    Ok(())
}

fn start<'a>(message: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    events.push(Event::Start {
        id: text(message, "id")?,
        model: text(message, "model")?,
    });
    Ok(())
}

fn read_finish<'a>(of: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    let Some(reason) = text(of, "stop_reason")? else {
        return Ok(());
    };
    let finish = match reason.get() {
        "max_tokens" => Finish::Length,
        "stop_sequence" => Finish::StopSequence,
        "tool_use" => Finish::Calls,
        "refusal" => Finish::Refused,
        "pause_turn" => Finish::Paused,
        "model_context_window_exceeded" => Finish::Window,
        _ => Finish::Stop,
    };
    events.push(Event::Finish(finish, text(of, "stop_sequence")?));
    Ok(())
}

fn read_usage<'a>(of: Raw<'a>, tokens: &mut Option<TokenUsage>, events: &mut Events<'a>) {
    let Some(raw) = member(of, "usage") else {
        return;
    };
    *tokens = usage::anthropic(raw.get(), *tokens);
    if let Some(tokens) = *tokens {
        let reasoning = count(raw, &["output_tokens_details", "thinking_tokens"]);
        events.push(Event::Usage(Usage { tokens, reasoning }));
    }
}

/// A block as it begins, or all of it where the answer came in one piece.
/// Blocks of tools that the provider runs are not the caller's to see: they
/// can't have been asked for.
fn begin<'a>(block: Raw<'a>, calls: &mut u32, events: &mut Events<'a>) -> Read<'a, Block> {
    let kind = needed(block, "type", "the type of the block")?;
    let mut push = |text: Option<Text<'a>>, event: &dyn Fn(Text<'a>) -> Event<'a>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            events.push(event(text));
        }
    };
    match kind.get() {
        "text" => push(text(block, "text")?, &Event::Text),
        "thinking" => {
            push(text(block, "thinking")?, &Event::Thinking);
            push(text(block, "signature")?, &|it| {
                Event::Signature(it, Signer::Anthropic)
            });
        }
        "redacted_thinking" => {
            push(text(block, "data")?, &|it| {
                Event::Sealed(it, Signer::Anthropic)
            });
        }
        "tool_use" => {
            let call = *calls;
            *calls += 1;
            events.push(Event::Call {
                call,
                id: text(block, "id")?,
                name: needed(block, "name", "the name of a tool")?,
                signature: None,
            });
            let input = member(block, "input");
            if let Some(input) = input
                .filter(|it| it.is_object() && it.members().into_iter().flatten().next().is_some())
            {
                let fragment = Text::of(input.get());
                events.push(Event::Arguments { call, fragment });
            }
            return Ok(Block::Call(call));
        }
        _ => return Ok(Block::Other),
    }
    Ok(Block::Said)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Said,
    Call(u32),
    /// Not to be passed on.
    Other,
}

/// Reads a stream, event by event.
#[derive(Debug, Default)]
pub(in crate::translate) struct StreamReader {
    tokens: Option<TokenUsage>,
    calls: u32,
    /// The blocks that have begun and not ended, by the provider's index.
    open: SmallVec<[(u64, Block); 4]>,
}

impl StreamReader {
    /// `data` is an event's; what can't be told from it is passed over, as
    /// clients do with events that they don't know.
    pub(in crate::translate) fn read<'a>(
        &mut self,
        name: Option<&str>,
        data: &'a str,
        events: &mut Events<'a>,
    ) -> Read<'a> {
        let data = Raw::of(data);
        // As the tap and the SDKs have it: the event's name counts, and the
        // data's own type where there is none.
        let kind = member(data, "type").and_then(|kind| kind.text().ok());
        let kind = name.or(kind.as_ref().map(Text::get));
        match kind.unwrap_or_default() {
            "message_start" => {
                if let Some(message) = member(data, "message") {
                    start(message, events)?;
                    read_usage(message, &mut self.tokens, events);
                }
            }
            "content_block_start" => self.begin(data, events)?,
            "content_block_delta" => self.go_on(data, events)?,
            "content_block_stop" => self.stop(count(data, &["index"]), events),
            "message_delta" => {
                read_usage(data, &mut self.tokens, events);
                if let Some(delta) = member(data, "delta") {
                    read_finish(delta, events)?;
                }
            }
            "message_stop" => events.push(Event::End),
            "ping" => events.push(Event::KeepAlive),
            _ => {}
        }
        Ok(())
    }

    fn begin<'a>(&mut self, data: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let Some(block) = member(data, "content_block") else {
            return Ok(());
        };
        if self.open.len() >= MOST_CALLS || self.calls as usize >= MOST_CALLS {
            return Err(Fault::at(block, "found more blocks than any answer has"));
        }
        let kind = begin(block, &mut self.calls, events)?;
        self.open.push((count(data, &["index"]), kind));
        Ok(())
    }

    fn go_on<'a>(&mut self, data: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let Some(delta) = member(data, "delta") else {
            return Ok(());
        };
        let mut kind = None;
        let mut said = None;
        for (key, value) in delta.members()? {
            match key.as_ref() {
                "type" => kind = Some(value.text()?),
                "text" | "thinking" | "signature" | "partial_json" if value.is_string() => {
                    said = Some(value.text()?);
                }
                _ => {}
            }
        }
        let (Some(kind), Some(said)) = (kind, said.filter(|said| !said.is_empty())) else {
            return Ok(());
        };
        events.push(match kind.get() {
            "text_delta" => Event::Text(said),
            "thinking_delta" => Event::Thinking(said),
            "signature_delta" => Event::Signature(said, Signer::Anthropic),
            "input_json_delta" => {
                let index = count(data, &["index"]);
                let open = self.open.iter().find(|(known, _)| *known == index);
                let Some((_, Block::Call(call))) = open else {
                    return Ok(());
                };
                Event::Arguments {
                    call: *call,
                    fragment: said,
                }
            }
            _ => return Ok(()),
        });
        Ok(())
    }

    fn stop(&mut self, index: u64, events: &mut Events<'_>) {
        let Some(at) = self.open.iter().position(|(known, _)| *known == index) else {
            return;
        };
        if let (_, Block::Call(call)) = self.open.remove(at) {
            events.push(Event::CallEnd { call });
        }
    }
}
