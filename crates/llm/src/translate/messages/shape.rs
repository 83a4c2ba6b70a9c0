use crate::translate::shape::Shape::{self, List, Object, Open, Typed};
use crate::translate::shape::{Members, WHOLE};

/// What is read of a message's request.
pub(in crate::translate) const SHAPE: &Shape = &Open(&[
    (
        "messages",
        &List(&Object(&[("role", WHOLE), ("content", CONTENT)])),
    ),
    ("system", CONTENT),
    ("tools", &List(&Typed(&[("custom", TOOL)]))),
    (
        "tool_choice",
        &Object(&[
            ("type", WHOLE),
            ("name", WHOLE),
            ("disable_parallel_tool_use", WHOLE),
        ]),
    ),
    (
        "thinking",
        &Object(&[("type", WHOLE), ("budget_tokens", WHOLE)]),
    ),
    ("metadata", &Object(&[("user_id", WHOLE)])),
    ("output_format", FORMAT),
    ("output_config", &Open(&[("format", FORMAT)])),
]);

const FORMAT: &Shape = &Object(&[("type", WHOLE), ("schema", WHOLE)]);
const TOOL: Members = &[
    ("type", WHOLE),
    ("name", WHOLE),
    ("description", WHOLE),
    ("input_schema", WHOLE),
    ("strict", WHOLE),
    ("cache_control", WHOLE),
];

const CONTENT: &Shape = &List(&Typed(&[
    ("text", TEXT),
    ("image", IMAGE),
    ("document", DOCUMENT),
    (
        "thinking",
        &[("type", WHOLE), ("thinking", WHOLE), ("signature", WHOLE)],
    ),
    ("redacted_thinking", &[("type", WHOLE), ("data", WHOLE)]),
    (
        "tool_use",
        &[
            ("type", WHOLE),
            ("cache_control", WHOLE),
            ("id", WHOLE),
            ("name", WHOLE),
            ("input", WHOLE),
        ],
    ),
    (
        "tool_result",
        &[
            ("type", WHOLE),
            ("cache_control", WHOLE),
            ("tool_use_id", WHOLE),
            ("is_error", WHOLE),
            ("content", RESULT),
        ],
    ),
]));

/// What a tool may answer.
const RESULT: &Shape = &List(&Typed(&[
    ("text", TEXT),
    ("image", IMAGE),
    ("document", DOCUMENT),
]));

const TEXT: Members = &[("type", WHOLE), ("cache_control", WHOLE), ("text", WHOLE)];
const IMAGE: Members = &[
    ("type", WHOLE),
    ("cache_control", WHOLE),
    ("source", SOURCE),
];
const DOCUMENT: Members = &[
    ("type", WHOLE),
    ("cache_control", WHOLE),
    ("source", SOURCE),
    ("title", WHOLE),
];

const SOURCE: &Shape = &Typed(&[
    (
        "base64",
        &[("type", WHOLE), ("media_type", WHOLE), ("data", WHOLE)],
    ),
    ("url", &[("type", WHOLE), ("url", WHOLE)]),
    (
        "text",
        &[("type", WHOLE), ("media_type", WHOLE), ("data", WHOLE)],
    ),
]);
