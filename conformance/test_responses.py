"""The OpenAI SDK's Responses API against an OpenAI-shaped upstream."""

import openai
import pytest
from conftest import failing
from fake_newer import CACHED_TOKENS, ENCRYPTED, INPUT_TOKENS, OUTPUT_TOKENS, TEXT, THOUGHT_TOKENS, WORDS

ASK = {"input": "How is the sea?"}
TOOLS = [
    {"type": "function", "name": name, "strict": False, "parameters": {"type": "object", "properties": {field: {"type": "string"}}}}
    for name, field in [("get_weather", "city"), ("get_time", "zone")]
]


def test_text(oa, upstream, keys):
    raw = oa.responses.with_raw_response.create(model="gpt-text", **ASK)
    response = raw.parse()
    assert response.output_text == TEXT
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (INPUT_TOKENS, CACHED_TOKENS)
    assert response.usage.output_tokens_details.reasoning_tokens == THOUGHT_TOKENS
    assert response.vendor_field == 1.0, "fields that nobody knows pass"
    assert response.output[0].encrypted_content == ENCRYPTED
    assert raw.headers["x-tollgate-provider"] == "oa"
    assert upstream.last().header("authorization") == f"Bearer {keys['upstream']}"
    assert keys["agent"] not in str(upstream.last().headers)


@pytest.mark.parametrize("model", ["oa/gpt-text", "fast"])
def test_names_resolve(oa, upstream, model):
    assert oa.responses.create(model=model, **ASK).output_text == TEXT
    assert upstream.last().json()["model"] == "gpt-text"


def test_every_event_passes(oa):
    events = list(oa.responses.create(model="gpt-text", stream=True, **ASK))
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == WORDS
    assert "response.event_of_tomorrow" in {event.type for event in events}
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage.output_tokens == OUTPUT_TOKENS


def test_stream_helper_adds_up(oa):
    with oa.responses.stream(model="gpt-text", **ASK) as stream:
        kinds = {event.type for event in stream}
        response = stream.get_final_response()
    assert "response.output_text.done" in kinds
    assert response.output_text == TEXT


def test_events_arrive_as_they_are_sent(oa, upstream):
    with oa.responses.create(model="gpt-held", stream=True, **ASK) as stream:
        events = iter(stream)
        assert next(events).type == "response.created"
        assert not upstream.release.is_set(), "the upstream still holds the rest"
        upstream.release.set()
        assert list(events)[-1].type == "response.completed"


def test_an_incomplete_response_is_an_answer(oa):
    response = oa.responses.create(model="gpt-short", max_output_tokens=16, **ASK)
    assert response.incomplete_details.reason == "max_output_tokens"
    events = list(oa.responses.create(model="gpt-short", stream=True, **ASK))
    assert events[-1].type == "response.incomplete"


def test_tools_in_parallel_and_their_results(oa, upstream):
    first = oa.responses.create(model="gpt-text", tools=TOOLS, **ASK)
    calls = [item for item in first.output if item.type == "function_call"]
    assert [(call.name, call.arguments) for call in calls] == [("get_weather", '{"city":"Zürich"}'), ("get_time", '{"zone":"CET"}')]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "18"} for call in calls]
    history = [{"role": "user", "content": "How is the sea?"}, *first.output, *results]
    second = oa.responses.create(model="gpt-text", input=history, tools=TOOLS)
    assert second.output_text == TEXT
    sent = upstream.last().json()["input"]
    assert sent[1]["encrypted_content"] == ENCRYPTED
    assert sent[-1]["output"] == "18"


def test_tools_streamed(oa):
    arguments = {}
    for event in oa.responses.create(model="gpt-text", tools=TOOLS, stream=True, **ASK):
        if event.type == "response.function_call_arguments.delta":
            arguments[event.output_index] = arguments.get(event.output_index, "") + event.delta
    assert arguments == {1: '{"city":"Zürich"}', 2: '{"zone":"CET"}'}


def test_tools_of_every_kind_pass(oa, upstream):
    tools = [{"type": "custom", "name": "patch"}, {"type": "web_search"}, {"type": "tool_search"}, {"type": "tool_of_tomorrow", "x": [1]}]
    oa.responses.create(model="gpt-text", tools=tools, **ASK)
    assert upstream.last().json()["tools"] == tools


def test_counting_input(oa):
    assert oa.responses.input_tokens.count(model="gpt-text", input="x").input_tokens == INPUT_TOKENS


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
        ("401", openai.InternalServerError, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_sdks_own(oa, keys, fault, error, status, stream):
    with pytest.raises(error) as caught:
        oa.responses.create(model=failing("responses", fault, stream) if fault else "no-such-model", stream=stream, **ASK)
    assert status in (None, caught.value.status_code)
    assert caught.value.message and caught.value.type
    assert keys["upstream"] not in str(caught.value.body)


@pytest.mark.parametrize("script", ["cut", "torn", "error"])
def test_a_stream_that_did_not_finish_is_an_error(oa, script):
    stream = oa.responses.create(model=failing("responses", script, True), stream=True, **ASK)
    kinds = []
    with pytest.raises(openai.APIError) as caught:
        for event in stream:
            kinds.append(event.type)
    assert kinds[0] == "response.created", "what came before is delivered"
    assert "response.completed" not in kinds
    assert caught.value.message


def test_a_response_that_failed_says_so(oa):
    events = list(oa.responses.create(model="oa/gpt-failed", stream=True, **ASK))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.code == "server_error"


def test_stored_responses_are_refused_with_a_hint(oa):
    with pytest.raises(openai.InternalServerError, match="store"):
        oa.responses.retrieve("resp_1")
    with pytest.raises(openai.BadRequestError, match="background"):
        oa.responses.create(model="gpt-text", background=True, **ASK)
