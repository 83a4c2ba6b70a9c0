"""The Anthropic SDK against an Anthropic-shaped upstream."""

import asyncio

import anthropic
import pytest
from conftest import failing
from fake_upstream import INPUT_TOKENS, OUTPUT_TOKENS, SIGNATURE, TEXT, WORDS

ASK = {"max_tokens": 256, "messages": [{"role": "user", "content": "How is the sea?"}]}
TOOLS = [
    {"name": name, "input_schema": {"type": "object", "properties": {field: {"type": "string"}}}}
    for name, field in [("get_weather", "city"), ("get_time", "zone")]
]


def test_text(an, upstream, keys):
    raw = an.messages.with_raw_response.create(model="claude-text", **ASK)
    message = raw.parse()
    assert message.content[0].text == TEXT
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (INPUT_TOKENS, 5)
    assert raw.headers["x-tollgate-provider"] == "an"
    assert upstream.last().header("x-api-key") == keys["upstream"]
    assert upstream.last().header("anthropic-version") == an.default_headers["anthropic-version"]
    assert keys["agent"] not in str(upstream.last().headers)


def test_key_as_bearer_token(gateway, keys):
    with anthropic.Anthropic(base_url=gateway.url, auth_token=keys["agent"], api_key=None, max_retries=0, timeout=20) as client:
        assert client.messages.create(model="claude-text", **ASK).content[0].text == TEXT


def test_explicit_provider(an, upstream):
    assert an.messages.create(model="an/claude-text", **ASK).model == "claude-text"
    assert upstream.last().json()["model"] == "claude-text"


def test_stream_helper(an):
    with an.messages.stream(model="claude-text", **ASK) as stream:
        assert list(stream.text_stream) == WORDS
        message = stream.get_final_message()
    assert message.usage.output_tokens == OUTPUT_TOKENS, "cumulative, not added up"
    assert message.usage.input_tokens == INPUT_TOKENS
    assert message.stop_reason == "end_turn"


def test_event_order(an):
    kinds = [event.type for event in an.messages.create(model="claude-text", stream=True, **ASK)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_events_arrive_as_they_are_sent(an, upstream):
    with an.messages.create(model="claude-held", stream=True, **ASK) as stream:
        events = iter(stream)
        assert next(events).type == "message_start"
        assert next(events).type == "content_block_start"
        assert not upstream.release.is_set(), "the upstream still holds the rest"
        upstream.release.set()
        assert list(events)[-1].type == "message_stop"


def test_thinking_keeps_its_signature(an):
    whole = an.messages.create(model="claude-thinking", **ASK)
    with an.messages.stream(model="claude-thinking", **ASK) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        assert (message.content[0].thinking, message.content[0].signature) == ("Hm.", SIGNATURE)


def test_tools_in_parallel(an):
    message = an.messages.create(model="claude-text", tools=TOOLS, **ASK)
    assert message.stop_reason == "tool_use"
    assert [(block.name, block.input) for block in message.content] == [("get_weather", {"city": "Zürich"}), ("get_time", {"zone": "CET"})]


def test_tools_streamed(an):
    with an.messages.stream(model="claude-text", tools=TOOLS, **ASK) as stream:
        message = stream.get_final_message()
    assert [(block.name, block.input) for block in message.content] == [("get_weather", {"city": "Zürich"}), ("get_time", {"zone": "CET"})]


def test_tool_round_trip(an, upstream):
    first = an.messages.create(model="claude-text", tools=TOOLS, **ASK)
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": f"result of {block.name}"} for block in first.content]
    messages = [*ASK["messages"], {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = an.messages.create(model="claude-text", max_tokens=256, tools=TOOLS, messages=messages)
    assert second.content[0].text == TEXT
    assert upstream.last().json()["messages"][2]["content"][1]["content"] == "result of get_time"


def test_count_tokens(an, upstream):
    assert an.messages.count_tokens(model="claude-text", messages=ASK["messages"]).input_tokens == INPUT_TOKENS
    assert upstream.last().target == "/v1/messages/count_tokens"


def test_async_client(gateway, keys):
    async def ask():
        async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=keys["agent"], max_retries=0, timeout=20) as client:
            return await asyncio.gather(*[client.messages.create(model="claude-text", **ASK) for _ in range(8)])

    assert [message.content[0].text for message in asyncio.run(ask())] == [TEXT] * 8


@pytest.mark.parametrize(
    ("fault", "error", "status", "kind"),
    [
        (None, anthropic.NotFoundError, 404, "not_found_error"),
        ("429", anthropic.RateLimitError, 429, "rate_limit_error"),
        ("quota", anthropic.RateLimitError, 429, "rate_limit_error"),
        ("500", anthropic.InternalServerError, None, "api_error"),
        ("529", anthropic.InternalServerError, 529, "overloaded_error"),
        ("400", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("long", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("401", anthropic.InternalServerError, None, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_sdks_own(an, keys, fault, error, status, kind, stream):
    with pytest.raises(error) as caught:
        an.messages.create(model=failing("anthropic", fault, stream) if fault else "no-such-model", stream=stream, **ASK)
    assert status in (None, caught.value.status_code)
    assert caught.value.body["type"] == "error", "the envelope is Anthropic's"
    assert caught.value.body["error"]["type"] == kind
    ours = caught.value.response.headers["x-tollgate-request-id"]
    # What is wrong with the request the provider says itself, under its own id.
    assert caught.value.body["request_id"] == ("req_fake" if fault in ("400", "long") else ours)
    assert caught.value.response.headers["x-tollgate-reason"]
    assert keys["upstream"] not in str(caught.value.body)


def test_wrong_key(an, upstream):
    with pytest.raises(anthropic.AuthenticationError) as caught:
        an.with_options(api_key="tg-00000000-wrong").messages.create(model="claude-text", **ASK)
    assert caught.value.body["error"]["type"] == "authentication_error"
    assert upstream.seen == []


def test_blocked_model(an, keys, upstream):
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        an.with_options(api_key=keys["narrow"]).messages.create(model="claude-secret", **ASK)
    assert caught.value.body["error"]["type"] == "permission_error"
    assert upstream.seen == []


@pytest.mark.parametrize("script", ["cut", "torn", "error"])
def test_a_stream_that_did_not_finish_is_an_error(an, script):
    kinds = []
    with pytest.raises(anthropic.APIError):
        for event in an.messages.create(model=failing("anthropic", script, True), stream=True, **ASK):
            kinds.append(event.type)
    assert "message_start" in kinds, "what came before is delivered"
    assert "message_stop" not in kinds
