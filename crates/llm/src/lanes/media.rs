//! What is a picture, a sound or a document, so that its bytes need no reading.

/// How base64 of known kinds begins: PNG, JPEG, GIF, RIFF (WebP, WAV), PDF, Ogg,
/// FLAC, MP3 with and without a tag, MP4 and its kin.
const BEGINNINGS: [&[u8]; 12] = [
    b"iVBORw0KGgo",
    b"/9j/",
    b"R0lGOD",
    b"UklGR",
    b"JVBERi0",
    b"T2dnUw",
    b"ZkxhQw",
    b"SUQz",
    b"//uQ",
    b"//vQ",
    b"AAAAIGZ0eX",
    b"AAAAHGZ0eX",
];

/// Least base64 that is worth an exception, in bytes.
const LEAST: usize = 64;

/// Whether a type is one of media. Text in base64 is text.
pub(super) fn is_type(kind: &[u8]) -> bool {
    let begins = |with: &[u8]| kind.starts_with(with);
    begins(b"image/") && kind != b"image/svg+xml"
        || begins(b"audio/")
        || begins(b"video/")
        || kind == b"application/pdf"
}

/// Whether a string is media in base64: `stated` by its object, or by itself as
/// a `data:` address; and it begins as such bytes do.
pub(super) fn is_media(value: &[u8], stated: bool) -> bool {
    let data = match value.strip_prefix(b"data:") {
        None => Some(value).filter(|_| stated),
        Some(rest) => {
            let head = &rest[..rest.len().min(64)];
            let comma = memchr::memchr(b',', head);
            comma.and_then(|comma| {
                let kind = head[..comma].strip_suffix(b";base64")?;
                is_type(kind).then_some(&rest[comma + 1..])
            })
        }
    };
    data.is_some_and(|data| {
        data.len() >= LEAST && BEGINNINGS.iter().any(|begin| data.starts_with(begin))
    })
}
