use http::header::CONTENT_ENCODING;

use crate::refusal::Refusal;
use crate::snapshot::Limits;

/// Refuses heads beyond the limits, and bodies that can't be read as they
/// are, in the caller's dialect.
///
/// The connection's own, wider limits bound memory for what can't even be
/// read as a head.
pub(crate) fn check(head: &http::request::Parts, limits: &Limits) -> Result<(), Refusal> {
    let fields = head.headers.len();
    if fields > limits.header_count {
        return Err(Refusal::Head {
            found: format!("{fields} fields"),
            limit: limits.header_count.to_string(),
        });
    }
    let size = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + 4
    };
    let path = head
        .uri
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    let bytes = path + head.headers.iter().map(size).sum::<usize>();
    if bytes > limits.header_bytes {
        return Err(Refusal::Head {
            found: format!("{bytes} bytes"),
            limit: limits.header_bytes.to_string(),
        });
    }
    match head.headers.get(CONTENT_ENCODING) {
        Some(coding) if coding != "identity" => {
            let coding = String::from_utf8_lossy(coding.as_bytes());
            Err(Refusal::Encoded(coding.chars().take(40).collect()))
        }
        _ => Ok(()),
    }
}
