use bytes::Bytes;
use serde_json::{Value, json};

use crate::Dialect;

/// One line of a models list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelEntry<'a> {
    /// The name that a request may ask for.
    pub id: &'a str,
    /// The provider that serves it.
    pub owned_by: &'a str,
}

/// The answer to `GET /v1/models` (Gemini: `/v1beta/models`): everything on
/// one page, in the order given.
pub fn models_list(dialect: Dialect, entries: &[ModelEntry<'_>]) -> Bytes {
    let rows: Vec<Value> = entries.iter().map(|entry| row(dialect, *entry)).collect();
    let list = match dialect {
        Dialect::OpenAi => json!({"object": "list", "data": rows}),
        Dialect::Anthropic => json!({
            "data": rows,
            "has_more": false,
            "first_id": entries.first().map(|entry| entry.id),
            "last_id": entries.last().map(|entry| entry.id),
        }),
        Dialect::Gemini => json!({"models": rows}),
    };
    Bytes::from(list.to_string())
}

/// Most names that are taken from a provider's list, and the longest of them
/// in bytes; what is beyond is left out.
const MOST_NAMES: usize = 5000;
const LONGEST_NAME: usize = 200;

/// The names in a provider's list of models, whichever dialect it is in, in
/// its order; none where it is no such list.
///
/// OpenAI and Anthropic have `data` with `id`s, Gemini `models` with `name`s
/// that begin with `models/`.
pub fn read_models(body: &[u8]) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct List {
        data: Option<Vec<Row>>,
        models: Option<Vec<Row>>,
    }
    #[derive(serde::Deserialize)]
    struct Row {
        id: Option<String>,
        name: Option<String>,
    }
    let list: List = serde_json::from_slice(body).ok()?;
    let rows = list.data.or(list.models)?;
    let names = rows.into_iter().filter_map(|row| {
        let name = row.id.or(row.name)?;
        let bare = name.strip_prefix("models/").unwrap_or(&name);
        let plain = !bare.is_empty() && !bare.chars().any(char::is_control);
        (plain && bare.len() <= LONGEST_NAME).then(|| bare.to_owned())
    });
    Some(names.take(MOST_NAMES).collect())
}

/// The answer to `GET /v1/models/{id}`.
pub fn model_object(dialect: Dialect, entry: ModelEntry<'_>) -> Bytes {
    Bytes::from(row(dialect, entry).to_string())
}

// When a provider made a model is not known here; the SDKs want a date in the
// place, so it is the epoch and never a made-up one.
fn row(dialect: Dialect, entry: ModelEntry<'_>) -> Value {
    let ModelEntry { id, owned_by } = entry;
    match dialect {
        Dialect::OpenAi => {
            json!({"id": id, "object": "model", "created": 0, "owned_by": owned_by})
        }
        Dialect::Anthropic => json!({
            "type": "model",
            "id": id,
            "display_name": id,
            "created_at": "1970-01-01T00:00:00Z",
        }),
        Dialect::Gemini => json!({
            "name": format!("models/{id}"),
            "displayName": id,
            "description": format!("served by {owned_by}"),
            "version": "",
            "supportedGenerationMethods": [
                "generateContent",
                "streamGenerateContent",
                "countTokens",
                "embedContent",
            ],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: [ModelEntry<'_>; 2] = [
        ModelEntry {
            id: "fast",
            owned_by: "openai",
        },
        ModelEntry {
            id: "demo/\"demo\"",
            owned_by: "demo",
        },
    ];

    fn read(bytes: &Bytes) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn fact_17_models_are_listed_in_the_callers_shape() {
        let list = read(&models_list(Dialect::OpenAi, &ENTRIES));
        assert_eq!(list["object"], "list");
        assert_eq!(list["data"][1]["id"], "demo/\"demo\"");
        assert_eq!(list["data"][0]["owned_by"], "openai");

        let list = read(&models_list(Dialect::Anthropic, &ENTRIES));
        assert_eq!(list["data"][0]["type"], "model");
        assert_eq!(list["last_id"], "demo/\"demo\"");
        assert_eq!(list["has_more"], false);

        let list = read(&models_list(Dialect::Gemini, &ENTRIES));
        assert_eq!(list["models"][0]["name"], "models/fast");
    }

    #[test]
    fn an_empty_list_is_still_a_list() {
        let list = read(&models_list(Dialect::Anthropic, &[]));
        assert_eq!(list["data"], json!([]));
        assert_eq!(list["first_id"], Value::Null);
        let list = read(&models_list(Dialect::OpenAi, &[]));
        assert_eq!(list["data"], json!([]));
    }

    #[test]
    fn a_providers_list_is_read_whatever_its_dialect() {
        for dialect in Dialect::ALL {
            let names = read_models(&models_list(dialect, &ENTRIES)).unwrap();
            assert_eq!(names, ["fast", "demo/\"demo\""], "{dialect}");
        }
        let odd = br#"{"data":[{"id":"a","x":1e9},{"name":"b"},{},{"id":""},{"id":"c\u001b[2J"}]}"#;
        assert_eq!(read_models(odd).unwrap(), ["a", "b"]);
        for none in [
            "",
            "[]",
            "{}",
            r#"{"data":"a"}"#,
            "<html>",
            r#"{"data":[1]}"#,
        ] {
            assert_eq!(read_models(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn one_model_looks_like_its_row_in_the_list() {
        for dialect in Dialect::ALL {
            let list = read(&models_list(dialect, &ENTRIES));
            let rows = list.get("data").or(list.get("models")).unwrap();
            assert_eq!(read(&model_object(dialect, ENTRIES[0])), rows[0]);
        }
    }
}
