//! How a name and its value stand together, in the syntaxes that matter.

/// How firmly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// `=`, `:`, `=>`, `==` and their like.
    Strong,
    /// A blank or a dash.
    Weak,
}

/// A value, and how it was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) link: Link,
    pub(crate) quoted: bool,
    /// `NAME=value`, without blanks; behind a service, that a word of the
    /// trade stands between.
    pub(crate) tight: bool,
    /// By `=`, not by `:` or a comparison.
    pub(crate) assigned: bool,
    /// `Basic` stands before it.
    pub(crate) scheme_is_basic: bool,
}

/// Longest value that is looked at, in bytes.
const LONGEST: usize = 512;

/// Words that may stand between a name's last word and its value.
const CHAIN: &[&[u8]] = &[
    b"key",
    b"token",
    b"secret",
    b"access",
    b"private",
    b"api",
    b"password",
    b"auth",
    b"passwd",
    b"credential",
];

/// Words of the trade that stand between a service and its value.
const TRADE: &[&[u8]] = &[
    b"api",
    b"key",
    b"token",
    b"secret",
    b"access",
    b"private",
    b"app",
    b"client",
    b"auth",
    b"server",
    b"io",
    b"url",
    b"user",
    b"admin",
    b"personal",
    b"live",
    b"prod",
    b"test",
    b"webhook",
    b"password",
    b"account",
];

/// Whether another of the words follows at once, so that it speaks for both.
pub(crate) fn is_followed_by_word(text: &[u8], end: usize) -> bool {
    let rest = &text[end..text.len().min(end + 14)];
    let rest = match rest.first() {
        Some(b'_' | b'-' | b'.' | b' ') => &rest[1..],
        _ => rest,
    };
    CHAIN
        .iter()
        .any(|word| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word))
}

/// Whether the text ends where a value could still follow.
pub(crate) fn may_go_on(text: &[u8], end: usize) -> bool {
    text.len() - end < 24
        && text[end..]
            .iter()
            .all(|byte| byte.is_ascii_whitespace() || b"'\"`])*=:>!(@".contains(byte))
}

/// The value behind a name that ends at `end`.
pub(crate) fn value_behind(text: &[u8], end: usize) -> Option<Value> {
    let mut at = skip(text, end, b"'\"`]) \t*\\", 12);
    let closed = at;
    let operator = operator(&text[at..]);
    at += operator;
    let assigned = text[closed..at].contains(&b'=')
        && !text[closed..at].starts_with(b"==")
        && !text[closed..at].starts_with(b"!=");
    if operator == 0 {
        return weak(text, end);
    }
    let after = at;
    at = skip(text, at, b" \t", 24);
    let folded = text[at..].starts_with(b"\n") || text[at..].starts_with(b"\r\n");
    if folded {
        at = skip(text, at, b" \t\r\n", 40);
    }
    let mut value = read(text, at)?;
    // A folded line holds a value only where it is marked as one.
    if folded
        && !value.quoted
        && text[value.end..]
            .iter()
            .take(40)
            .take_while(|byte| **byte != b'\n')
            .any(|byte| matches!(byte, b':' | b'='))
    {
        return None;
    }
    // A list of words has commas too.
    value.link = match text[closed] {
        b',' => Link::Weak,
        _ => Link::Strong,
    };
    value.tight = after == at && closed == end;
    value.assigned = assigned;
    Some(value)
}

/// A value that is compared with the name behind it: `if "…" == password`.
pub(crate) fn compared_before(text: &[u8], start: usize) -> Option<Value> {
    let before = &text[start.saturating_sub(LONGEST)..start];
    let trimmed = before.trim_ascii_end();
    let rest = trimmed
        .strip_suffix(b"==")
        .or_else(|| trimmed.strip_suffix(b"!="))?;
    let rest = rest.strip_suffix(b"=").unwrap_or(rest).trim_ascii_end();
    let quote = *rest.last()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let inner = &rest[..rest.len() - 1];
    let open = memchr::memrchr(quote, inner)?;
    let base = start - before.len();
    let value = Value {
        start: base + open + 1,
        end: base + inner.len(),
        link: Link::Strong,
        quoted: true,
        tight: false,
        assigned: false,
        scheme_is_basic: false,
    };
    (value.end > value.start).then_some(value)
}

