use serde_json::{Map, Value, json};

use super::{Default, Key, Kind, ROOT, Section, Standing};

/// The configuration as a JSON Schema (draft 2020-12), for editors.
///
/// `${VAR}` is allowed in every string but can't stand in for a listed word
/// here; the program itself takes it there too.
pub fn json_schema() -> Value {
    let mut schema = section(&ROOT);
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".into(), json!("tollgate.toml"));
    schema.insert("description".into(), json!("Configuration of Tollgate"));
    Value::Object(schema)
}

fn section(section: &Section) -> Map<String, Value> {
    let properties: Map<String, Value> = section
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), Value::Object(property(key))))
        .collect();
    let required: Vec<&str> = section
        .keys
        .iter()
        .filter(|key| matches!(key.default, Default::Required))
        .map(|key| key.name)
        .collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    schema.insert("additionalProperties".into(), json!(false));
    schema
}

fn property(key: &Key) -> Map<String, Value> {
    let mut schema = kind(key.kind);
    let note = match key.standing {
        Standing::Works => "",
        Standing::Ignored => " Not built into this version; ignored.",
    };
    schema.insert("description".into(), json!(format!("{}{note}", key.doc)));
    let default = match key.default {
        Default::Absent | Default::Required => return schema,
        Default::Text(text) => json!(text),
        Default::Integer(number) => json!(number),
        Default::Boolean(flag) => json!(flag),
        Default::Texts(texts) => json!(texts),
    };
    schema.insert("default".into(), default);
    schema
}

fn kind(of: Kind) -> Map<String, Value> {
    let schema = match of {
        Kind::Text => json!({"type": "string"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::WordOrFalse(words) => {
            let words = words.iter().map(|word| json!(word));
            json!({"enum": words.chain([json!(false)]).collect::<Vec<_>>()})
        }
        Kind::Integer(low, high) | Kind::Seconds(low, high) => {
            json!({"type": "integer", "minimum": low, "maximum": high})
        }
        Kind::Float(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
        Kind::Usd => json!({"type": ["number", "string"], "minimum": 0}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::TextOrTexts => json!({"anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
        ]}),
        Kind::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Table(inner) => return section(inner),
        Kind::Named(inner, None) => {
            json!({"type": "object", "additionalProperties": section(inner)})
        }
        Kind::Named(inner, Some(defaults)) => json!({
            "type": "object",
            "properties": {"defaults": section(defaults)},
            "additionalProperties": section(inner),
        }),
        Kind::Tables(inner) => json!({"type": "array", "items": section(inner)}),
        Kind::OneOrMore(inner) => {
            let one = section(inner);
            let first = inner.keys.first().map(|first| kind(first.kind));
            let many = json!({"type": "array", "items": one.clone()});
            json!({"anyOf": [one, many, first]})
        }
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}
