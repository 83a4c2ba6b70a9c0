"""The OpenAI SDK against an OpenAI-shaped upstream."""

import asyncio

import openai
import pytest
from conftest import failing
from fake_upstream import INPUT_TOKENS, OUTPUT_TOKENS, TEXT, WORDS

ASK = [{"role": "user", "content": "How is the sea?"}]
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {field: {"type": "string"}}}}}
    for name, field in [("get_weather", "city"), ("get_time", "zone")]
]


def test_text(oa, upstream, keys):
    raw = oa.chat.completions.with_raw_response.create(model="gpt-text", messages=ASK)
    answer = raw.parse()
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == INPUT_TOKENS + OUTPUT_TOKENS
    assert answer.vendor_field == 1.0, "fields that nobody knows pass"
    assert raw.headers["x-tollgate-provider"] == "oa"
    assert raw.headers["x-tollgate-model"] == "gpt-text"
    assert raw.headers["x-tollgate-attempts"] == "1"
    assert raw.headers["x-tollgate-request-id"]
    assert keys["upstream"] not in str(raw.headers)
    assert upstream.last().header("authorization") == f"Bearer {keys['upstream']}"
    assert keys["agent"] not in str(upstream.last().headers)


@pytest.mark.parametrize("model", ["oa/gpt-text", "fast"])
def test_names_resolve(oa, upstream, model):
    assert oa.chat.completions.create(model=model, messages=ASK).choices[0].message.content == TEXT
    assert upstream.last().json()["model"] == "gpt-text"


def test_stream_without_usage_asked(oa, upstream):
    chunks = list(oa.chat.completions.create(model="gpt-text", messages=ASK, stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content] == WORDS
    assert all(chunk.choices and chunk.usage is None for chunk in chunks), "usage was not asked for"
    assert upstream.last().json()["stream_options"] == {"include_usage": True}, "but it is wanted for the books"


def test_stream_with_usage_asked(oa):
    chunks = list(oa.chat.completions.create(model="gpt-text", messages=ASK, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == OUTPUT_TOKENS
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_stream_without_any_usage_upstream(oa):
    chunks = list(oa.chat.completions.create(model="gpt-nousage", messages=ASK, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_events_arrive_as_they_are_sent(oa, upstream):
    with oa.chat.completions.create(model="gpt-held", messages=ASK, stream=True) as stream:
        chunks = iter(stream)
        assert next(chunks).choices[0].delta.role == "assistant"
        assert next(chunks).choices[0].delta.content == WORDS[0]
        assert not upstream.release.is_set(), "the upstream still holds the rest"
        upstream.release.set()
        assert list(chunks)[-1].choices[0].finish_reason == "stop"


def test_tools_in_parallel(oa):
    message = oa.chat.completions.create(model="gpt-text", messages=ASK, tools=TOOLS).choices[0].message
    calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls]
    assert calls == [("call_weather", "get_weather", '{"city":"Zürich"}'), ("call_time", "get_time", '{"zone":"CET"}')]


def test_tools_streamed(oa):
    calls = {}
    for chunk in oa.chat.completions.create(model="gpt-text", messages=ASK, tools=TOOLS, stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            known = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
            known["arguments"] += call.function.arguments or ""
    assert [calls[index]["name"] for index in (0, 1)] == ["get_weather", "get_time"]
    assert [calls[index]["arguments"] for index in (0, 1)] == ['{"city":"Zürich"}', '{"zone":"CET"}']


def test_stream_helper_adds_up(oa):
    with oa.chat.completions.stream(model="gpt-text", messages=ASK, tools=TOOLS) as stream:
        kinds = {event.type for event in stream}
        message = stream.get_final_completion().choices[0].message
    assert "tool_calls.function.arguments.done" in kinds
    assert [call.function.name for call in message.tool_calls] == ["get_weather", "get_time"]


def test_tool_round_trip(oa, upstream):
    first = oa.chat.completions.create(model="gpt-text", messages=ASK, tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"} for call in first.tool_calls]
    second = oa.chat.completions.create(model="gpt-text", messages=[*ASK, first, *results], tools=TOOLS)
    assert second.choices[0].message.content == TEXT
    sent = upstream.last().json()["messages"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == '{"city":"Zürich"}'
    assert sent[3]["content"] == "result of get_time"


def test_completions_and_embeddings(oa):
    assert oa.completions.create(model="gpt-text", prompt="The sea").choices[0].text == TEXT
    pieces = oa.completions.create(model="gpt-text", prompt="The sea", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == TEXT
    assert oa.embeddings.create(model="emb-small", input="sea").data[0].embedding == [0.25, -0.5, 1.0]
    assert oa.embeddings.create(model="emb-small", input="sea", encoding_format="float").data[0].embedding == [0.25, -0.5, 1.0]


def test_async_client(gateway, keys):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=keys["agent"], max_retries=0, timeout=20) as client:
            streams = await asyncio.gather(*[client.chat.completions.create(model="gpt-text", messages=ASK, stream=True) for _ in range(8)])
            return [[chunk.choices[0].delta.content async for chunk in stream] for stream in streams]

    for words in asyncio.run(ask()):
        assert [word for word in words if word] == WORDS


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (None, openai.NotFoundError, 404),
        ("429", openai.RateLimitError, 429),
        ("quota", openai.RateLimitError, 429),
        ("500", openai.InternalServerError, None),
        ("529", openai.InternalServerError, 503),
        ("400", openai.BadRequestError, 400),
        ("long", openai.BadRequestError, 400),
        # the provider's refusal of the gateway's key is not the caller's
        ("401", openai.InternalServerError, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_sdks_own(oa, keys, fault, error, status, stream):
    with pytest.raises(error) as caught:
        oa.chat.completions.create(model=failing("openai", fault, stream) if fault else "no-such-model", messages=ASK, stream=stream)
    assert status in (None, caught.value.status_code)
    assert caught.value.message
    assert caught.value.type, "the envelope is OpenAI's"
    assert caught.value.response.headers["x-tollgate-reason"]
    assert keys["upstream"] not in str(caught.value.body)


def test_unknown_model_names_its_parameter(oa):
    with pytest.raises(openai.NotFoundError) as caught:
        oa.chat.completions.create(model="gtp-text", messages=ASK)
    assert caught.value.param == "model"
    assert "gpt-text" in str(caught.value), "the nearest name is suggested"


def test_wrong_key(oa, upstream):
    with pytest.raises(openai.AuthenticationError):
        oa.with_options(api_key="tg-00000000-wrong").chat.completions.create(model="gpt-text", messages=ASK)
    assert upstream.seen == []


def test_blocked_model(oa, keys, upstream):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        oa.with_options(api_key=keys["narrow"]).chat.completions.create(model="gpt-secret", messages=ASK)
    assert caught.value.response.headers["x-tollgate-reason"] == "policy_denied"
    assert upstream.seen == []


def test_bad_request(oa):
    with pytest.raises(openai.BadRequestError) as caught:
        oa.chat.completions.create(model="gpt-text", messages=ASK, stream=True, extra_body={"stream": "yes"})
    assert caught.value.param == "stream"


@pytest.mark.parametrize("script", ["cut", "torn", "error"])
def test_a_stream_that_did_not_finish_is_an_error(oa, script):
    stream = oa.chat.completions.create(model=failing("openai", script, True), messages=ASK, stream=True)
    words = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            words.append(chunk.choices[0].delta.content)
    assert WORDS[0] in words, "what came before is delivered"
