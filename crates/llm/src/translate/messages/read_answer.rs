use smallvec::SmallVec;
use tollgate_types::TokenUsage;

use crate::translate::event::{Event, Events, Finish, MOST_CALLS, Signer, Usage, count};
use crate::translate::member::{member, needed, text};
use crate::translate::raw::{Fault, Raw, Text};
use crate::translate::source::{Citation, OF_FILES, Ruler};
use crate::usage;

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Reads an answer in one piece.
pub(in crate::translate) fn read<'a>(body: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    start(body, events)?;
    let content = body.member("content");
    let content = content.ok_or_else(|| Fault::absent(body, "content", "a list"))?;
    let mut calls = 0;
    let mut ruler = Ruler::default();
    for block in content.elements()? {
        let (before, came) = (ruler.characters(), events.len());
        begin(block, &mut calls, events)?;
        if let Some(Event::Text(text)) = events.get(came) {
            ruler.add(text);
        }
        for citation in read_citations(block, events)? {
            push_citation(citation, (before, ruler.characters()), events);
        }
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

/// The sources of a block; documents of the request are no sources to others.
fn read_citations<'a>(block: Raw<'a>, events: &mut Events<'a>) -> Read<'a, Vec<Citation<'a>>> {
    let mut found = Vec::new();
    if let Some(list) = member(block, "citations") {
        for at in list.elements()? {
            found.extend(read_citation(at, events)?);
        }
    }
    Ok(found)
}

fn read_citation<'a>(at: Raw<'a>, events: &mut Events<'a>) -> Read<'a, Option<Citation<'a>>> {
    let address = match text(at, "type")?.as_ref().map(Text::get) {
        Some("web_search_result_location") => text(at, "url")?,
        Some("search_result_location") => text(at, "source")?,
        _ => None,
    };
    let Some(address) = address else {
        events.push(Event::Dropped(OF_FILES));
        return Ok(None);
    };
    Ok(Some(Citation {
        address,
        title: text(at, "title")?,
        place: None,
    }))
}

/// A citation stands for the whole block that it is in.
fn push_citation<'a>(mut citation: Citation<'a>, block: (u64, u64), events: &mut Events<'a>) {
    citation.place = Some(block).filter(|(begin, end)| begin < end);
    events.push(Event::Citation(Box::new(citation)));
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
    /// Measures the text, and where the block that goes on begins in it.
    ruler: Ruler,
    begin: u64,
    /// Sources of that block, whose end they wait for.
    cited: Vec<Citation<'static>>,
}

/// Most sources that one block may have.
const MOST_SOURCES: usize = 1_024;

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
        let own = match name {
            Some(_) => None,
            None => member(data, "type").and_then(|kind| kind.text().ok()),
        };
        let kind = name.or(own.as_ref().map(Text::get));
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
        self.begin = self.ruler.characters();
        let came = events.len();
        let kind = begin(block, &mut self.calls, events)?;
        if let Some(Event::Text(text)) = events.get(came) {
            self.ruler.add(text);
        }
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
                "citation" => self.cite(value, events)?,
                _ => {}
            }
        }
        let (Some(kind), Some(said)) = (kind, said.filter(|said| !said.is_empty())) else {
            return Ok(());
        };
        events.push(match kind.get() {
            "text_delta" => {
                self.ruler.add(&said);
                Event::Text(said)
            }
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

    fn cite<'a>(&mut self, citation: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let citation = read_citation(citation, events)?;
        if self.cited.len() < MOST_SOURCES {
            self.cited.extend(citation.as_ref().map(Citation::kept));
        }
        Ok(())
    }

    fn stop(&mut self, index: u64, events: &mut Events<'_>) {
        let Some(at) = self.open.iter().position(|(known, _)| *known == index) else {
            return;
        };
        if let (_, Block::Call(call)) = self.open.remove(at) {
            events.push(Event::CallEnd { call });
        }
        for citation in std::mem::take(&mut self.cited) {
            let block = (self.begin, self.ruler.characters());
            push_citation(citation, block, events);
        }
    }
}
