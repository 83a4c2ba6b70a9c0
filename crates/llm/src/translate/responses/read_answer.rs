use crate::translate::event::{Event, Events, Finish, Numbers, Signer, Usage, count};
use crate::translate::member::{member, text};
use crate::translate::openai::{read_citation, read_probabilities};
use crate::translate::raw::{Fault, Raw, Text};
use crate::translate::source::{OF_FILES, Ruler};
use crate::usage;

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Stands between the parts of a summary.
const PARAGRAPH: Text<'static> = Text::lent("\\n\\n");

/// Reads an answer in one piece.
pub(in crate::translate) fn read<'a>(body: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    let output = body.member("output");
    let output = output.ok_or_else(|| Fault::absent(body, "output", "a list of items"))?;
    let mut reader = StreamReader::default();
    reader.start(body, events)?;
    for (at, item) in output.elements()?.enumerate() {
        reader.whole(item, at as u64, events)?;
    }
    reader.end(body, events)
}

/// Reads a stream, event by event.
#[derive(Debug, Default)]
pub(in crate::translate) struct StreamReader {
    started: bool,
    numbers: Numbers,
    /// Of each call, whether it has arguments so far and whether it is over.
    calls: Vec<(bool, bool)>,
    /// Items of the message whose text has come in pieces.
    said: bool,
    thought: bool,
    /// Measures the text of the answer, and where its part begins.
    ruler: Ruler,
    base: u64,
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
        let said = Said::read(data)?;
        let kind = said.kind.as_ref().map(Text::get);
        match kind.or(name).unwrap_or_default() {
            "response.created" | "response.in_progress" => {
                if let Some(response) = member(data, "response") {
                    self.start(response, events)?;
                }
            }
            "response.output_item.added" => self.added(data, events)?,
            "response.output_item.done" => self.done(data, events)?,
            "response.output_text.delta" => self.text(&said, events)?,
            "response.output_text.annotation.added" => {
                if let Some(annotation) = member(data, "annotation") {
                    self.cite(annotation, events)?;
                }
            }
            "response.content_part.added" => self.base = self.ruler.characters(),
            "response.refusal.delta" => {
                self.said |= said.piece(Event::Refusal, events)?;
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.thought |= said.piece(Event::Thinking, events)?;
            }
            "response.reasoning_summary_part.added" if count(data, &["summary_index"]) > 0 => {
                events.push(Event::Thinking(PARAGRAPH));
            }
            "response.function_call_arguments.delta" => self.arguments(&said, events)?,
            "response.completed" | "response.incomplete" => match member(data, "response") {
                Some(response) => {
                    self.start(response, events)?;
                    self.end(response, events)?;
                }
                None => events.push(Event::End),
            },
            "keepalive" => events.push(Event::KeepAlive),
            _ => {}
        }
        Ok(())
    }

    fn text<'a>(&mut self, said: &Said<'a>, events: &mut Events<'a>) -> Read<'a> {
        read_told(said.told, events)?;
        let came = said.piece(Event::Text, events)?;
        if let (true, Some(Event::Text(text))) = (came, events.last()) {
            self.ruler.add(text);
        }
        self.said |= came;
        Ok(())
    }

    /// Sources on the web; other kinds name files of the provider's.
    fn cite<'a>(&self, annotation: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        if kind_of(annotation)? != "url_citation" {
            events.push(Event::Dropped(OF_FILES));
        } else {
            let mut citation = read_citation(annotation)?;
            let based = |at: u64| self.base.saturating_add(at);
            let place = citation.place;
            citation.place = place.map(|(begin, end)| (based(begin), based(end)));
            events.push(Event::Citation(Box::new(citation)));
        }
        Ok(())
    }

    fn start<'a>(&mut self, response: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        if !std::mem::replace(&mut self.started, true) {
            events.push(Event::Start {
                id: text(response, "id")?,
                model: text(response, "model")?,
            });
        }
        Ok(())
    }

    /// Only a call is worth telling before it goes on.
    fn added<'a>(&mut self, data: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        match member(data, "item") {
            Some(item) if kind_of(item)? == "function_call" => {
                self.call(item, count(data, &["output_index"]), events)?;
            }
            _ => {
                self.said = false;
                self.thought = false;
                self.base = self.ruler.characters();
            }
        }
        Ok(())
    }

    /// An item is over. What did not come in pieces comes now: imitators send
    /// some items whole.
    fn done<'a>(&mut self, data: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        match member(data, "item") {
            Some(item) => self.whole(item, count(data, &["output_index"]), events),
            None => Ok(()),
        }
    }

    fn whole<'a>(&mut self, item: Raw<'a>, index: u64, events: &mut Events<'a>) -> Read<'a> {
        match kind_of(item)? {
            "message" if !std::mem::take(&mut self.said) => self.message(item, events),
            "function_call" => {
                let call = self.call(item, index, events)?;
                let (fed, over) = &mut self.calls[call as usize];
                if std::mem::replace(over, true) {
                    return Ok(());
                }
                let whole = text(item, "arguments")?.filter(|it| !it.is_empty());
                if let Some(fragment) = whole.filter(|_| !*fed) {
                    events.push(Event::Arguments { call, fragment });
                }
                events.push(Event::CallEnd { call });
                Ok(())
            }
            "reasoning" => {
                if !std::mem::take(&mut self.thought) {
                    read_summary(item, events)?;
                }
                let sealed = text(item, "encrypted_content")?.filter(|it| !it.is_empty());
                events.extend(sealed.map(|it| Event::Sealed(it, Signer::OpenAi)));
                Ok(())
            }
            // What the provider ran by itself can't have been asked for.
            _ => Ok(()),
        }
    }

    /// The number of a call, which begins where it is new.
    fn call<'a>(&mut self, item: Raw<'a>, index: u64, events: &mut Events<'a>) -> Read<'a, u32> {
        let Some((call, is_new)) = self.numbers.of(index) else {
            return Err(Fault::at(item, "found more tool calls than any answer has"));
        };
        if is_new {
            self.calls.push((false, false));
            events.push(Event::Call {
                call,
                id: text(item, "call_id")?,
                name: text(item, "name")?.unwrap_or(Text::lent("")),
                signature: None,
            });
        }
        Ok(call)
    }

    fn message<'a>(&mut self, item: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let Some(content) = member(item, "content") else {
            return Ok(());
        };
        for part in content.elements()? {
            let Some(said) = text(part, "text")? else {
                events.extend(text(part, "refusal")?.map(Event::Refusal));
                continue;
            };
            self.base = self.ruler.characters();
            self.ruler.add(&said);
            read_told(member(part, "logprobs"), events)?;
            events.push(Event::Text(said));
            if let Some(annotations) = member(part, "annotations") {
                for annotation in annotations.elements()? {
                    self.cite(annotation, events)?;
                }
            }
        }
        Ok(())
    }

    fn arguments<'a>(&mut self, said: &Said<'a>, events: &mut Events<'a>) -> Read<'a> {
        let index = said.index.and_then(|at| at.count().ok()).unwrap_or(0);
        let Some(call) = self.numbers.known(index) else {
            return Ok(());
        };
        let event = |fragment| Event::Arguments { call, fragment };
        let fed = said.piece(event, events)?;
        self.calls[call as usize].0 |= fed;
        Ok(())
    }

    fn end<'a>(&mut self, response: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        if let Some(raw) = member(response, "usage")
            && let Some(tokens) = usage::responses(raw.get())
        {
            let reasoning = count(raw, &["output_tokens_details", "reasoning_tokens"]);
            events.push(Event::Usage(Usage { tokens, reasoning }));
        }
        let details = member(response, "incomplete_details");
        let reason = match details {
            Some(details) => text(details, "reason")?,
            None => None,
        };
        let finish = match (reason.as_ref().map(Text::get), text(response, "status")?) {
            (Some("content_filter"), _) => Finish::Filtered,
            (Some(_), _) => Finish::Length,
            (None, Some(status)) if status.get() == "incomplete" => Finish::Length,
            _ if self.calls.is_empty() => Finish::Stop,
            _ => Finish::Calls,
        };
        events.push(Event::Finish(finish, None));
        events.push(Event::End);
        Ok(())
    }
}

