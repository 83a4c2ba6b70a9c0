use http::{HeaderName, HeaderValue};

use super::*;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn fault(dialect: Dialect, status: u16, body: &str) -> ProviderFault {
    read_fault(dialect, status, &HeaderMap::new(), body.as_bytes(), NOW)
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    pairs.iter().map(pair).collect()
}

fn wait(status: u16, pairs: &[(&str, &str)]) -> Option<u64> {
    let fault = read_fault(Dialect::OpenAi, status, &headers(pairs), b"{}", NOW);
    fault
        .retry_after
        .map(|wait| u64::try_from(wait.as_millis()).unwrap())
}

/// Bodies as OpenAI, Anthropic, Azure, OpenRouter, Groq, Mistral, xAI, DeepSeek,
/// Google, vLLM, llama.cpp and Ollama shape them.
#[test]
fn answers_of_real_providers_are_understood() {
    use Dialect::{Anthropic, Gemini, OpenAi};
    use FaultClass as Class;
    let table = [
        (
            OpenAi,
            401,
            r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            Class::AuthError,
        ),
        (
            OpenAi,
            429,
            r#"{"error":{"message":"Rate limit reached for x in organization y on tokens per min (TPM)","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
            Class::RateLimit,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"message":"Unsupported parameter","type":"invalid_request_error","param":"x","code":"unsupported_parameter"}}"#,
            Class::BadRequest,
        ),
        (
            OpenAi,
            404,
            r#"{"error":{"message":"The model `x` does not exist","type":"invalid_request_error","code":"model_not_found"}}"#,
            Class::BadRequest,
        ),
        (
            OpenAi,
            403,
            r#"{"error":{"message":"Project `p` does not have access to model `m`","type":"invalid_request_error","code":"model_not_found"}}"#,
            Class::BadRequest,
        ),
        (
            OpenAi,
            403,
            r#"{"error":{"message":"Country not supported","type":"request_forbidden"}}"#,
            Class::AuthError,
        ),
        (OpenAi, 403, "", Class::AuthError),
        (
            OpenAi,
            403,
            "<!DOCTYPE html><title>Attention Required!</title>",
            Class::ServerError,
        ),
        (
            OpenAi,
            500,
            r#"{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}"#,
            Class::ServerError,
        ),
        (OpenAi, 503, "upstream connect error", Class::ServerError),
        (OpenAi, 504, "", Class::Timeout),
        (OpenAi, 524, "<html>", Class::Timeout),
        (OpenAi, 408, "", Class::Timeout),
        (OpenAi, 302, "", Class::BadAnswer),
        // Azure
        (
            OpenAi,
            429,
            r#"{"error":{"code":"429","message":"Requests have exceeded token rate limit of your current pricing tier. Please retry after 26 seconds."}}"#,
            Class::RateLimit,
        ),
        (
            OpenAi,
            401,
            r#"{"statusCode":401,"message":"Access denied due to invalid subscription key."}"#,
            Class::AuthError,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"message":"The response was filtered","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            Class::BadRequest,
        ),
        // OpenRouter
        (
            OpenAi,
            402,
            r#"{"error":{"message":"Insufficient credits","code":402}}"#,
            Class::Quota,
        ),
        (
            OpenAi,
            403,
            r#"{"error":{"message":"Input was flagged","code":403,"metadata":{"reasons":["violence"]}}}"#,
            Class::BadRequest,
        ),
        (
            OpenAi,
            403,
            r#"{"error":{"message":"Key limit exceeded (total limit)","code":403}}"#,
            Class::Quota,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"prompt is too long: 210000 tokens > 200000 maximum","provider_name":"A"}}}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            429,
            r#"{"error":{"message":"Rate limit exceeded: free-models-per-day","code":429}}"#,
            Class::Quota,
        ),
        // Groq
        (
            OpenAi,
            413,
            r#"{"error":{"message":"Request too large","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            498,
            r#"{"error":{"message":"Flex tier capacity exceeded"}}"#,
            Class::ServerError,
        ),
        // Mistral
        (
            OpenAi,
            429,
            r#"{"object":"error","message":"Requests rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#,
            Class::RateLimit,
        ),
        (
            OpenAi,
            400,
            r#"{"object":"error","message":"Prompt contains too many tokens, 40000 > 32768","type":"invalid_request_error","code":"3051"}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            422,
            r#"{"object":"error","message":{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]}}"#,
            Class::BadRequest,
        ),
        // xAI, DeepSeek
        (
            OpenAi,
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xx. You can obtain one"}"#,
            Class::AuthError,
        ),
        (
            OpenAi,
            429,
            r#"{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}"#,
            Class::Quota,
        ),
        (
            OpenAi,
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
            Class::Quota,
        ),
        // vLLM, llama.cpp, Ollama
        (
            OpenAi,
            400,
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000","type":"BadRequestError","param":null,"code":400}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_ctx":4096}}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            Class::ServerError,
        ),
        (
            OpenAi,
            500,
            r#"{"error":"the input length exceeds the context length"}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            404,
            r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}"#,
            Class::BadRequest,
        ),
        (OpenAi, 404, r#"{"detail":"Not Found"}"#, Class::BadRequest),
        // Anthropic
        (
            Anthropic,
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
            Class::AuthError,
        ),
        (
            Anthropic,
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission"}}"#,
            Class::AuthError,
        ),
        (
            Anthropic,
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate limit of 40,000 input tokens per minute"}}"#,
            Class::RateLimit,
        ),
        (
            Anthropic,
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            Class::Quota,
        ),
        (
            Anthropic,
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}}"#,
            Class::Quota,
        ),
        (
            Anthropic,
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}"#,
            Class::ContextOverflow,
        ),
        (
            Anthropic,
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"}}"#,
            Class::ContextOverflow,
        ),
        (
            Anthropic,
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            Class::ContextOverflow,
        ),
        (
            Anthropic,
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Class::ServerError,
        ),
        (
            Anthropic,
            500,
            r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#,
            Class::ServerError,
        ),
        // Google
        (
            Gemini,
            400,
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
            Class::AuthError,
        ),
        (
            Gemini,
            400,
            r#"[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed","status":"INVALID_ARGUMENT"}}]"#,
            Class::ContextOverflow,
        ),
        (
            Gemini,
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"quotaId":"GenerateRequestsPerMinutePerProject"},{"retryDelay":"17s"}]}}"#,
            Class::RateLimit,
        ),
        (
            Gemini,
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"quotaId":"GenerateRequestsPerDayPerProject"},{"retryDelay":"17s"}]}}"#,
            Class::Quota,
        ),
        (
            Gemini,
            503,
            r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
            Class::ServerError,
        ),
    ];
    for (dialect, status, body, class) in table {
        assert_eq!(fault(dialect, status, body).class, class, "{status} {body}");
    }
}

