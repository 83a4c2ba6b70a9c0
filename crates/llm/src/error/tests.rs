use super::*;

fn error(status: u16, reason: ReasonCode) -> CallerError<'static> {
    CallerError {
        status,
        reason,
        message: "model \"x\" is not known",
        hint: None,
        param: None,
        request: RequestId::from_bytes([7; 16]),
    }
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn fact_22_error_envelopes_are_the_callers() {
    let asked = CallerError {
        hint: Some("nearest: `y`"),
        param: Some("model"),
        ..error(404, ReasonCode::UnknownModel)
    };
    assert_eq!(
        read(&error_body(Dialect::OpenAi, &asked)),
        json!({"error": {
            "message": "model \"x\" is not known\nhint: nearest: `y`",
            "type": "invalid_request_error",
            "param": "model",
            "code": "unknown_model",
        }})
    );
    assert_eq!(
        read(&error_body(Dialect::Anthropic, &asked)),
        json!({
            "type": "error",
            "error": {
                "type": "not_found_error",
                "message": "model \"x\" is not known\nhint: nearest: `y`",
            },
            "request_id": "req_07070707070707070707070707070707",
        })
    );
    assert_eq!(
        read(&error_body(Dialect::Gemini, &asked)),
        json!({"error": {
            "code": 404,
            "message": "model \"x\" is not known\nhint: nearest: `y`",
            "status": "NOT_FOUND",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "UNKNOWN_MODEL",
                "domain": "tollgate",
                "metadata": {"request": "req_07070707070707070707070707070707"},
            }],
        }})
    );
}

#[test]
fn fact_16_overload_is_529_to_anthropic_clients_and_503_to_openai_clients() {
    for status in [503, 529] {
        let error = error(status, ReasonCode::Overloaded);
        assert_eq!(error.status_in(Dialect::Anthropic), 529);
        assert_eq!(error.status_in(Dialect::OpenAi), 503);
        assert_eq!(error.status_in(Dialect::Gemini), 503);
        let body = read(&error_body(Dialect::Anthropic, &error));
        assert_eq!(body["error"]["type"], "overloaded_error");
        let body = read(&error_body(Dialect::OpenAi, &error));
        assert_eq!(body["error"]["type"], "server_error");
    }
}

#[test]
fn types_are_those_that_the_sdks_know() {
    use ReasonCode as Reason;
    let table = [
        (
            400,
            Reason::BadRequest,
            "invalid_request_error",
            "invalid_request_error",
        ),
        (
            401,
            Reason::Unauthenticated,
            "authentication_error",
            "authentication_error",
        ),
        (
            403,
            Reason::PolicyDenied,
            "permission_error",
            "permission_error",
        ),
        (
            404,
            Reason::NotFound,
            "invalid_request_error",
            "not_found_error",
        ),
        (
            408,
            Reason::SlowClient,
            "invalid_request_error",
            "timeout_error",
        ),
        (
            413,
            Reason::BodyTooLarge,
            "invalid_request_error",
            "request_too_large",
        ),
        (
            429,
            Reason::RateLimited,
            "rate_limit_error",
            "rate_limit_error",
        ),
        (
            429,
            Reason::BudgetExhausted,
            "insufficient_quota",
            "rate_limit_error",
        ),
        (
            431,
            Reason::HeadersTooLarge,
            "invalid_request_error",
            "invalid_request_error",
        ),
        (500, Reason::Internal, "server_error", "api_error"),
        (501, Reason::NotConfigured, "server_error", "api_error"),
        (502, Reason::UpstreamBadAnswer, "server_error", "api_error"),
        (
            503,
            Reason::PoolExhausted,
            "server_error",
            "overloaded_error",
        ),
        (
            504,
            Reason::UpstreamTimeout,
            "server_error",
            "timeout_error",
        ),
    ];
    for (status, reason, openai, anthropic) in table {
        let error = error(status, reason);
        let body = read(&error_body(Dialect::OpenAi, &error));
        assert_eq!(body["error"]["type"], openai, "{status}");
        assert_eq!(body["error"]["code"], reason.as_str());
        let body = read(&error_body(Dialect::Anthropic, &error));
        assert_eq!(body["error"]["type"], anthropic, "{status}");
    }
}

#[test]
fn an_agent_can_tell_that_its_conversation_is_too_long() {
    let error = error(400, ReasonCode::UpstreamContextOverflow);
    let body = read(&error_body(Dialect::OpenAi, &error));
    assert_eq!(body["error"]["code"], "context_length_exceeded");
}

#[test]
fn events_are_one_event_each_whatever_the_message_holds() {
    let error = CallerError {
        message: "two\nlines\r\n\r\nand \"quotes\"",
        ..error(502, ReasonCode::UpstreamCut)
    };
    for endpoint in Endpoint::ALL {
        let event = error_event(endpoint, &error, 7);
        let text = std::str::from_utf8(&event).unwrap();
        assert_eq!(text.matches("\n\n").count(), 1);
        assert!(text.ends_with("}\n\n") && !text.contains('\r'));
        assert_eq!(
            text.starts_with("event: error\ndata: {"),
            endpoint.dialect() == Dialect::Anthropic || endpoint == Endpoint::Responses
        );
        let (_, data) = text.trim_end().split_once("data: ").unwrap();
        assert_eq!(
            read(data.as_bytes())["error"]["message"],
            "two\nlines\r\n\r\nand \"quotes\""
        );
    }
}

#[test]
fn fact_8_the_error_of_a_response_is_numbered_and_in_both_shapes() {
    let error = error(502, ReasonCode::UpstreamCut);
    let event = error_event(Endpoint::Responses, &error, 7);
    let text = std::str::from_utf8(&event).unwrap();
    let data = text.strip_prefix("event: error\ndata: ").unwrap();
    assert_eq!(
        read(data.as_bytes()),
        json!({
            "type": "error",
            "sequence_number": 7,
            "code": "upstream_cut",
            "message": "model \"x\" is not known",
            "param": null,
            "error": {
                "message": "model \"x\" is not known",
                "type": "server_error",
                "param": null,
                "code": "upstream_cut",
            },
        })
    );
}

#[test]
fn fact_19_the_error_of_an_array_leaves_it_valid() {
    let error = error(502, ReasonCode::UpstreamCut);
    let alone = error_element(&error, true);
    assert_eq!(read(&alone)[0]["error"]["status"], "UNAVAILABLE");
    let behind = [&b"[{}"[..], &error_element(&error, false)].concat();
    assert_eq!(read(&behind)[1]["error"]["code"], 502);
}
