use tollgate_types::TokenUsage;

use super::{is, member, text};
use crate::translate::event::{Event, Events, Finish, MOST_CALLS, Signer, Usage};
use crate::translate::raw::{Fault, Raw, Text};
use crate::usage;

type Read<'a, T = ()> = Result<T, Fault<'a>>;

/// Reads an answer in one piece; of several candidates the first.
pub(in crate::translate) fn read<'a>(body: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
    StreamReader::default().chunk(body, events)?;
    events.push(Event::End);
    Ok(())
}

/// Reads a stream, part by part. There is no terminator among them: the end of
/// the stream is told by whoever holds it.
#[derive(Debug, Default)]
pub(in crate::translate) struct StreamReader {
    started: bool,
    calls: u32,
    tokens: Option<TokenUsage>,
}

impl StreamReader {
    pub(in crate::translate) fn read<'a>(
        &mut self,
        data: &'a str,
        events: &mut Events<'a>,
    ) -> Read<'a> {
        self.chunk(Raw::of(data), events)
    }

    fn chunk<'a>(&mut self, chunk: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let (mut candidates, mut figures, mut blocked) = (None, None, false);
        for (key, value) in chunk.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "candidates" => candidates = Some(value),
                key if is(key, "usage_metadata") => figures = Some(value),
                key if is(key, "prompt_feedback") => {
                    blocked |= member(value, "block_reason").is_some();
                }
                _ => {}
            }
        }
        if !self.started && (candidates.is_some() || blocked) {
            self.started = true;
            events.push(Event::Start {
                id: text(chunk, "response_id")?,
                model: text(chunk, "model_version")?,
            });
        }
        let first = candidates.and_then(|it| it.elements().ok()?.next());
        let mut finish = blocked.then_some(Finish::Filtered);
        if let Some(candidate) =
            first.filter(|it| member(*it, "index").is_none_or(|at| at.get() == "0"))
        {
            let content = member(candidate, "content");
            if let Some(parts) = content.and_then(|content| member(content, "parts")) {
                for part in parts.elements()? {
                    self.part(part, events)?;
                }
            }
            if let Some(reason) = text(candidate, "finish_reason")? {
                finish = self.finish(&reason).or(finish);
            }
        }
        if let Some(raw) = figures {
            self.tokens = usage::gemini(raw.get(), self.tokens);
            let reasoning = member(raw, "thoughts_token_count");
            let reasoning = reasoning.and_then(|it| it.count().ok()).unwrap_or(0);
            if let Some(tokens) = self.tokens {
                events.push(Event::Usage(Usage { tokens, reasoning }));
            }
        }
        events.extend(finish.map(|finish| Event::Finish(finish, None)));
        Ok(())
    }

    fn part<'a>(&mut self, part: Raw<'a>, events: &mut Events<'a>) -> Read<'a> {
        let mut said = None;
        let mut call = None;
        let mut signature = None;
        let mut thought = false;
        for (key, value) in part.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "text" => said = Some(value.text()?),
                "thought" => thought = value.flag()?,
                key if is(key, "thought_signature") => signature = Some(value.text()?),
                key if is(key, "function_call") => call = Some(value),
                _ => {}
            }
        }
        if let Some(call) = call {
            return self.call(call, signature, events);
        }
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            events.push(match thought {
                true => Event::Thinking(said),
                false => Event::Text(said),
            });
        }
        let proof = signature.map(|proof| Event::Signature(proof, Signer::Gemini));
        events.extend(proof);
        Ok(())
    }

    /// A call comes whole.
    fn call<'a>(
        &mut self,
        at: Raw<'a>,
        signature: Option<Text<'a>>,
        events: &mut Events<'a>,
    ) -> Read<'a> {
        if self.calls as usize >= MOST_CALLS {
            return Err(Fault::at(at, "found more tool calls than any answer has"));
        }
        let call = self.calls;
        self.calls += 1;
        events.push(Event::Call {
            call,
            id: text(at, "id")?,
            name: text(at, "name")?.unwrap_or(Text::lent("")),
            signature,
        });
        let arguments = member(at, "args").map_or("{}", Raw::get);
        let fragment = Text::of(arguments);
        events.push(Event::Arguments { call, fragment });
        events.push(Event::CallEnd { call });
        Ok(())
    }

    fn finish(&self, reason: &Text<'_>) -> Option<Finish> {
        Some(match reason.get() {
            "" | "FINISH_REASON_UNSPECIFIED" => return None,
            "MAX_TOKENS" => Finish::Length,
            "STOP" if self.calls > 0 => Finish::Calls,
            "STOP" | "OTHER" => Finish::Stop,
            // Safety, recitation, a malformed call: it is not what was asked.
            _ => Finish::Filtered,
        })
    }
}
