use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Beyond, beyond as marked, unescaped};

/// Tools that the client runs itself. Any other may be run by the provider,
/// again and again.
const CLIENTS: [&str; 8] = [
    "function",
    "custom",
    "local_shell",
    "apply_patch",
    "computer",
    "computer_use",
    "computer_use_preview",
    "namespace",
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    tools: Option<Vec<Tool<'a>>>,
    #[serde(borrow)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    conversation: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    context_management: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<std::borrow::Cow<'a, str>>,
    execution: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    tools: Option<Vec<Tool<'a>>>,
}

/// What a request to the Responses API brings beside its body: turns and
/// templates that the provider keeps, and tools that it runs.
pub(super) fn beyond(body: &[u8]) -> Beyond {
    let Ok(read) = serde_json::from_slice::<Body<'_>>(body) else {
        return Beyond::Unbounded("its tools are not a list of objects with a type");
    };
    if read.tools.iter().flatten().any(Tool::is_the_providers) {
        return Beyond::Unbounded("it has a tool that the provider may run by itself");
    }
    if read.context_management.is_some() {
        return Beyond::Unbounded("it asks the provider to compact the conversation");
    }
    let kept = read.previous_response_id.is_some()
        || read.conversation.is_some()
        || read.prompt.is_some()
        || unescaped(body, br#""item_reference""#);
    match kept {
        true => Beyond::Window,
        false => marked(body),
    }
}

impl Tool<'_> {
    fn is_the_providers(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        // Searching among the tools of the body may be either side's work.
        let searches = kind == "tool_search" && self.execution.as_deref() == Some("client");
        let inner = self.tools.iter().flatten();
        !(CLIENTS.contains(&kind) || searches) || inner.into_iter().any(Self::is_the_providers)
    }
}

#[cfg(test)]
mod tests;
