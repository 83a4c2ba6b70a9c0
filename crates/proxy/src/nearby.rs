use tollgate_llm::Endpoint;

/// The endpoint that a caller most likely meant by a path that is none: its
/// base URL has `/v1` once too often or not at all, or the path ends in `/`.
pub(crate) fn endpoint(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    let meant = |known: &'static str| {
        let again = path.strip_prefix("/v1").is_some_and(|rest| rest == known);
        let missing = known.strip_prefix("/v1").is_some_and(|rest| rest == path);
        again || missing || known == path
    };
    Endpoint::ALL
        .into_iter()
        .map(Endpoint::path)
        .find(|known| meant(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_slips_of_a_base_url_are_known() {
        for (path, meant) in [
            ("/chat/completions", Some("/v1/chat/completions")),
            ("/v1/chat/completions/", Some("/v1/chat/completions")),
            ("/v1/v1/messages", Some("/v1/messages")),
            ("/messages/count_tokens", Some("/v1/messages/count_tokens")),
            ("/v1/chat", None),
            ("/evil/v1/messages", None),
            ("/", None),
        ] {
            assert_eq!(endpoint(path), meant, "{path}");
        }
    }
}
