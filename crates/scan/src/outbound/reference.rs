/// Code that leads to a value elsewhere.
pub(super) fn is_reference(body: &[u8]) -> bool {
    let called = memchr::memchr(b'(', body).is_some_and(|at| {
        body[..at].iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'>' | b'-')
        })
    }) || body.starts_with(b"$")
        || body.starts_with(b"%")
        || body.starts_with(b"&");
    let dotted = body.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'_' | b'[' | b']' | b'"' | b'\'' | b':' | b'>' | b'-'
            )
    }) && memchr::memmem::find(body, b".")
        .is_some_and(|at| at > 0 && body.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
        && !body.iter().any(u8::is_ascii_digit);
    // `module::CONSTANT_2`, `*const`
    let typed = memchr::memmem::find(body, b"::").is_some_and(|at| {
        let is_module =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
        body[..at].iter().all(is_module) && body.iter().all(is_part)
    }) || body.first() == Some(&b'*') && body[1..].iter().all(u8::is_ascii_lowercase);
    let path = body.starts_with(b"/") && body[1..].contains(&b'/') && !body.contains(&b'+')
        || body.starts_with(b"./")
        || body.starts_with(b"../")
        || body.starts_with(b"~/");
    let file = [
        &b".pem"[..],
        b".key",
        b".crt",
        b".cer",
        b".p12",
        b".json",
        b".txt",
        b".js",
        b".py",
        b".yaml",
        b".yml",
        b".html",
    ]
    .iter()
    .any(|end| body.ends_with(end));
    // `'key = '.$row[…]`, `"passwords#update"`
    let joined = body.starts_with(b".$")
        || body.contains(&b'/') && body.contains(&b'#') && !body.iter().any(u8::is_ascii_digit)
        // `"…_password = "+new Buffer(`: the quote closed the name's text.
        || body.trim_ascii_start().starts_with(b"+") && body.contains(&b'(');
    called || dotted || typed || path || file || joined
}
