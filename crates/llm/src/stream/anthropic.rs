use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reading, StreamFault, Verdict, visit};
use crate::json::{LentKey, Members};
use crate::skim::{Skim, Skimmed};
use crate::sse::Event;
use crate::{Dialect, fault, usage};

/// Judges one event of a message.
///
/// An event with a name that isn't known here passes unread, and so does a
/// ping: clients skip them as well, so their data may be anything.
pub(super) fn judge(event: &Event<'_>, reading: &mut Reading) -> Verdict {
    let Some(data) = event.data.map(<[u8]>::trim_ascii) else {
        return Verdict::Pass;
    };
    let name = event.name.unwrap_or_default();
    let known = match name {
        b"" | b"message_start" | b"message_delta" | b"message_stop" | b"error" => true,
        _ => name.starts_with(b"content_block_"),
    };
    if data.is_empty() || !known {
        return Verdict::Pass;
    }
    let mut message = Part::default();
    let data = match visit(data, &mut message) {
        Ok(data) => data,
        Err(verdict) => return verdict,
    };
    message.count(reading);
    let is = |word: &str| match name {
        // Without a name the data's own type tells.
        b"" => message
            .kind
            .is_some_and(|raw| raw.get().trim_matches('"') == word),
        name => name == word.as_bytes(),
    };
    if is("error") {
        let (class, message) = fault::read_error(Dialect::Anthropic, data);
        return Verdict::Fail(StreamFault::ErrorEvent { class, message });
    }
    if is("message_stop") {
        return Verdict::Finish;
    }
    Verdict::Keep
}

/// The members of an event's data that matter.
#[derive(Default)]
struct Part<'a> {
    kind: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    generated: u64,
}

impl Part<'_> {
    fn count(&self, reading: &mut Reading) {
        reading.generated(self.generated);
        let started = self.message.and_then(|raw| {
            let message = Members::<1>::read(&["usage"], raw.get()).ok()?;
            message.found[0]
        });
        let own = self.usage.map(RawValue::get);
        for raw in [started, own].into_iter().flatten() {
            reading.usage = usage::anthropic(raw, reading.usage);
        }
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
                "message" => self.message = Some(map.next_value()?),
                "usage" => self.usage = Some(map.next_value()?),
                "delta" | "content_block" => {
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
