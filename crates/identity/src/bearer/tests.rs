use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    map
}

fn token(pairs: &[(&str, &str)], query: Option<&str>) -> Result<Option<String>, BearerFault> {
    bearer_token(&headers(pairs), query).map(|token| token.map(Cow::into_owned))
}

fn found(text: &str) -> Result<Option<String>, BearerFault> {
    Ok(Some(text.to_owned()))
}

#[test]
fn every_dialect_carries_it_in_its_own_place() {
    for pair in [
        ("authorization", "Bearer tg-1"),
        ("authorization", "bearer tg-1"),
        ("authorization", "BEARER   tg-1 "),
        ("x-api-key", "tg-1"),
        ("x-goog-api-key", " tg-1"),
        ("x-tollgate-key", "tg-1"),
    ] {
        assert_eq!(token(&[pair], None), found("tg-1"), "{pair:?}");
    }
    for query in [
        "key=tg-1",
        "alt=sse&key=tg-1",
        "key=tg%2D1&alt=sse",
        "k%65y=tg-1",
    ] {
        assert_eq!(token(&[], Some(query)), found("tg-1"), "{query}");
    }
}

#[test]
fn what_carries_none() {
    for pairs in [
        &[][..],
        &[("authorization", "Basic dGc6MQ==")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("x-api-key", "")],
        &[("authorization", "tg-1")],
        &[("x-tollgate-key", ""), ("x-api-key", "sk-theirs")],
    ] {
        assert_eq!(
            token(pairs, Some("beta=true&keys=tg-1&key")),
            Ok(None),
            "{pairs:?}"
        );
    }
}

#[test]
fn the_same_key_twice_is_one_and_two_keys_are_none() {
    let same = [
        ("authorization", "Bearer tg-1"),
        ("x-api-key", "tg-1"),
        ("x-goog-api-key", ""),
    ];
    assert_eq!(token(&same, Some("key=tg-1")), found("tg-1"));
    for pairs in [
        &[("authorization", "Bearer tg-1"), ("x-api-key", "tg-2")][..],
        &[
            ("authorization", "Bearer tg-1"),
            ("authorization", "Bearer tg-2"),
        ],
        &[("x-api-key", "tg-1"), ("x-goog-api-key", "tg-2")],
        &[("x-tollgate-key", "tg-1"), ("x-tollgate-key", "tg-2")],
    ] {
        assert_eq!(token(pairs, None), Err(BearerFault::Ambiguous), "{pairs:?}");
    }
    let split = token(&[("x-api-key", "tg-1")], Some("key=tg-2"));
    assert_eq!(split, Err(BearerFault::Ambiguous));
    assert_eq!(
        token(&[], Some("key=tg-1&key=tg-2")),
        Err(BearerFault::Ambiguous)
    );
}

#[test]
fn tollgates_own_header_wins_over_the_callers_credential() {
    let pairs = [
        ("x-tollgate-key", "tg-1"),
        ("authorization", "Bearer sk-theirs"),
        ("x-api-key", "other"),
    ];
    assert_eq!(token(&pairs, Some("key=third")), found("tg-1"));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for name in ["authorization", "x-api-key", "x-tollgate-key"] {
        assert_eq!(
            token(&[(name, "Bearer tg-ä")], None),
            Err(BearerFault::NotText),
            "{name}"
        );
    }
    assert_eq!(token(&[], Some("key=%ff")), Err(BearerFault::NotText));
}

#[test]
fn a_key_is_taken_out_of_the_query() {
    for (query, rest) in [
        ("key=tg-1", ""),
        ("alt=sse&key=tg-1&beta=true", "alt=sse&beta=true"),
        ("k%65y=tg-1&alt=sse", "alt=sse"),
        ("key=a&key=b", ""),
        ("beta=true&keys=1", "beta=true&keys=1"),
        ("", ""),
    ] {
        assert_eq!(query_without_key(query), rest, "{query}");
    }
}

proptest! {
    #[test]
    fn any_query_is_read_without_panic_and_its_key_never_stays(query in "[key=&%0-9a-f]{0,40}") {
        let headers = HeaderMap::new();
        let stripped = query_without_key(&query).into_owned();
        prop_assert_eq!(bearer_token(&headers, Some(&stripped)), Ok(None));
        bearer_token(&headers, Some(&query)).ok();
    }
}

#[test]
fn what_opens_the_gateway_is_never_the_callers_own_credential() {
    let own = |pairs: &[(&'static str, &'static str)], query: Option<&str>| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        callers_own(&headers, query, |token| token == "agents-own-choice")
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        own(
            &[
                ("x-tollgate-key", "tg-1"),
                ("authorization", "Bearer sk-1"),
                ("x-api-key", "sk-2")
            ],
            None
        ),
        ["authorization: Bearer sk-1", "x-api-key: sk-2"]
    );
    assert_eq!(own(&[], Some("alt=sse&key=AIza")), ["x-goog-api-key: AIza"]);
    for pair in [
        ("authorization", "Bearer tg-1"),
        ("authorization", "tg-1"),
        ("authorization", "Bearer agents-own-choice"),
        ("x-api-key", "agents-own-choice"),
        ("x-goog-api-key", ""),
    ] {
        assert_eq!(own(&[pair], Some("key=tg-2")), [""; 0], "{pair:?}");
    }
    let twice = [("x-api-key", "sk-1"), ("x-api-key", "sk-2")];
    assert_eq!(own(&twice, None), [""; 0]);
}
