use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reading, StreamFault, Verdict, visit};
use crate::json::LentKey;
use crate::skim::{Skim, Skimmed};
use crate::sse::Event;
use crate::{Dialect, fault, usage};

/// Judges one event of a stream that is framed as events.
pub(super) fn judge(event: &Event<'_>, reading: &mut Reading) -> Verdict {
    match event.data.map(<[u8]>::trim_ascii) {
        None | Some(b"") => Verdict::Pass,
        Some(data) => judge_part(data, reading),
    }
}

/// Judges one part of an answer. There is no terminator: a stream is whole
/// once every candidate in it has its `finishReason`, or the prompt was
/// blocked, and more (grounding, figures) may follow that.
pub(super) fn judge_part(data: &[u8], reading: &mut Reading) -> Verdict {
    let mut part = Part::default();
    let data = match visit(data, &mut part) {
        Ok(data) => data,
        Err(verdict) => return verdict,
    };
    if let Some(raw) = part.usage {
        reading.usage = usage::gemini(raw.get(), reading.usage);
    }
    reading.generated(part.candidates.bytes);
    reading.candidates.merge(&part.candidates);
    if part.error.is_some_and(|raw| fault::is_error(raw.get())) {
        let (class, message) = fault::read_error(Dialect::Gemini, data);
        return Verdict::Fail(StreamFault::ErrorEvent { class, message });
    }
    Verdict::Keep
}

/// Which candidates were seen, and which of them are whole: a bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Candidates {
    seen: u64,
    whole: u64,
    /// The prompt was refused: there will be no candidate.
    blocked: bool,
    bytes: u64,
}

impl Candidates {
    pub(super) fn are_whole(&self) -> bool {
        self.blocked || self.seen != 0 && self.seen == self.whole
    }

    fn merge(&mut self, other: &Self) {
        self.seen |= other.seen;
        self.whole |= other.whole;
        self.blocked |= other.blocked;
    }
}

/// The members of a part that matter.
#[derive(Default)]
struct Part<'a> {
    error: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    candidates: Candidates,
}

impl<'a> Visitor<'a> for &mut Part<'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(LentKey)? {
            match key.as_ref() {
                "candidates" => map.next_value_seed(&mut self.candidates)?,
                "usageMetadata" => self.usage = Some(map.next_value()?),
                "error" => self.error = Some(map.next_value()?),
                "promptFeedback" => {
                    let raw: &RawValue = map.next_value()?;
                    self.candidates.blocked |= raw.get().contains(r#""blockReason""#);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Candidates {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Candidates {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of candidates")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        while let Some(candidate) = list.next_element_seed(OneCandidate)? {
            // More than 64 are never asked for; those beyond share a bit.
            let bit = 1 << candidate.index.min(63);
            self.seen |= bit;
            self.whole |= if candidate.is_whole { bit } else { 0 };
            self.bytes += candidate.bytes;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Candidate {
    index: u64,
    is_whole: bool,
    bytes: u64,
}

struct OneCandidate;

impl<'de> DeserializeSeed<'de> for OneCandidate {
    type Value = Candidate;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Candidate, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneCandidate {
    type Value = Candidate;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a candidate")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Candidate, M::Error> {
        let mut candidate = Candidate::default();
        while let Some(key) = map.next_key_seed(LentKey)? {
            match key.as_ref() {
                // Absent for the first one.
                "index" => {
                    let raw: &RawValue = map.next_value()?;
                    candidate.index = raw.get().parse().unwrap_or(0);
                }
                "finishReason" => {
                    let raw: &RawValue = map.next_value()?;
                    candidate.is_whole = !matches!(
                        raw.get(),
                        "null" | r#""""# | r#""FINISH_REASON_UNSPECIFIED""#
                    );
                }
                "content" => {
                    let Skimmed { bytes, .. } = map.next_value_seed(Skim)?;
                    candidate.bytes += bytes;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(candidate)
    }
}

#[cfg(test)]
mod tests;
