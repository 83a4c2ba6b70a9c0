use http::header::{CONTENT_ENCODING, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Version};

use crate::conversation::Incoming;
use crate::refusal::Refusal;
use crate::snapshot::Limits;

/// Refuses what two readers of one connection could take for two things: RFC
/// 9112 wants one `Host` (section 3.2), and no coding of the transfer that we
/// would pass by (section 6.1).
pub(crate) fn framed(request: &Request<Incoming>) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let count = hosts.by_ref().count();
    let named = count == 1 || count == 0 && request.version() < Version::HTTP_11;
    if !named {
        return Err(Refusal::Framing {
            found: format!("{count} `host` fields"),
            expected: "one",
        });
    }
    let codings = request.headers().get_all(TRANSFER_ENCODING);
    let mut codings = codings.iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(coding), _) => Err(Refusal::Framing {
            found: format!(
                "`transfer-encoding: {}`",
                String::from_utf8_lossy(coding.as_bytes())
                    .chars()
                    .take(40)
                    .collect::<String>()
            ),
            expected: "`chunked` and nothing else",
        }),
    }
}

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
    let codings = head.headers.get_all(CONTENT_ENCODING);
    let plain = |coding: &&HeaderValue| coding.is_empty() || *coding == "identity";
    match codings.iter().find(|coding| !plain(coding)) {
        Some(coding) => {
            let coding = String::from_utf8_lossy(coding.as_bytes());
            Err(Refusal::Encoded(coding.chars().take(40).collect()))
        }
        None => Ok(()),
    }
}