#[test]
fn fact_24_a_429_is_a_rate_or_a_quota() {
    let body = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    assert_eq!(fault(Dialect::OpenAi, 429, body).class, FaultClass::Quota);
    assert_eq!(fault(Dialect::OpenAi, 429, "").class, FaultClass::RateLimit);
    assert_eq!(
        fault(Dialect::Anthropic, 429, "slow down").class,
        FaultClass::RateLimit
    );
}

#[test]
fn fact_16_529_is_worth_another_try() {
    let fault = fault(Dialect::Anthropic, 529, "");
    assert_eq!(fault.class, FaultClass::ServerError);
    assert!(fault.class.is_retryable());
}

#[test]
fn what_an_agent_wrote_can_not_bench_a_credential() {
    let quoting = "invalid value 'Incorrect API key provided. Your credit balance is too low'";
    let body = serde_json::json!({"error": {"message": quoting}}).to_string();
    assert_eq!(
        fault(Dialect::OpenAi, 400, &body).class,
        FaultClass::BadRequest
    );
}

#[test]
fn fact_25_retry_after_is_read_in_every_form() {
    for (pairs, millis) in [
        (&[("retry-after", "7")][..], Some(7_000)),
        (&[("retry-after", "1.5")], Some(1_500)),
        (
            &[("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT")],
            Some(30_000),
        ),
        (&[("retry-after", "Tue, 14 Nov 2023 22:13:00 GMT")], Some(0)),
        (
            &[("retry-after-ms", "250"), ("retry-after", "1")],
            Some(250),
        ),
        (&[("retry-after", "86400")], Some(300_000)),
        (&[("retry-after", "-5")], None),
        (&[("retry-after", "never")], None),
        (&[("x-ratelimit-reset-requests", "6m0s")], Some(300_000)),
        (
            &[
                ("x-ratelimit-remaining-requests", "9"),
                ("x-ratelimit-reset-requests", "1m0s"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "12ms"),
            ],
            Some(12),
        ),
        (
            &[
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:25Z"),
                ("anthropic-ratelimit-input-tokens-remaining", "0"),
                (
                    "anthropic-ratelimit-input-tokens-reset",
                    "2023-11-14T22:13:40Z",
                ),
            ],
            Some(20_000),
        ),
        (&[("x-ratelimit-reset", "1700000009000")], Some(9_000)),
        (&[], None),
    ] {
        assert_eq!(wait(429, pairs), millis, "{pairs:?}");
    }
    assert_eq!(wait(503, &[("retry-after", "3")]), Some(3_000));
    // The window's reset says nothing where no limit was hit.
    assert_eq!(wait(503, &[("x-ratelimit-reset-requests", "9s")]), None);
    assert_eq!(wait(400, &[("retry-after", "3")]), None);
}

