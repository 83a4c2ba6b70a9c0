use std::ops::Range;

use crate::json::end_of_string;

/// A part of a body that comes again as it is in the next request of the same
/// conversation: an element of one of its lists, or another member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it stands; of a member that is no list, its key counted.
    pub span: Range<usize>,
    /// The name of the member, without quotes.
    pub member: Range<usize>,
    /// Which element of the list it is.
    pub index: Option<usize>,
}

/// The segments of a body, in order. What is no JSON object has one, itself.
pub fn segments(body: &[u8]) -> Vec<Segment> {
    let mut found = Vec::new();
    let whole = Segment {
        span: 0..body.len(),
        member: 0..0,
        index: None,
    };
    let start = blanks(body, 0);
    if body.get(start) != Some(&b'{') {
        return vec![whole];
    }
    let mut at = start + 1;
    loop {
        at = blanks(body, at);
        match body.get(at) {
            Some(b',') => at += 1,
            Some(b'"') => match member(body, at, &mut found) {
                Some(end) => at = end,
                None => return vec![whole],
            },
            Some(b'}') if blanks(body, at + 1) == body.len() => return found,
            _ => return vec![whole],
        }
    }
}

/// One member, from the quote of its key on; gives where it ends.
fn member(body: &[u8], at: usize, found: &mut Vec<Segment>) -> Option<usize> {
    let name = at + 1..end_of_string(body, at + 1);
    let colon = blanks(body, name.end + 1);
    let value = blanks(body, colon + 1);
    if body.get(colon) != Some(&b':') || value >= body.len() {
        return None;
    }
    let end = end_of_value(body, value);
    if body[value] != b'[' {
        found.push(Segment {
            span: at..end,
            member: name,
            index: None,
        });
        return Some(end);
    }
    let mut element = blanks(body, value + 1);
    let mut index = 0;
    while element + 1 < end {
        let past = end_of_value(body, element).min(end - 1);
        found.push(Segment {
            span: element..past,
            member: name.clone(),
            index: Some(index),
        });
        index += 1;
        let comma = blanks(body, past);
        if comma + 1 < end && (body.get(comma) != Some(&b',') || past <= element) {
            return None;
        }
        element = blanks(body, comma + 1);
    }
    Some(end)
}

fn blanks(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// Just behind the value that begins at `at`; without recursion.
fn end_of_value(body: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(body, at + 1);
                if depth == 0 {
                    return (at + 1).min(body.len());
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' => return at + depth,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    body.len()
}
