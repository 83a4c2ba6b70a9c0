use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reading, StreamFault, TapOptions, Verdict, visit};
use crate::json::LentKey;
use crate::skim::{Skim, Skimmed};
use crate::sse::Event;
use crate::{Dialect, fault, usage};

/// Judges one event of a chat or text completion.
pub(super) fn judge(event: &Event<'_>, options: TapOptions, reading: &mut Reading) -> Verdict {
    let Some(data) = event.data.map(<[u8]>::trim_ascii) else {
        return Verdict::Pass;
    };
    match data {
        b"" => return Verdict::Pass,
        b"[DONE]" => return Verdict::Finish,
        _ => {}
    }
    let mut chunk = Chunk::default();
    let data = match visit(data, &mut chunk) {
        Ok(data) => data,
        Err(verdict) => return verdict,
    };
    let reported = chunk.usage.and_then(|raw| usage::openai(raw.get()));
    let reported = reported.or_else(|| chunk.groq.and_then(groq_usage));
    reading.usage = reported.or(reading.usage);
    reading.generated(chunk.choices.bytes);
    if chunk.is_error() || event.name == Some(b"error") {
        let (class, message) = fault::read_error(Dialect::OpenAi, data);
        return Verdict::Fail(StreamFault::ErrorEvent { class, message });
    }
    let usage_only = reported.is_some() && chunk.choices.elements.unwrap_or(0) == 0;
    if options.strip_usage && usage_only {
        return Verdict::Strip;
    }
    Verdict::Keep
}

/// Before `include_usage`, Groq told its figures in a field of its own.
fn groq_usage(raw: &RawValue) -> Option<tollgate_types::TokenUsage> {
    let groq: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
    usage::openai(&groq.get("usage")?.to_string())
}

/// The members of a chunk that matter; a member that stands twice counts as
/// its last one, as clients read it.
#[derive(Default)]
struct Chunk<'a> {
    error: Option<&'a RawValue>,
    object: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    groq: Option<&'a RawValue>,
    choices: Skimmed,
}

impl Chunk<'_> {
    /// Either the error stands in a field, or (older vLLM) the whole chunk is
    /// one.
    fn is_error(&self) -> bool {
        self.error.is_some_and(|raw| fault::is_error(raw.get()))
            || self.object.is_some_and(|raw| raw.get() == r#""error""#)
    }
}

impl<'a> Visitor<'a> for &mut Chunk<'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(LentKey)? {
            match key.as_ref() {
                "choices" => self.choices = map.next_value_seed(Skim)?,
                "usage" => self.usage = Some(map.next_value()?),
                "error" => self.error = Some(map.next_value()?),
                "object" => self.object = Some(map.next_value()?),
                "x_groq" => self.groq = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
