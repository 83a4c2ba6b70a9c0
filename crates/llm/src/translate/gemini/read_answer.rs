use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use smallvec::SmallVec;
use tollgate_types::TokenUsage;

use super::told::{read_citations, read_probabilities};
use super::{is, member, text};
use crate::translate::event::{Event, Events, Finish, MOST_CALLS, Signer, Usage};
use crate::translate::raw::{Fault, Raw, Text};
use crate::translate::source::Ruler;
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
    /// Measures the text, for the places that sources stand for.
    ruler: Ruler,
    /// Sources that were told: later chunks repeat them.
    cited: HashSet<u64>,
}

/// Most sources of an answer; it bounds what a stream keeps.
const MOST_SOURCES: usize = 4_096;

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
        if let Some(candidate) = first {
            finish = self.candidate(candidate, events)?.or(finish);
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

    fn candidate<'a>(
        &mut self,
        candidate: Raw<'a>,
        events: &mut Events<'a>,
    ) -> Read<'a, Option<Finish>> {
        let (mut content, mut reason, mut told, mut sources) = (None, None, None, false);
        for (key, value) in candidate.members()?.filter(|(_, value)| !value.is_null()) {
            match key.as_ref() {
                "index" if value.get() != "0" => return Ok(None),
                "content" => content = Some(value),
                key if is(key, "finish_reason") => reason = Some(value.text()?),
                key if is(key, "logprobs_result") => told = Some(value),
                key if is(key, "grounding_metadata") || is(key, "citation_metadata") => {
                    sources = true;
                }
                _ => {}
            }
        }
        if let Some(told) = told {
            let tokens = read_probabilities(told)?;
            events.extend((!tokens.is_empty()).then_some(Event::Probabilities(tokens)));
        }
        let first = self.ruler.characters() == 0;
        let mut begins = SmallVec::<[u64; 4]>::new();
        if let Some(parts) = content.and_then(|content| member(content, "parts")) {
            for part in parts.elements()? {
                begins.push(self.ruler.bytes());
                self.part(part, events)?;
            }
        }
        if sources {
            // The parts of a stream are one to whoever counts them.
            let begins = if first { begins.as_slice() } else { &[] };
            self.cite(candidate, begins, events)?;
        }
        Ok(reason.and_then(|reason| self.finish(&reason)))
    }

    fn cite<'a>(
        &mut self,
        candidate: Raw<'a>,
        begins: &[u64],
        events: &mut Events<'a>,
    ) -> Read<'a> {
        for citation in read_citations(candidate, &self.ruler, begins)? {
            let mut hasher = DefaultHasher::new();
            (citation.address.get(), citation.place).hash(&mut hasher);
            if self.cited.len() < MOST_SOURCES && self.cited.insert(hasher.finish()) {
                events.push(Event::Citation(Box::new(citation)));
            }
        }
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
                false => {
                    self.ruler.add(&said);
                    Event::Text(said)
                }
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
