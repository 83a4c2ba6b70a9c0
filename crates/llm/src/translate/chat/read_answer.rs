use crate::translate::event::{Event, Events, Finish, Numbers, Signer, Usage, count};
use crate::translate::member::{member, text};
use crate::translate::openai::{read_citation, read_probabilities};
use crate::translate::raw::{Fault, Raw, Text};
use crate::translate::source::OF_FILES;
use crate::usage;

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Reads an answer in one piece; of several choices the first.
pub(in crate::translate) fn read<'a>(body: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    start(body, events)?;
    let choices = body.member("choices");
    let choices = choices.ok_or_else(|| Fault::absent(body, "choices", "a list"))?;
    let choice = choices.elements()?.next();
    let choice = choice.ok_or_else(|| Fault::at(choices, "found no choice, expected one"))?;
    let message = choice.member("message");
    let message = message.ok_or_else(|| Fault::absent(choice, "message", "an object"))?;
    let mut numbers = Numbers::default();
    let told = member(choice, "logprobs");
    read_delta(message, told, &mut numbers, events)?;
    let calls = events.iter().filter(|it| matches!(it, Event::Call { .. }));
    let calls = calls.count() > 0;
    let reason = member(choice, "finish_reason")
        .map(read_reason)
        .transpose()?;
    events.push(Event::Finish(finish(reason.as_ref(), calls), None));
    read_usage(body, events);
    events.push(Event::End);
    Ok(())
}

fn start<'a>(body: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    events.push(Event::Start {
        id: text(body, "id")?,
        model: text(body, "model")?,
    });
    Ok(())
}

fn read_usage<'a>(body: Raw<'a>, events: &mut Events<'a>) {
    let Some(raw) = member(body, "usage") else {
        return;
    };
    if let Some(tokens) = usage::openai(raw.get()) {
        let reasoning = count(raw, &["completion_tokens_details", "reasoning_tokens"]);
        events.push(Event::Usage(Usage { tokens, reasoning }));
    }
}

/// Why the model stopped; routers tell of a provider that failed here.
fn read_reason(value: Raw<'_>) -> Read<'_, Text<'_>> {
    match value.get() {
        r#""error""# => Err(Fault::at(value, "the provider says that it failed")),
        _ => value.text(),
    }
}

fn finish(reason: Option<&Text<'_>>, calls: bool) -> Finish {
    match reason.map(Text::get) {
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::Filtered,
        Some("tool_calls" | "function_call") => Finish::Calls,
        // Imitators say `stop` where they call a tool.
        _ if calls => Finish::Calls,
        _ => Finish::Stop,
    }
}

/// Reads a message, or a piece of one; `told` is how likely its text was.
fn read_delta<'a>(
    delta: Raw<'a>,
    told: Option<Raw<'a>>,
    numbers: &mut Numbers,
    events: &mut Events<'a>,
) -> Read<'a> {
    // A model thinks before it speaks, in whatever order the fields are.
    if memchr::memmem::find(delta.get().as_bytes(), b"\"reasoning").is_some() {
        read_thoughts(delta, events)?;
    }
    if let Some(list) = told.and_then(|told| member(told, "content")) {
        let tokens = read_probabilities(list)?;
        events.extend((!tokens.is_empty()).then_some(Event::Probabilities(tokens)));
    }
    for (key, value) in delta.members()?.filter(|(_, value)| !value.is_null()) {
        match key.as_ref() {
            "content" if value.is_list() => read_parts(value, events)?,
            "content" => filled(value, events, Event::Text)?,
            "refusal" => filled(value, events, Event::Refusal)?,
            "annotations" if value.is_list() => read_annotations(value, events)?,
            "tool_calls" => {
                for (at, call) in value.elements()?.enumerate() {
                    read_call(call, at as u64, numbers, events)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_thoughts<'a>(delta: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    let thoughts = member(delta, "reasoning_content").or_else(|| member(delta, "reasoning"));
    if let Some(thoughts) = thoughts {
        filled(thoughts, events, Event::Thinking)?;
    }
    match member(delta, "reasoning_details") {
        Some(details) => read_details(details, events),
        None => Ok(()),
    }
}

fn filled<'a>(
    value: Raw<'a>,
    events: &mut Events<'a>,
    event: impl FnOnce(Text<'a>) -> Event<'a>,
) -> Read<'a> {
    if value.is_string() {
        let text = value.text()?;
        if !text.is_empty() {
            events.push(event(text));
        }
    }
    Ok(())
}

/// Mistral's content as a list: thoughts and text.
fn read_parts<'a>(parts: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    for part in parts.elements()? {
        if let Some(text) = member(part, "text") {
            filled(text, events, Event::Text)?;
        }
    }
    Ok(())
}

