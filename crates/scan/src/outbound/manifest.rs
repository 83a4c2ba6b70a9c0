use super::patterns::Hits;
use super::placeholder;
use crate::finding::Severity;

/// How much of a manifest is looked at, before and behind its kind.
const REACH: usize = 4096;

/// The values under `data:` of a Kubernetes `Secret`.
pub(crate) fn look(hits: &mut Hits<'_>, colon: usize) {
    let text = hits.text;
    if !word_behind(text, colon).eq_ignore_ascii_case(b"secret") || !hits.pay(REACH) {
        return;
    }
    let from = colon.saturating_sub(REACH);
    let from = last_document(&text[from..colon]).map_or(from, |at| from + at);
    let reach = text.len().min(colon + REACH);
    let mut inside = false;
    let mut block = false;
    let mut at = from;
    for line in text[from..reach].split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim_ascii();
        if trimmed.starts_with(b"---") && start > colon {
            break;
        }
        let indented = line
            .first()
            .is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if !indented && !trimmed.is_empty() && !trimmed.starts_with(b"#") {
            inside = trimmed.starts_with(b"data:") || trimmed.starts_with(b"stringData:");
            block = false;
            continue;
        }
        if !inside || trimmed.is_empty() || trimmed.starts_with(b"#") {
            continue;
        }
        let name = trimmed
            .iter()
            .position(|byte| *byte == b':')
            .filter(|_| !block);
        let body = match name {
            Some(colon) => trimmed[colon + 1..].trim_ascii(),
            None => trimmed,
        };
        block = block || matches!(body.first(), Some(b'|' | b'>'));
        let body = body.strip_prefix(b"!!binary ").unwrap_or(body);
        let body: &[u8] = match body {
            [b'"' | b'\'', inner @ .., b'"' | b'\''] => inner,
            other => other,
        };
        // What follows on the line says whether it is a value.
        if at == text.len() && !line.ends_with(b"\n") {
            hits.hold_from(start);
        }
        if is_value(body) {
            let offset = body.as_ptr() as usize - line.as_ptr() as usize;
            hits.add(
                &"kubernetes-secret".into(),
                Severity::Medium,
                start + offset,
                start + offset + body.len(),
            );
        }
    }
}

/// Whether something else than a secret is described, whatever follows.
pub(crate) fn is_other(text: &[u8], colon: usize) -> bool {
    let word = word_behind(text, colon);
    let goes_on = word.as_ptr_range().end == text.as_ptr_range().end;
    !goes_on && !word.eq_ignore_ascii_case(b"secret")
}

fn word_behind(text: &[u8], colon: usize) -> &[u8] {
    let rest = &text[colon..text.len().min(colon + 24)];
    let is_before = |byte: &&u8| matches!(byte, b' ' | b'\'' | b'"');
    let rest = &rest[rest.iter().take_while(is_before).count()..];
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric();
    &rest[..rest.iter().take_while(is_part).count()]
}

fn is_value(body: &[u8]) -> bool {
    let is_base64 = body
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte));
    // `YmFyCg==` is a word, whatever it is called.
    is_base64 && body.len() >= 12 && !placeholder::is_placeholder(body)
}

fn last_document(before: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(before, b"\n---").map(|at| at + 1)
}
