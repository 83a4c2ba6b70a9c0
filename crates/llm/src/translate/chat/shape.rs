use crate::translate::shape::Shape::{self, List, Object, Open, Typed};
use crate::translate::shape::{Members, WHOLE};

/// What is read of a chat completion's request.
pub(in crate::translate) const SHAPE: &Shape = &Open(&[
    (
        "stream_options",
        &Object(&[("include_usage", WHOLE), ("include_obfuscation", WHOLE)]),
    ),
    ("messages", &List(&Object(MESSAGE))),
    ("tools", &List(&Typed(&[("function", TOOL)]))),
    ("tool_choice", &Typed(&[("function", CHOICE)])),
    (
        "response_format",
        &Typed(&[
            ("json_schema", FORMAT),
            ("json_object", KIND),
            ("text", KIND),
        ]),
    ),
]);

const KIND: Members = &[("type", WHOLE)];
const NAME: &Shape = &Object(&[("name", WHOLE)]);
const CHOICE: Members = &[("type", WHOLE), ("function", NAME)];
const FORMAT: Members = &[
    ("type", WHOLE),
    (
        "json_schema",
        &Object(&[("name", WHOLE), ("schema", WHOLE), ("strict", WHOLE)]),
    ),
];
const TOOL: Members = &[
    ("type", WHOLE),
    ("cache_control", WHOLE),
    (
        "function",
        &Object(&[
            ("name", WHOLE),
            ("description", WHOLE),
            ("parameters", WHOLE),
            ("strict", WHOLE),
        ]),
    ),
];
const MESSAGE: Members = &[
    ("role", WHOLE),
    ("content", &List(&Typed(PARTS))),
    ("refusal", WHOLE),
    ("reasoning", WHOLE),
    ("reasoning_content", WHOLE),
    ("reasoning_details", &List(&Object(DETAIL))),
    ("tool_calls", &List(&Typed(&[("function", CALL)]))),
    ("tool_call_id", WHOLE),
    ("cache_control", WHOLE),
    // These two are refused.
    ("function_call", WHOLE),
    ("audio", WHOLE),
];
/// Of thoughts; `index` and `id` are the provider's bookkeeping.
const DETAIL: Members = &[
    ("type", WHOLE),
    ("format", WHOLE),
    ("index", WHOLE),
    ("id", WHOLE),
    ("text", WHOLE),
    ("signature", WHOLE),
    ("data", WHOLE),
    ("summary", WHOLE),
];
const CALL: Members = &[
    ("type", WHOLE),
    ("id", WHOLE),
    // Its place in a stream, which clients keep.
    ("index", WHOLE),
    (
        "function",
        &Object(&[("name", WHOLE), ("arguments", WHOLE)]),
    ),
    (
        "extra_content",
        &Object(&[("google", &Object(&[("thought_signature", WHOLE)]))]),
    ),
];
const PARTS: &[(&str, Members)] = &[
    ("text", &part("text")),
    ("refusal", &part("refusal")),
    (
        "image_url",
        &inner("image_url", &Object(&[("url", WHOLE), ("detail", WHOLE)])),
    ),
    (
        "input_audio",
        &inner(
            "input_audio",
            &Object(&[("data", WHOLE), ("format", WHOLE)]),
        ),
    ),
    (
        "file",
        &inner(
            "file",
            &Object(&[
                ("file_data", WHOLE),
                ("file_id", WHOLE),
                ("filename", WHOLE),
            ]),
        ),
    ),
];

const fn part(key: &'static str) -> [(&'static str, &'static Shape); 4] {
    inner(key, WHOLE)
}

const fn inner(key: &'static str, shape: &'static Shape) -> [(&'static str, &'static Shape); 4] {
    [
        ("type", WHOLE),
        ("cache_control", WHOLE),
        ("prompt_cache_breakpoint", WHOLE),
        (key, shape),
    ]
}