/// The sources of what is said.
fn read_annotations<'a>(list: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    for annotation in list.elements()? {
        if let Some(inner) = member(annotation, "url_citation") {
            events.push(Event::Citation(Box::new(read_citation(inner)?)));
        } else {
            events.push(Event::Dropped(OF_FILES));
        }
    }
    Ok(())
}

/// The signatures of thoughts whose text stands in `reasoning` as well.
fn read_details<'a>(details: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    for detail in details.elements()? {
        let maker = match text(detail, "format")? {
            Some(format) if format.get().starts_with("anthropic") => Signer::Anthropic,
            Some(format) if format.get().starts_with("google") => Signer::Gemini,
            Some(format) if format.get().starts_with("openai") => Signer::OpenAi,
            _ => continue,
        };
        if let Some(signature) = text(detail, "signature")? {
            events.push(Event::Signature(signature, maker));
        }
        if let Some(data) = text(detail, "data")? {
            events.push(Event::Sealed(data, maker));
        }
    }
    Ok(())
}

fn read_call<'a>(
    call: Raw<'a>,
    at: u64,
    numbers: &mut Numbers,
    events: &mut Events<'a>,
) -> Read<'a> {
    let index = member(call, "index").and_then(|it| it.count().ok());
    let function = member(call, "function");
    let function = function.ok_or_else(|| Fault::absent(call, "function", "an object"))?;
    let id = text(call, "id")?.filter(|id| !id.is_empty());
    let Some((number, is_new)) = numbers.of(index.unwrap_or(at)) else {
        return Err(Fault::at(call, "found more tool calls than any answer has"));
    };
    if is_new {
        let google = member(call, "extra_content").and_then(|extra| member(extra, "google"));
        events.push(Event::Call {
            call: number,
            id,
            name: text(function, "name")?.unwrap_or(Text::lent("")),
            signature: match google {
                Some(google) => text(google, "thought_signature")?,
                None => None,
            },
        });
    }
    match member(function, "arguments") {
        // Some imitators send the object itself.
        Some(object) if object.is_object() => events.push(Event::Arguments {
            call: number,
            fragment: Text::of(object.get()),
        }),
        Some(fragment) => {
            let fragment = fragment.text()?;
            if !fragment.is_empty() {
                events.push(Event::Arguments {
                    call: number,
                    fragment,
                });
            }
        }
        None => {}
    }
    Ok(())
}

/// Reads a stream, event by event.
#[derive(Debug, Default)]
pub(in crate::translate) struct StreamReader {
    started: bool,
    numbers: Numbers,
    calls: bool,
}

impl StreamReader {
    /// `data` is an event's, and was checked to be an object or `[DONE]`.
    pub(in crate::translate) fn read<'a>(
        &mut self,
        data: &'a str,
        events: &mut Events<'a>,
    ) -> Read<'a> {
        if data == "[DONE]" {
            events.push(Event::End);
            return Ok(());
        }
        let chunk = Raw::of(data);
        let (mut choices, mut usage) = (None, None);
        for (key, value) in chunk.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "choices" => choices = Some(value),
                "usage" => usage = Some(value),
                _ => {}
            }
        }
        if choices.is_some() && !self.started {
            self.started = true;
            start(chunk, events)?;
        }
        let first = choices.and_then(|choices| choices.elements().ok()?.next());
        if let Some(choice) = first {
            self.choice(choice, events)?;
        }
        if usage.is_some() {
            read_usage(chunk, events);
        }
        Ok(())
    }

    /// Of several choices the first one.
    fn choice<'a>(&mut self, choice: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let (mut delta, mut reason, mut told) = (None, None, None);
        for (key, value) in choice.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "index" if value.get() != "0" => return Ok(()),
                "delta" => delta = Some(value),
                "message" => delta = delta.or(Some(value)),
                "finish_reason" => reason = Some(read_reason(value)?),
                "logprobs" => told = Some(value),
                _ => {}
            }
        }
        if let Some(delta) = delta {
            read_delta(delta, told, &mut self.numbers, events)?;
        }
        self.calls |= events.iter().any(|it| matches!(it, Event::Call { .. }));
        if let Some(reason) = reason {
            events.push(Event::Finish(finish(Some(&reason), self.calls), None));
        }
        Ok(())
    }
}
