use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reading, StreamFault, Verdict, visit};
use crate::json::{LentKey, Members};
use crate::skim::{Skim, Skimmed};
use crate::sse::Event;
use crate::{Dialect, fault, usage};

/// Judges one event of a response. Events of types that are not known here
/// pass, as clients let them.
pub(super) fn judge(event: &Event<'_>, reading: &mut Reading) -> Verdict {
    let Some(data) = event.data.map(<[u8]>::trim_ascii) else {
        return Verdict::Pass;
    };
    match data {
        b"" => return Verdict::Pass,
        // Chat's terminator is none here: behind the real one it is not read.
        b"[DONE]" => return Verdict::Fail(StreamFault::Cut),
        _ => {}
    }
    let mut part = Part::default();
    let data = match visit(data, &mut part) {
        Ok(data) => data,
        Err(verdict) => return verdict,
    };
    reading.generated(part.generated);
    reading.sequence = part.next_sequence().or(reading.sequence);
    let kind = match part.kind {
        Some(kind) => kind.get().trim_matches('"').as_bytes(),
        None => event.name.unwrap_or_default(),
    };
    let is_error = part.error.is_some_and(|raw| fault::is_error(raw.get()));
    match kind {
        b"response.completed" | b"response.incomplete" if !part.has_failed() => {
            part.count(reading);
            Verdict::Finish
        }
        b"response.completed" | b"response.incomplete" | b"response.failed" => {
            part.count(reading);
            failed(part.response.map_or(data, RawValue::get))
        }
        b"error" => failed(data),
        _ if is_error || event.name == Some(b"error") => failed(data),
        _ => Verdict::Keep,
    }
}

fn failed(raw: &str) -> Verdict {
    let (class, message) = fault::read_error(Dialect::OpenAi, raw);
    Verdict::Fail(StreamFault::ErrorEvent { class, message })
}

/// The members of an event's data that matter.
#[derive(Default)]
struct Part<'a> {
    kind: Option<&'a RawValue>,
    sequence: Option<&'a RawValue>,
    response: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    generated: u64,
}

impl Part<'_> {
    /// The number that the event after this one has to have.
    fn next_sequence(&self) -> Option<u64> {
        let number: u64 = self.sequence?.get().parse().ok()?;
        Some(number.saturating_add(1))
    }

    /// Whether the response itself says otherwise than the event's name.
    fn has_failed(&self) -> bool {
        let response = self.response.map(RawValue::get);
        let read = response.and_then(|raw| Members::<1>::read(&["status"], raw).ok());
        let status = read.and_then(|read| read.found[0]);
        matches!(status, Some(r#""failed""# | r#""cancelled""#))
    }

    /// Only the last event has figures; the first ones repeat the whole
    /// request, so they are not looked into.
    fn count(&self, reading: &mut Reading) {
        let reported = self.response.and_then(|raw| {
            let response = Members::<1>::read(&["usage"], raw.get()).ok()?;
            usage::responses(response.found[0]?)
        });
        reading.usage = reported.or(reading.usage);
    }
}

impl<'a> Visitor<'a> for &mut Part<'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(LentKey)? {
            match key.as_ref() {
                "type" => self.kind = Some(map.next_value()?),
                "sequence_number" => self.sequence = Some(map.next_value()?),
                "response" => self.response = Some(map.next_value()?),
                "error" => self.error = Some(map.next_value()?),
                "delta" => {
                    let Skimmed { bytes, .. } = map.next_value_seed(Skim)?;
                    self.generated += bytes;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
