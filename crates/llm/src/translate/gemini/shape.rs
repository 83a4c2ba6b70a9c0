use crate::translate::shape::Shape::{self, List, Object, Open};
use crate::translate::shape::{Members, WHOLE};

/// What is read of a request to generate content, in the spelling with
/// underscores; the other one is the same.
pub(in crate::translate) const SHAPE: &Shape = &Open(&[
    ("contents", &List(CONTENT)),
    ("system_instruction", CONTENT),
    (
        "tools",
        &List(&Open(&[(
            "function_declarations",
            &List(&Object(FUNCTION)),
        )])),
    ),
    (
        "tool_config",
        &Object(&[(
            "function_calling_config",
            &Object(&[("mode", WHOLE), ("allowed_function_names", WHOLE)]),
        )]),
    ),
    (
        "generation_config",
        &Open(&[(
            "thinking_config",
            &Object(&[
                ("thinking_budget", WHOLE),
                ("thinking_level", WHOLE),
                // Thoughts are shown wherever the provider shows them.
                ("include_thoughts", WHOLE),
            ]),
        )]),
    ),
]);

const FUNCTION: Members = &[
    ("name", WHOLE),
    ("description", WHOLE),
    ("parameters", WHOLE),
    ("parameters_json_schema", WHOLE),
];
const CONTENT: &Shape = &Object(&[("role", WHOLE), ("parts", &List(PART))]);

/// A part's members say what it is; one that is not known is refused.
const PART: &Shape = &Object(&[
    ("text", WHOLE),
    ("thought", WHOLE),
    ("thought_signature", WHOLE),
    (
        "inline_data",
        &Object(&[("mime_type", WHOLE), ("data", WHOLE)]),
    ),
    (
        "file_data",
        &Object(&[("mime_type", WHOLE), ("file_uri", WHOLE)]),
    ),
    (
        "function_call",
        &Object(&[("id", WHOLE), ("name", WHOLE), ("args", WHOLE)]),
    ),
    (
        "function_response",
        &Object(&[
            ("id", WHOLE),
            ("name", WHOLE),
            ("response", WHOLE),
            ("parts", &List(ANSWERED)),
        ]),
    ),
]);
const ANSWERED: &Shape = &Object(&[
    ("text", WHOLE),
    (
        "inline_data",
        &Object(&[("mime_type", WHOLE), ("data", WHOLE)]),
    ),
    (
        "file_data",
        &Object(&[("mime_type", WHOLE), ("file_uri", WHOLE)]),
    ),
]);
