use memchr::memmem::find_iter;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Beyond, is_escaped, unescaped};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    tools: Option<Vec<std::collections::BTreeMap<String, IgnoredAny>>>,
}

/// What a request of Gemini's brings beside its body: files, caches and media
/// whose size says nothing, and tools that the provider runs.
pub(super) fn beyond(body: &[u8]) -> Beyond {
    let Ok(Body { tools }) = serde_json::from_slice(body) else {
        return Beyond::Unbounded("its tools are not a list of objects");
    };
    let clients = |name: &String| {
        matches!(
            name.as_str(),
            "functionDeclarations" | "function_declarations"
        )
    };
    let mut offered = tools.iter().flatten();
    if offered.any(|tool| !tool.keys().all(clients)) {
        return Beyond::Unbounded("it has a tool that the provider may run by itself");
    }
    const MARKS: [&[u8]; 4] = [
        br#""fileUri""#,
        br#""file_uri""#,
        br#""cachedContent""#,
        br#""cached_content""#,
    ];
    match MARKS.iter().any(|mark| unescaped(body, mark)) || has_media(body) {
        true => Beyond::Window,
        false => Beyond::Nothing,
    }
}

/// Whether anything but pictures, which are counted one by one, is packed into
/// the body: sound, film and documents unpack to more than their bytes.
fn has_media(body: &[u8]) -> bool {
    const NAMES: [&[u8]; 2] = [br#""mimeType""#, br#""mime_type""#];
    NAMES.iter().any(|name| {
        let places = find_iter(body, name).filter(|at| !is_escaped(body, *at));
        places
            .map(|at| body[at + name.len()..].trim_ascii_start())
            .filter_map(|rest| rest.strip_prefix(b":"))
            .any(|value| !value.trim_ascii_start().starts_with(br#""image/"#))
    })
}

#[cfg(test)]
mod tests;