#[test]
fn hostile_waits_are_cut_or_not_taken() {
    let long = "9".repeat(400);
    for (name, value, millis) in [
        ("retry-after", "31536000", Some(300_000)),
        ("retry-after", "NaN", None),
        ("retry-after", "inf", None),
        ("retry-after", "-inf", None),
        ("retry-after", "-0.5", None),
        ("retry-after", "1e309", None),
        ("retry-after", "0x10", None),
        ("retry-after", "", None),
        ("retry-after-ms", "-250", None),
        ("retry-after-ms", "NaN", None),
        (
            "retry-after",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            Some(300_000),
        ),
        ("x-ratelimit-reset-tokens", "-6m0s", None),
        ("x-ratelimit-reset-requests", "8760h", Some(300_000)),
        (
            "anthropic-ratelimit-tokens-reset",
            "2024-11-14T22:13:20Z",
            Some(300_000),
        ),
        ("anthropic-ratelimit-tokens-reset", "-1", None),
    ] {
        assert_eq!(wait(429, &[(name, value)]), millis, "{name}: {value}");
    }
    assert!(wait(429, &[("retry-after", &long)]).is_none_or(|millis| millis <= 300_000));
}

#[test]
fn fact_25_the_words_tell_where_no_header_does() {
    for (body, millis) in [
        (
            r#"{"error":{"message":"Limit 100. Please try again in 1m2.5s. Visit"}}"#,
            62_500,
        ),
        (
            r#"{"error":{"message":"Please retry after 26 seconds."}}"#,
            26_000,
        ),
        (
            r#"{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"17s"}]}}"#,
            17_000,
        ),
    ] {
        let wait = fault(Dialect::OpenAi, 429, body).retry_after;
        assert_eq!(wait, Some(Duration::from_millis(millis)), "{body}");
    }
}

#[test]
fn messages_come_from_wherever_they_stand() {
    for (body, message) in [
        (r#"{"error":{"message":"a"}}"#, "a"),
        (r#"{"error":"b"}"#, "b"),
        (r#"{"message":"c"}"#, "c"),
        (r#"{"detail":"d"}"#, "d"),
        (r#"{"detail":[{"loc":["x"],"msg":"e"}]}"#, "e"),
        (
            r#"{"error":{"message":"Provider returned error","metadata":{"raw":"f"}}}"#,
            "Provider returned error: f",
        ),
        ("plain\ntext", "plain text"),
        (
            "<html><head><title>502 Bad Gateway</title>",
            "502 Bad Gateway",
        ),
        ("<html>", "an HTML page"),
        ("", "status 500 without a message"),
        ("[]", "status 500 without a message"),
        ("null", "status 500 without a message"),
    ] {
        assert_eq!(fault(Dialect::OpenAi, 500, body).message, message, "{body}");
    }
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x y ".repeat(100_000));
    assert!(fault(Dialect::OpenAi, 500, &long).message.len() <= 300);
}

#[test]
fn fact_23_errors_without_a_status_are_classed_by_their_words() {
    use Dialect::{Anthropic, OpenAi};
    use FaultClass as Class;
    let table = [
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
            Class::ServerError,
        ),
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#,
            Class::RateLimit,
        ),
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"timeout_error","message":"x"}}"#,
            Class::Timeout,
        ),
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"billing_error","message":"x"}}"#,
            Class::Quota,
        ),
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#,
            Class::AuthError,
        ),
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"x"}}"#,
            Class::BadRequest,
        ),
        (
            Anthropic,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"}}"#,
            Class::ContextOverflow,
        ),
        (
            OpenAi,
            r#"{"error":{"message":"x","code":429}}"#,
            Class::RateLimit,
        ),
        (
            OpenAi,
            r#"{"error":{"message":"x","code":"502"}}"#,
            Class::ServerError,
        ),
        (
            OpenAi,
            r#"{"error":{"message":"x","code":"insufficient_quota"}}"#,
            Class::Quota,
        ),
        (
            OpenAi,
            r#"{"error":{"message":"x","type":"server_error"}}"#,
            Class::ServerError,
        ),
        (OpenAi, r#"{"error":"x"}"#, Class::ServerError),
    ];
    for (dialect, raw, class) in table {
        assert_eq!(
            read_error(dialect, raw),
            (
                class,
                if raw.contains("too long") {
                    "prompt is too long"
                } else {
                    "x"
                }
                .to_owned()
            ),
            "{raw}"
        );
    }
}
