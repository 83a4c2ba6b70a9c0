//! What must hold of any path and query that name a model. Runs under the
//! fuzzer and, so that it is exercised on a stable compiler, in the tests of
//! `tollgate-llm`.

use tollgate_llm::{Dialect, Endpoint, read_request_at};

/// Three lines: path, query, body.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let path = lines.next().unwrap_or_default();
    let query = lines.next();
    let body = lines.next().unwrap_or("{}");
    let Some(endpoint) = Endpoint::at(path) else {
        return;
    };
    let Ok(view) = read_request_at(endpoint, path, query, body.as_bytes()) else {
        return;
    };
    let Some(upstream) = endpoint.upstream_path(path, &view.model) else {
        return;
    };
    if endpoint.dialect() != Dialect::Gemini {
        return;
    }
    // What was judged is what is asked for: one segment, the same name, and
    // nothing that a server could take for another path or a query.
    assert_eq!(upstream.split('/').count(), 4, "{upstream}");
    assert!(!upstream.contains(['?', '#', '\\', ' ']), "{upstream}");
    assert_eq!(Endpoint::at(&upstream), Some(endpoint));
    let again = read_request_at(endpoint, &upstream, None, b"{}");
    assert_eq!(again.map(|view| view.model), Ok(view.model));
}