/// A value right behind a service's name: at most a few words of the trade and
/// one operator between.
pub(crate) fn value_near(text: &[u8], end: usize) -> Option<Value> {
    let mut at = end;
    let mut operators = 0;
    let mut named = false;
    for _ in 0..8 {
        at = skip(text, at, b"'\"`])_-. \t", 6);
        let step = operator(&text[at..]);
        if step > 0 && operators == 0 {
            operators = 1;
            at += step;
            continue;
        }
        let rest = &text[at..text.len().min(at + 12)];
        let lower = rest.to_ascii_lowercase();
        let word = TRADE.iter().find(|word| lower.starts_with(word));
        match word {
            Some(word) if at + word.len() - end < 48 => {
                at += word.len();
                named = true;
            }
            _ => break,
        }
    }
    let mut value = read(text, at)?;
    value.link = match operators {
        0 => Link::Weak,
        _ => Link::Strong,
    };
    value.tight = named;
    Some(value)
}

/// Whether a word of the trade stands right here.
pub(crate) fn begins_with_trade(rest: &[u8]) -> bool {
    TRADE
        .iter()
        .any(|word| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word))
}

fn weak(text: &[u8], end: usize) -> Option<Value> {
    let at = skip(text, end, b"'\"`])} \t-_.|\\", 6);
    // `docker --password value`, `key12345678`.
    let mut value = read(text, at)?;
    value.link = Link::Weak;
    Some(value)
}

/// The length of the operator that the text begins with, 0 without one.
fn operator(rest: &[u8]) -> usize {
    const OPERATORS: &[&[u8]] = &[
        b"===", b"!==", b"::=", b":=", b"=>", b"==", b"!=", b"->", b"||=", b"|=", b"?=", b"=",
        b":", b"%3D", b"%3A", b"%3d",
    ];
    let known = OPERATORS.iter().find(|operator| rest.starts_with(operator));
    match known {
        // `:="…"`, `:= =`: seen in hand-written files.
        Some(operator) if *operator == b":" && rest.get(1) == Some(&b':') => 0,
        Some(operator) => operator.len(),
        None if rest.starts_with(b",") => usize::from(
            matches!(rest.get(1), Some(b'"' | b'\''))
                || rest.starts_with(b", \"")
                || rest.starts_with(b", '"),
        ),
        None if rest.starts_with(b">") => 1,
        None => 0,
    }
}

fn read(text: &[u8], at: usize) -> Option<Value> {
    let mut at = skip(text, at, b"=([{@", 3);
    at = skip(text, at, b" \t", 4);
    if matches!(text.get(at), Some(b'b' | b'r' | b'f' | b'u' | b'@' | b'L'))
        && matches!(text.get(at + 1), Some(b'"' | b'\''))
    {
        at += 1;
    }
    if text[at.min(text.len())..].starts_with(b"```") {
        return None;
    }
    let mut quote = None;
    // A quote inside a JSON string is escaped.
    while matches!(text.get(at), Some(b'"' | b'\'' | b'`'))
        || text[at..].starts_with(b"\\\"")
        || text[at..].starts_with(b"\\'")
    {
        at += usize::from(text[at] == b'\\');
        quote = Some(text[at]);
        at += 1;
        if text[at..].starts_with(b"=") {
            at += 1;
        }
    }
    let mut scheme_is_basic = false;
    for scheme in [
        &b"bearer "[..],
        b"basic ",
        b"token ",
        b"apikey ",
        b"digest ",
        b"bot ",
        b"negotiate ",
        b"key=",
    ] {
        let rest = &text[at..text.len().min(at + scheme.len())];
        if rest.eq_ignore_ascii_case(scheme) {
            scheme_is_basic = scheme == b"basic ";
            at += scheme.len();
        }
    }
    let reach = text.len().min(at + LONGEST);
    let window = &text[at..reach];
    let length = match quote {
        Some(quote) => quoted(window, quote),
        None => bare(window),
    };
    (length > 0).then_some(Value {
        start: at,
        end: at + length,
        link: Link::Strong,
        quoted: quote.is_some(),
        tight: false,
        assigned: false,
        scheme_is_basic,
    })
}

fn quoted(window: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < window.len() {
        match window[at] {
            b'\\' if window.get(at + 1) == Some(&quote) => break,
            b'\\' => at += 1,
            byte if byte == quote || byte == b'\n' => break,
            _ => {}
        }
        at += 1;
    }
    at.min(window.len())
}

fn bare(window: &[u8]) -> usize {
    let stop = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(
                byte,
                b'"' | b'\'' | b'`' | b';' | b'<' | b'>' | b'&' | b'\\'
            )
    };
    let length = window.iter().position(stop).unwrap_or(window.len());
    let trail = window[..length]
        .iter()
        .rev()
        .take_while(|byte| {
            matches!(byte, b',' | b')' | b']' | b'.' | b':' | b'!' | b'?') || **byte == b'}'
        })
        .count();
    length - trail
}

fn skip(text: &[u8], from: usize, bytes: &[u8], most: usize) -> usize {
    from + text[from.min(text.len())..]
        .iter()
        .take(most)
        .take_while(|byte| bytes.contains(byte))
        .count()
}