/// What the deltas of an event have, found in one pass: most events are deltas.
#[derive(Default)]
struct Said<'a> {
    kind: Option<Text<'a>>,
    index: Option<Raw<'a>>,
    delta: Option<Raw<'a>>,
    told: Option<Raw<'a>>,
}

impl<'a> Said<'a> {
    fn read(data: Raw<'a>) -> Read<'a, Self> {
        let mut said = Self::default();
        for (key, value) in data.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "type" => said.kind = Some(value.text()?),
                "output_index" => said.index = Some(value),
                "delta" => said.delta = Some(value),
                "logprobs" => said.told = Some(value),
                _ => {}
            }
        }
        Ok(said)
    }

    /// The delta, where it has text in it.
    fn piece(
        &self,
        event: impl FnOnce(Text<'a>) -> Event<'a>,
        events: &mut Events<'a>,
    ) -> Read<'a, bool> {
        let delta = self.delta.map(Raw::text).transpose()?;
        let delta = delta.filter(|it| !it.is_empty());
        let came = delta.is_some();
        events.extend(delta.map(event));
        Ok(came)
    }
}

fn kind_of(item: Raw<'_>) -> Read<'_, &str> {
    item.members()?;
    let kind = item.member("type").map(Raw::get).unwrap_or_default();
    Ok(kind.trim_matches('"'))
}

/// How likely the tokens of a text were, where that is told.
fn read_told<'a>(told: Option<Raw<'a>>, events: &mut Events<'a>) -> Read<'a> {
    if let Some(list) = told.filter(|list| list.get() != "[]") {
        let tokens = read_probabilities(list)?;
        events.extend((!tokens.is_empty()).then_some(Event::Probabilities(tokens)));
    }
    Ok(())
}

/// The summary of thoughts; of open models, which have none, the thoughts.
fn read_summary<'a>(item: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    for key in ["summary", "content"] {
        let Some(list) = member(item, key) else {
            continue;
        };
        let mut is_first = true;
        for part in list.elements()? {
            if let Some(said) = text(part, "text")?.filter(|it| !it.is_empty()) {
                if !std::mem::replace(&mut is_first, false) {
                    events.push(Event::Thinking(PARAGRAPH));
                }
                events.push(Event::Thinking(said));
            }
        }
        if !is_first {
            break;
        }
    }
    Ok(())
}
