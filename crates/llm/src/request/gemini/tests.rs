use bytes::Bytes;

use crate::{BadRequest, Edits, Endpoint, Framing, RequestView, read_request_at};

const PATH: &str = "/v1beta/models/google%2Fgemini-x:generateContent";

fn read(body: &str) -> Result<RequestView, BadRequest> {
    read_request_at(Endpoint::GenerateContent, PATH, None, body.as_bytes())
}

fn edited(body: &str, edits: &Edits<'_>) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let pieces = read(body).unwrap().apply(&bytes, edits);
    String::from_utf8(pieces.concat()).unwrap()
}

fn streamed(query: Option<&str>) -> Result<Framing, BadRequest> {
    let endpoint = Endpoint::StreamGenerateContent;
    let path = "/v1beta/models/x:streamGenerateContent";
    let view = read_request_at(endpoint, path, query, b"{}")?;
    assert!(view.stream);
    Ok(view.framing)
}

#[test]
fn the_path_names_the_model_and_the_body_bounds_it() {
    let view = read(r#"{"generationConfig":{"maxOutputTokens":100,"candidateCount":3}}"#).unwrap();
    assert_eq!(view.model, "google/gemini-x");
    assert_eq!(
        (view.stream, view.max_output, view.choices),
        (false, Some(100), 3)
    );
    let view =
        read(r#"{"generation_config":{"max_output_tokens":"100","candidate_count":0}}"#).unwrap();
    assert_eq!((view.max_output, view.choices), (Some(100), 1));
    let view = read(r#"{"generationConfig":null}"#).unwrap();
    assert_eq!((view.max_output, view.choices), (None, 1));
}

#[test]
fn fact_19_the_framing_stands_in_the_query() {
    assert_eq!(streamed(None), Ok(Framing::Array));
    for (query, framing) in [
        ("alt=sse", Framing::Events),
        ("x=1&%61lt=s%73e&key=tg-1", Framing::Events),
        ("$alt=sse", Framing::Events),
        ("alt=json", Framing::Array),
        ("prettyPrint=false&&", Framing::Array),
    ] {
        assert_eq!(streamed(Some(query)), Ok(framing), "{query}");
    }
    for query in [
        "alt=sse&alt=sse",
        "alt=sse&$alt=json",
        "alt=proto",
        "alt",
        "fields=candidates",
        "%66ields=x",
        "$callback=x",
        "access_token=x",
        "a=1&%zz=2",
    ] {
        assert!(streamed(Some(query)).is_err(), "{query}");
    }
}

#[test]
fn settings_are_put_where_the_body_has_its_own() {
    let edits = Edits {
        model: Some("y"),
        temperature: Some(0.5),
        max_tokens: Some(77),
        ..Edits::default()
    };
    for (before, after) in [
        (
            "{}",
            r#"{"generationConfig":{"temperature":0.5,"maxOutputTokens":77}}"#,
        ),
        (
            r#"{"contents":[] }"#,
            r#"{"contents":[] ,"generationConfig":{"temperature":0.5,"maxOutputTokens":77}}"#,
        ),
        (
            r#"{"generationConfig":null,"x":1}"#,
            r#"{"generationConfig":{"temperature":0.5,"maxOutputTokens":77},"x":1}"#,
        ),
        (
            r#"{"generation_config":{ },"x":1}"#,
            r#"{"generation_config":{"temperature":0.5,"maxOutputTokens":77 },"x":1}"#,
        ),
        (
            r#"{"generationConfig":{"seed":1},"x":1}"#,
            r#"{"generationConfig":{"temperature":0.5,"maxOutputTokens":77,"seed":1},"x":1}"#,
        ),
        (
            r#"{"generationConfig":{"temperature":0,"maxOutputTokens":null}}"#,
            r#"{"generationConfig":{"temperature":0,"maxOutputTokens":77}}"#,
        ),
        (
            r#"{"model":"models/google/gemini-x","generationConfig":{"topP":1,"max_output_tokens":5}}"#,
            r#"{"model":"models/y","generationConfig":{"topP":1,"max_output_tokens":5}}"#,
        ),
    ] {
        assert_eq!(edited(before, &edits), after);
    }
}

#[test]
fn nothing_is_set_where_nothing_is_generated() {
    let path = "/v1/models/x:countTokens";
    let body = Bytes::from_static(br#"{"contents":[]}"#);
    let view = read_request_at(Endpoint::GeminiCountTokens, path, None, &body).unwrap();
    let edits = Edits {
        model: Some("y"),
        temperature: Some(0.5),
        max_tokens: Some(77),
        ..Edits::default()
    };
    assert_eq!(view.apply(&body, &edits).concat(), body);
}

/// Attack: a second model, or a second maximum, that the provider prefers.
#[test]
fn what_says_it_twice_is_refused() {
    for (body, param) in [
        (r#"{"model":"models/other"}"#, "model"),
        (r#"{"model":7}"#, "model"),
        (
            r#"{"generationConfig":{},"generation_config":{}}"#,
            "generationConfig",
        ),
        (
            r#"{"generationConfig":{},"generationConfig":{}}"#,
            "generationConfig",
        ),
        (r#"{"GenerationConfig":{}}"#, "generationConfig"),
        (r#"{"generationConfi\u0067":{}}"#, "generationConfig"),
        (
            r#"{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":2}}"#,
            "generationConfig.maxOutputTokens",
        ),
        (
            r#"{"generationConfig":{"candidateCount":1,"candidateCount":2}}"#,
            "generationConfig.candidateCount",
        ),
        (
            r#"{"generationConfig":{"maxOutputTokens":1.5}}"#,
            "generationConfig.maxOutputTokens",
        ),
        (r#"{"generationConfig":[]}"#, "generationConfig"),
        (r#"{"contents":[],"contents":[]}"#, "contents"),
        (
            r#"{"generateContentRequest":{"model":"models/other"}}"#,
            "generateContentRequest.model",
        ),
        (
            r#"{"requests":[{},{"model":"models/other"}]}"#,
            "requests[1].model",
        ),
        (
            r#"{"requests":[{"model":"models/google/gemini-x","Model":"x"}]}"#,
            "requests[0].model",
        ),
        (r#"{"requests":{}}"#, "requests"),
        (r#"{"requests":[7]}"#, "requests[0]"),
    ] {
        assert_eq!(
            read(body).unwrap_err().param.as_deref(),
            Some(param),
            "{body}"
        );
    }
    for path in [
        "/v1/models/a%:generateContent",
        "/v1/models/:generateContent",
        "/v1/models/a%0Ab:generateContent",
    ] {
        let fault = read_request_at(Endpoint::GenerateContent, path, None, b"{}").unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("model"), "{path}");
    }
}
