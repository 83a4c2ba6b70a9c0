use crate::translate::shape::Shape::{self, List, Open, Typed};
use crate::translate::shape::{Members, WHOLE};

/// What is read of a request for a response.
pub(in crate::translate) const SHAPE: &Shape = &Open(&[
    ("input", &List(&Typed(ITEMS))),
    (
        "tools",
        &List(&Typed(&[(
            "function",
            &[
                ("type", WHOLE),
                ("name", WHOLE),
                ("description", WHOLE),
                ("parameters", WHOLE),
                ("strict", WHOLE),
            ],
        )])),
    ),
    (
        "tool_choice",
        &Typed(&[("function", &[("type", WHOLE), ("name", WHOLE)])]),
    ),
    (
        "text",
        &Open(&[(
            "format",
            &Typed(&[
                (
                    "json_schema",
                    &[
                        ("type", WHOLE),
                        ("name", WHOLE),
                        ("schema", WHOLE),
                        ("strict", WHOLE),
                    ],
                ),
                ("json_object", &[("type", WHOLE)]),
                ("text", &[("type", WHOLE)]),
            ]),
        )]),
    ),
]);

/// An item's `id` and `status` are the provider's bookkeeping.
const ITEMS: &[(&str, Members)] = &[
    (
        "message",
        &[
            ("type", WHOLE),
            ("id", WHOLE),
            ("status", WHOLE),
            ("role", WHOLE),
            ("content", CONTENT),
        ],
    ),
    (
        "function_call",
        &[
            ("type", WHOLE),
            ("id", WHOLE),
            ("status", WHOLE),
            ("call_id", WHOLE),
            ("name", WHOLE),
            ("arguments", WHOLE),
        ],
    ),
    (
        "function_call_output",
        &[
            ("type", WHOLE),
            ("id", WHOLE),
            ("status", WHOLE),
            ("call_id", WHOLE),
            ("output", CONTENT),
        ],
    ),
    // Left out as a whole, and recorded.
    (
        "reasoning",
        &[
            ("type", WHOLE),
            ("id", WHOLE),
            ("status", WHOLE),
            ("summary", WHOLE),
            ("content", WHOLE),
            ("encrypted_content", WHOLE),
        ],
    ),
];

const CONTENT: &Shape = &List(&Typed(&[
    ("input_text", TEXT),
    ("output_text", TEXT),
    ("text", TEXT),
    ("refusal", &[("type", WHOLE), ("refusal", WHOLE)]),
    (
        "input_image",
        &[("type", WHOLE), ("image_url", WHOLE), ("detail", WHOLE)],
    ),
    (
        "input_file",
        &[
            ("type", WHOLE),
            ("file_data", WHOLE),
            ("file_url", WHOLE),
            ("file_id", WHOLE),
            ("filename", WHOLE),
        ],
    ),
    (
        "input_audio",
        &[
            ("type", WHOLE),
            ("input_audio", WHOLE),
            ("data", WHOLE),
            ("format", WHOLE),
        ],
    ),
]));
const TEXT: Members = &[("type", WHOLE), ("text", WHOLE)];
