//! Words for what was found and what was expected.

use toml::de::DeValue;

use super::schema::Kind;

/// What a system error says, without its number.
pub(super) fn io(error: &std::io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or_default();
    plain.to_lowercase()
}

/// `place: message`, or the message alone for the whole file.
pub(super) fn placed(place: &str, message: &str) -> String {
    match place.is_empty() {
        true => message.to_owned(),
        false => format!("{place}: {message}"),
    }
}

/// A value in quotes where it may be shown and is short enough to be read.
pub(super) fn quoted(text: &str, open: bool) -> String {
    let plain = text.chars().count() <= 80 && !text.chars().any(char::is_control);
    match open && plain {
        true => format!("\"{text}\""),
        false => "(not shown)".to_owned(),
    }
}

/// The type that was found.
pub(super) fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What the schema wants.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "a string".into(),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        Kind::WordOrFalse(words) => format!("\"{}\" or false", words.join("\", \"")),
        Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
        Kind::Seconds(low, high) => format!("whole seconds from {low} to {high}"),
        Kind::Float(low, high) => format!("a number from {low} to {high}"),
        Kind::Usd => "US dollars such as 12.50".into(),
        Kind::Boolean => "true or false".into(),
        Kind::Texts => "a list of strings".into(),
        Kind::TextOrTexts => "a string or a list of strings".into(),
        Kind::Map => "a table of strings".into(),
        Kind::Table(_) | Kind::Named(..) => "a table".into(),
        Kind::Tables(_) => "a list of tables".into(),
        Kind::OneOrMore(_) => "a table or a list of tables".into(),
    }
}
