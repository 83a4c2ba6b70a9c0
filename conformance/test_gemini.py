"""The google-genai SDK against a Gemini-shaped upstream."""

import json

import pytest
from conftest import failing, gemini
from fake_newer import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, SIGNATURE, TEXT, THOUGHT_TOKENS, WORDS
from google.genai import errors, types

ASK = "How is the sea?"
TOOLS = types.Tool(function_declarations=[
    types.FunctionDeclaration(name=name, parameters=types.Schema(type="OBJECT", properties={field: types.Schema(type="STRING")}))
    for name, field in [("get_weather", "city"), ("get_time", "zone")]
])
CONFIG = types.GenerateContentConfig(tools=[TOOLS], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))


def test_text(ge, upstream, keys):
    answer = ge.models.generate_content(model="gemini-text", contents=ASK)
    assert answer.text == TEXT
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (INPUT_TOKENS, CACHED_TOKENS)
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (OUTPUT_TOKENS, THOUGHT_TOKENS)
    assert answer.sdk_http_response.headers["x-tollgate-provider"] == "ge"
    seen = upstream.last()
    assert seen.target == "/v1beta/models/gemini-text:generateContent"
    assert seen.header("x-goog-api-key") == keys["upstream"]
    assert keys["agent"] not in str(seen.headers) + seen.target


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_names_and_versions(gateway, keys, upstream, version):
    client = gemini(gateway, keys["agent"], version)
    for model in ("gemini-text", "models/gemini-text", "models/ge/gemini-text"):
        assert client.models.generate_content(model=model, contents=ASK).text == TEXT
        assert upstream.last().target == f"/{version}/models/gemini-text:generateContent"


def test_stream(ge):
    parts = list(ge.models.generate_content_stream(model="gemini-text", contents=ASK))
    assert [part.text for part in parts if part.text] == WORDS
    assert parts[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert parts[-1].usage_metadata.candidates_token_count == OUTPUT_TOKENS


def test_events_arrive_as_they_are_sent(ge, upstream):
    parts = ge.models.generate_content_stream(model="gemini-held", contents=ASK)
    assert next(parts).text == WORDS[0]
    assert not upstream.release.is_set(), "the upstream still holds the rest"
    upstream.release.set()
    assert list(parts)[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_stream_as_an_array(http, keys):
    """As plain HTTP clients ask, with the key in the query."""
    body = {"contents": [{"parts": [{"text": ASK}]}]}
    path = "/v1beta/models/gemini-text:streamGenerateContent"
    answer = http.post(f"{path}?key={keys['agent']}", json=body)
    assert answer.headers["content-type"].startswith("application/json")
    texts = [part["candidates"][0]["content"]["parts"][0]["text"] for part in answer.json()]
    assert "".join(texts) == TEXT


def test_tools_and_their_results(ge, upstream):
    first = ge.models.generate_content(model="gemini-text", contents=ASK, config=CONFIG)
    assert [(call.name, call.args) for call in first.function_calls] == [("get_weather", {"city": "Zürich"}), ("get_time", {"zone": "CET"})]
    results = [types.Part.from_function_response(name=call.name, response={"result": "18"}) for call in first.function_calls]
    question = types.Content(role="user", parts=[types.Part(text=ASK)])
    history = [question, first.candidates[0].content, types.Content(role="user", parts=results)]
    second = ge.models.generate_content(model="gemini-text", contents=history, config=CONFIG)
    assert second.text == TEXT
    sent = upstream.last().json()["contents"]
    assert sent[1]["parts"][0]["thoughtSignature"] == SIGNATURE, "signatures come back as they were"
    assert sent[2]["parts"][1]["functionResponse"]["response"] == {"result": "18"}


def test_tools_streamed(ge):
    parts = ge.models.generate_content_stream(model="gemini-text", contents=ASK, config=CONFIG)
    calls = [call for part in parts for call in part.function_calls or []]
    assert [call.name for call in calls] == ["get_weather", "get_time"]


def test_counting_and_embedding(ge, upstream):
    assert ge.models.count_tokens(model="gemini-text", contents=ASK).total_tokens == INPUT_TOKENS
    embedded = ge.models.embed_content(model="ge/text-embedding-004", contents=["sea", "sky"]).embeddings
    assert [embedding.values for embedding in embedded] == [[0.25, -0.5, 1.0]] * 2
    assert {request["model"] for request in upstream.last().json()["requests"]} == {"models/text-embedding-004"}


def test_a_blocked_prompt_is_an_answer(ge):
    answer = ge.models.generate_content(model="gemini-blocked", contents=ASK)
    assert answer.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    parts = list(ge.models.generate_content_stream(model="gemini-blocked", contents=ASK))
    assert parts[-1].prompt_feedback.block_reason == types.BlockedReason.SAFETY


def test_models(ge):
    names = {model.name for model in ge.models.list()}
    assert "models/gemini-text" in names and "models/fast" in names
    assert ge.models.get(model="gemini-text").name == "models/gemini-text"


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (None, errors.ClientError, 404),
        ("429", errors.ClientError, 429),
        ("quota", errors.ClientError, 429),
        ("500", errors.ServerError, None),
        ("529", errors.ServerError, 503),
        ("400", errors.ClientError, 400),
        ("long", errors.ClientError, 400),
        ("401", errors.ServerError, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_sdks_own(ge, keys, fault, error, status, stream):
    model = failing("gemini", fault, stream) if fault else "no-such-model"
    with pytest.raises(error) as caught:
        if stream:
            list(ge.models.generate_content_stream(model=model, contents=ASK))
        else:
            ge.models.generate_content(model=model, contents=ASK)
    assert status in (None, caught.value.code)
    assert caught.value.message and caught.value.status
    assert keys["upstream"] not in json.dumps(caught.value.details)


@pytest.mark.parametrize("script", ["cut", "torn", "error"])
def test_a_stream_that_did_not_finish_is_an_error(ge, script):
    stream = ge.models.generate_content_stream(model=failing("gemini", script, True), contents=ASK)
    words = []
    with pytest.raises(errors.APIError):
        for part in stream:
            words.append(part.text)
    assert words[0] == WORDS[0], "what came before is delivered"


def test_wrong_key_and_blocked_model(gateway, keys, upstream):
    wrong, narrow = gemini(gateway, "tg-00000000-wrong"), gemini(gateway, keys["narrow"])
    with pytest.raises(errors.ClientError) as caught:
        wrong.models.generate_content(model="gemini-text", contents=ASK)
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    with pytest.raises(errors.ClientError) as caught:
        narrow.models.generate_content(model="gemini-secret", contents=ASK)
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED")
    assert upstream.seen == []
