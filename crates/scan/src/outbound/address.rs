use super::patterns::Hits;
use super::placeholder;
use crate::finding::Severity;

/// Longest part before the host that is looked at, in bytes.
const LONGEST: usize = 320;

/// A password in an address: `scheme://user:password@host`.
pub(crate) fn look(hits: &mut Hits<'_>, colon: usize) {
    let text = hits.text;
    let scheme = text[..colon]
        .iter()
        .rev()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
        .count();
    let from = colon + 3;
    let reach = text.len().min(from + LONGEST);
    let stop = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'?')
    };
    let length = text[from..reach]
        .iter()
        .position(stop)
        .unwrap_or(reach - from);
    let Some(place) = split(&text[from..from + length]) else {
        return;
    };
    let (name, secret) = (
        &text[from..from + place.colon],
        &text[from + place.colon + 1..from + place.at],
    );
    if scheme < 2
        || secret.len() < 2
        || placeholder::is_placeholder(secret)
        || is_code(name)
        || is_code(secret)
        || is_template(secret)
        || is_port(secret)
        || is_default(name, secret, &text[from + place.at + 1..from + length])
    {
        return;
    }
    let is_word = placeholder::stands_for_itself(secret) || name.eq_ignore_ascii_case(secret);
    let severity = match is_word {
        true => Severity::Low,
        false => Severity::High,
    };
    let scheme = text[colon - scheme..colon].to_ascii_lowercase();
    let database: &[&[u8]] = &[
        b"postgres",
        b"postgresql",
        b"mysql",
        b"mongodb",
        b"mongodb+srv",
        b"redis",
        b"rediss",
        b"amqp",
        b"amqps",
        b"mssql",
        b"mariadb",
        b"clickhouse",
        b"jdbc",
    ];
    let kind = match database.contains(&&*scheme) {
        true => "database-url-password",
        false => "url-password",
    };
    let start = from + place.colon + 1;
    hits.add(&kind.into(), severity, start, start + secret.len());
}

struct Place {
    colon: usize,
    at: usize,
}

/// The colon behind the name and the `@` before the host: the last one before
/// the path, because passwords hold them too.
fn split(authority: &[u8]) -> Option<Place> {
    let colon = authority.iter().position(|byte| *byte == b':')?;
    if authority[..colon].contains(&b'/') {
        return None;
    }
    let first = memchr::memchr(b'@', &authority[colon..])? + colon;
    let path = memchr::memchr(b'/', &authority[first..]).map_or(authority.len(), |at| first + at);
    let at = memchr::memrchr(b'@', &authority[..path])?;
    let host = authority.get(at + 1)?;
    let is_host =
        host.is_ascii_alphanumeric() || matches!(host, b'[' | b'_' | b'$' | b'{' | b'%' | b'(');
    (at > colon && is_host && !authority[colon..first].starts_with(b":/"))
        .then_some(Place { colon, at })
}

fn is_code(text: &[u8]) -> bool {
    text.iter()
        .any(|byte| matches!(byte, b'{' | b'}' | b'(' | b'$' | b'<' | b'>' | b'|'))
        && text
            .iter()
            .any(|byte| matches!(byte, b'}' | b')' | b'>' | b'$'))
}

/// `%s:%s@`, `:password@` of a manual.
fn is_template(secret: &[u8]) -> bool {
    secret.starts_with(b"%s")
        || secret.starts_with(b"...")
        || secret == b"*"
        || secret
            .iter()
            .all(|byte| matches!(byte, b'*' | b'.' | b'x' | b'X'))
}

/// `host:8000;@`, `host:8000[@`: a port and what follows it.
fn is_port(secret: &[u8]) -> bool {
    let digits = secret.iter().take_while(|byte| byte.is_ascii_digit());
    let rest = &secret[digits.count()..];
    (1..=5).contains(&(secret.len() - rest.len()))
        && !rest.is_empty()
        && !rest.iter().any(u8::is_ascii_alphanumeric)
}

/// `postgres:postgres@localhost`: what a database on the same machine is
/// installed with, and nobody's secret.
fn is_default(name: &[u8], secret: &[u8], host: &[u8]) -> bool {
    let here: [&[u8]; 3] = [b"localhost", b"127.0.0.1", b"[::1]"];
    name.eq_ignore_ascii_case(secret) && here.iter().any(|place| host.starts_with(place))
}
