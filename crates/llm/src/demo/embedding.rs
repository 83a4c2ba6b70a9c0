use serde_json::{Value, json};

use super::ask::words;
use super::fingerprint;
use crate::BadRequest;

const DIMENSIONS: usize = 8;
const MOST_DIMENSIONS: u64 = 4096;

/// As many as OpenAI takes.
const MOST_INPUTS: usize = 2048;

/// Most numbers in one answer, whatever inputs and dimensions are.
const MOST_NUMBERS: usize = 1 << 20;

/// The answer to a request for embeddings.
pub(super) fn answer(model: &str, body: &Value) -> Result<Value, BadRequest> {
    let inputs = inputs(&body["input"])?;
    let dimensions = dimensions(&body["dimensions"])?;
    if inputs.len() > MOST_INPUTS || inputs.len() * dimensions > MOST_NUMBERS {
        return Err(BadRequest::at(
            "input",
            "found too many inputs for one answer",
        ));
    }
    let base64 = body["encoding_format"] == "base64";
    let rows = inputs.iter().enumerate().map(|(index, text)| {
        let vector = vector(text, dimensions);
        let embedding = match base64 {
            true => Value::from(packed(&vector)),
            false => Value::from(vector),
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let rows: Vec<Value> = rows.collect();
    let used: u64 = inputs.iter().map(|text| words(text)).sum();
    Ok(json!({
        "object": "list",
        "data": rows,
        "model": model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }))
}

/// A text, tokens, or a list of either; tokens count as words.
fn inputs(input: &Value) -> Result<Vec<String>, BadRequest> {
    let tokens = |list: &[Value]| {
        let words: Vec<String> = list.iter().map(Value::to_string).collect();
        words.join(" ")
    };
    let bad = || BadRequest::at("input", "expected a text, a list of texts, or tokens");
    match input {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) if list.first().is_some_and(Value::is_number) => Ok(vec![tokens(list)]),
        Value::Array(list) if !list.is_empty() => list
            .iter()
            .map(|one| match one {
                Value::String(text) => Ok(text.clone()),
                Value::Array(list) => Ok(tokens(list)),
                _ => Err(bad()),
            })
            .collect(),
        _ => Err(bad()),
    }
}

fn dimensions(value: &Value) -> Result<usize, BadRequest> {
    match value.as_u64() {
        None if value.is_null() => Ok(DIMENSIONS),
        Some(count @ 1..=MOST_DIMENSIONS) => Ok(usize::try_from(count).unwrap_or(DIMENSIONS)),
        _ => {
            let message = format!("expected a whole number from 1 to {MOST_DIMENSIONS}");
            Err(BadRequest::at("dimensions", &message))
        }
    }
}

/// Feature hashing: texts that share words point the same way. Length 1.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.split_whitespace() {
        let hash = fingerprint(word.to_lowercase().as_bytes());
        let place = usize::try_from(hash >> 8).unwrap_or_default() % dimensions;
        vector[place] += if hash & 1 == 0 { 1.0 } else { -1.0 };
    }
    let length = vector.iter().map(|part| part * part).sum::<f32>().sqrt();
    if length == 0.0 {
        vector[0] = 1.0;
    } else {
        vector.iter_mut().for_each(|part| *part /= length);
    }
    vector
}

/// Little-endian floats in base64 (RFC 4648, 4), as the SDKs ask for them.
fn packed(vector: &[f32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|part| part.to_le_bytes()).collect();
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let index = (bits >> (18 - 6 * place)) & 63;
            let filled = place <= group.len();
            out.push(if filled {
                char::from(ALPHABET[index as usize])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_base64_of_little_endian_floats() {
        assert_eq!(packed(&[1.0]), "AACAPw==");
        assert_eq!(packed(&[1.0, -2.0]), "AACAPwAAAMA=");
        assert_eq!(packed(&[0.0; 3]), "AAAAAAAAAAAAAAAA");
    }

    #[test]
    fn texts_that_share_words_are_near() {
        let dot = |one: &str, other: &str| -> f32 {
            let (one, other) = (vector(one, 256), vector(other, 256));
            one.iter().zip(&other).map(|(a, b)| a * b).sum()
        };
        assert!(dot("the red house", "The red house") > 0.99);
        assert!(dot("the red house", "the red car") > dot("the red house", "some other words"));
        assert!((dot("", "") - 1.0).abs() < 1e-6);
    }
}
