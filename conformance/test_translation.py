"""Every SDK against every kind of provider: text, stream, two parallel tools
streamed, their round trip, a picture, structured output, thinking, an error and
a cut. `js/translation.mjs` has the same list."""

import base64
import json

import anthropic
import openai
import pytest
from conftest import KINDS, broken
from fake_newer import ENCRYPTED, TEXT, THOUGHT, WORDS
from fake_told import CITED, LIKELY, PAGE, UNLIKELY
from google.genai import errors, types

ASK = "How is the sea?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
NAMES = ["get_weather", "get_time"]
CALLED = [("get_weather", {"city": "Zürich"}), ("get_time", {"zone": "CET"})]
PIXEL = "iVBORw0KGgo="

every_kind = pytest.mark.parametrize("wire", list(KINDS))


def chat_tools():
    return [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES]


def response_tools():
    return [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in NAMES]


def message_tools():
    return [{"name": name, "input_schema": SCHEMA} for name in NAMES]


def gemini_config(**more):
    declarations = [types.FunctionDeclaration(name=name, parameters_json_schema=SCHEMA) for name in NAMES]
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(tools=[types.Tool(function_declarations=declarations)], automatic_function_calling=off, **more)


def has_picture_and_schema(upstream):
    sent = str(upstream.last().json())
    assert PIXEL in sent and str(SCHEMA) in sent


def arguments(text):
    return json.loads(text)


@every_kind
class TestChat:
    def test_text_and_stream(self, oa, wire):
        ask = {"model": f"{wire}-text", "messages": [{"role": "user", "content": ASK}]}
        answer = oa.chat.completions.create(**ask)
        assert answer.choices[0].message.content == TEXT
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.completion_tokens > 0
        chunks = list(oa.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
        assert [word for chunk in chunks if chunk.choices and (word := chunk.choices[0].delta.content)] == WORDS
        assert chunks[-1].usage.completion_tokens > 0

    def test_two_parallel_tools_streamed_and_their_round_trip(self, oa, wire, upstream):
        ask = {"model": f"{wire}-text", "tools": chat_tools()}
        messages = [{"role": "user", "content": ASK}]
        with oa.chat.completions.stream(**ask, messages=messages) as stream:
            message = stream.get_final_completion().choices[0].message
        assert [(call.function.name, arguments(call.function.arguments)) for call in message.tool_calls] == CALLED
        messages.append(message.to_dict())
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in message.tool_calls]
        assert oa.chat.completions.create(**ask, messages=messages).choices[0].message.content == TEXT
        assert "fine" in str(upstream.last().json())

    def test_picture_and_schema(self, oa, wire, upstream):
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
        content = [{"type": "text", "text": ASK}, picture]
        oa.chat.completions.create(model=f"{wire}-text", messages=[{"role": "user", "content": content}], response_format=form)
        has_picture_and_schema(upstream)

    def test_thinking(self, oa, wire):
        ask = {"model": f"{wire}-thinking", "reasoning_effort": "low", "messages": [{"role": "user", "content": ASK}]}
        chunks = [chunk.choices[0].delta for chunk in oa.chat.completions.create(**ask, stream=True) if chunk.choices]
        assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in chunks) == THOUGHT
        assert "".join(delta.content or "" for delta in chunks) == TEXT

    @pytest.mark.parametrize("fault,kind", [("400", openai.BadRequestError), ("529", openai.InternalServerError)])
    def test_errors(self, oa, wire, fault, kind):
        with pytest.raises(kind):
            oa.chat.completions.create(model=broken("chat", wire, fault), messages=[{"role": "user", "content": ASK}])

    @pytest.mark.parametrize("fault", ["cut", "torn", "error"])
    def test_a_broken_stream_raises(self, oa, wire, fault):
        model = broken("chat", wire, fault)
        with pytest.raises(openai.APIError):
            list(oa.chat.completions.create(model=model, messages=[{"role": "user", "content": ASK}], stream=True))


@every_kind
class TestResponses:
    def test_text_and_stream(self, oa, wire):
        answer = oa.responses.create(model=f"{wire}-text", input=ASK)
        assert (answer.output_text, answer.status) == (TEXT, "completed")
        with oa.responses.stream(model=f"{wire}-text", input=ASK) as stream:
            words = [event.delta for event in stream if event.type == "response.output_text.delta"]
            final = stream.get_final_response()
        assert (words, final.output_text) == (WORDS, TEXT)
        assert final.usage.output_tokens > 0

    def test_two_parallel_tools_streamed_and_their_round_trip(self, oa, wire):
        ask = {"model": f"{wire}-text", "tools": response_tools(), "store": False}
        items = [{"role": "user", "content": ASK}]
        with oa.responses.stream(**ask, input=items) as stream:
            calls = [item for item in stream.get_final_response().output if item.type == "function_call"]
        assert [(call.name, arguments(call.arguments)) for call in calls] == CALLED
        items += [{"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments} for call in calls]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "fine"} for call in calls]
        assert oa.responses.create(**ask, input=items).output_text == TEXT

    def test_picture_and_schema(self, oa, wire, upstream):
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
        form = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}}
        content = [{"type": "input_text", "text": ASK}, picture]
        oa.responses.create(model=f"{wire}-text", input=[{"role": "user", "content": content}], text=form)
        has_picture_and_schema(upstream)

    def test_thinking(self, oa, wire):
        with oa.responses.stream(model=f"{wire}-thinking", input=ASK, reasoning={"effort": "low", "summary": "auto"}) as stream:
            thought = [event.delta for event in stream if event.type == "response.reasoning_summary_text.delta"]
            final = stream.get_final_response()
        assert (thought, final.output_text) == ([THOUGHT], TEXT)
        assert [item.summary[0].text for item in final.output if item.type == "reasoning"] == [THOUGHT]

    @pytest.mark.parametrize("fault,kind", [("400", openai.BadRequestError), ("529", openai.InternalServerError)])
    def test_errors(self, oa, wire, fault, kind):
        with pytest.raises(kind):
            oa.responses.create(model=broken("responses", wire, fault), input=ASK)

    @pytest.mark.parametrize("fault", ["cut", "torn", "error"])
    def test_a_broken_stream_raises(self, oa, wire, fault):
        with pytest.raises(openai.APIError):
            list(oa.responses.create(model=broken("responses", wire, fault), input=ASK, stream=True))


@every_kind
class TestMessages:
    def test_text_and_stream(self, an, wire):
        ask = {"model": f"{wire}-text", "max_tokens": 99, "messages": [{"role": "user", "content": ASK}]}
        answer = an.messages.create(**ask)
        assert (answer.content[0].text, answer.stop_reason) == (TEXT, "end_turn")
        assert answer.usage.output_tokens > 0
        with an.messages.stream(**ask) as stream:
            assert list(stream.text_stream) == WORDS
            final = stream.get_final_message()
        assert final.content[0].text == TEXT
        assert final.usage.output_tokens > 0

    def test_two_parallel_tools_streamed_and_their_round_trip(self, an, wire):
        ask = {"model": f"{wire}-text", "max_tokens": 99, "tools": message_tools()}
        messages = [{"role": "user", "content": ASK}]
        with an.messages.stream(**ask, messages=messages) as stream:
            message = stream.get_final_message()
        assert message.stop_reason == "tool_use"
        assert [(block.name, block.input) for block in message.content] == CALLED
        messages.append({"role": "assistant", "content": [block.to_dict() for block in message.content]})
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": "fine"} for block in message.content]
        messages.append({"role": "user", "content": results})
        assert an.messages.create(**ask, messages=messages).content[0].text == TEXT

    def test_picture_and_schema(self, an, wire, upstream):
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        content = [{"type": "text", "text": ASK}, picture]
        an.messages.create(model=f"{wire}-text", max_tokens=99, messages=[{"role": "user", "content": content}], output_config=form)
        has_picture_and_schema(upstream)

    def test_thinking(self, an, wire):
        ask = {"model": f"{wire}-thinking", "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
        with an.messages.stream(**ask, messages=[{"role": "user", "content": ASK}]) as stream:
            content = stream.get_final_message().content
        assert [block.type for block in content] == ["thinking", "text"]
        assert (content[0].thinking, content[1].text) == (THOUGHT, TEXT)

    @pytest.mark.parametrize("fault,kind", [("400", anthropic.BadRequestError), ("500", anthropic.InternalServerError)])
    def test_errors(self, an, wire, fault, kind):
        model = broken("messages", wire, fault)
        with pytest.raises(kind):
            an.messages.create(model=model, max_tokens=99, messages=[{"role": "user", "content": ASK}])

    @pytest.mark.parametrize("fault", ["cut", "torn", "error"])
    def test_a_broken_stream_raises(self, an, wire, fault):
        model = broken("messages", wire, fault)
        with pytest.raises(anthropic.APIError), an.messages.stream(
            model=model, max_tokens=99, messages=[{"role": "user", "content": ASK}]
        ) as stream:
            stream.get_final_message()

    def test_tokens_are_counted(self, an, wire):
        counted = an.messages.count_tokens(model=f"{wire}-text", messages=[{"role": "user", "content": ASK}])
        assert counted.input_tokens > 0


@every_kind
class TestGemini:
    def test_text_and_stream(self, ge, wire):
        answer = ge.models.generate_content(model=f"{wire}-text", contents=ASK)
        assert answer.text == TEXT
        parts = list(ge.models.generate_content_stream(model=f"{wire}-text", contents=ASK))
        assert [part.text for part in parts if part.text] == WORDS
        assert parts[-1].candidates[0].finish_reason == types.FinishReason.STOP
        assert parts[-1].usage_metadata.candidates_token_count > 0

    def test_two_parallel_tools_streamed_and_their_round_trip(self, ge, wire):
        ask = {"model": f"{wire}-text", "config": gemini_config()}
        parts = list(ge.models.generate_content_stream(**ask, contents=ASK))
        calls = [call for part in parts for call in part.function_calls or []]
        assert [(call.name, call.args) for call in calls] == CALLED
        answers = [types.Part.from_function_response(name=call.name, response={"output": "fine"}) for call in calls]
        contents = [
            types.Content(role="user", parts=[types.Part(text=ASK)]),
            types.Content(role="model", parts=[types.Part(function_call=call) for call in calls]),
            types.Content(role="user", parts=answers),
        ]
        for call, answer in zip(calls, answers):
            answer.function_response.id = call.id
        assert ge.models.generate_content(**ask, contents=contents).text == TEXT

    def test_picture_and_schema(self, ge, wire, upstream):
        picture = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
        config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=SCHEMA)
        ge.models.generate_content(model=f"{wire}-text", contents=[ASK, picture], config=config)
        has_picture_and_schema(upstream)

    def test_thinking(self, ge, wire):
        config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(thinking_budget=1024, include_thoughts=True))
        parts = list(ge.models.generate_content_stream(model=f"{wire}-thinking", contents=ASK, config=config))
        said = [part for chunk in parts for part in chunk.candidates[0].content.parts if part.text]
        assert "".join(part.text for part in said if part.thought) == THOUGHT
        assert "".join(part.text for part in said if not part.thought) == TEXT

    @pytest.mark.parametrize("fault,code", [("400", 400), ("529", 503)])
    def test_errors(self, ge, wire, fault, code):
        with pytest.raises(errors.APIError) as raised:
            ge.models.generate_content(model=broken("gemini", wire, fault), contents=ASK)
        assert raised.value.code == code

    @pytest.mark.parametrize("fault", ["cut", "torn", "error"])
    def test_a_broken_stream_raises(self, ge, wire, fault):
        model = broken("gemini", wire, fault)
        with pytest.raises(errors.APIError):
            list(ge.models.generate_content_stream(model=model, contents=ASK))

    def test_tokens_are_counted(self, ge, wire):
        assert ge.models.count_tokens(model=f"{wire}-text", contents=ASK).total_tokens > 0


def test_thoughts_and_their_proof_come_back_to_their_maker(oa, upstream):
    ask = {"model": "claude-thinking", "reasoning_effort": "low", "max_tokens": 4000}
    messages = [{"role": "user", "content": ASK}]
    message = oa.chat.completions.create(**ask, messages=messages).choices[0].message
    assert message.reasoning_content == "Hm."
    assert upstream.last().json()["thinking"]
    messages += [message.to_dict(), {"role": "user", "content": "And now?"}]
    oa.chat.completions.create(**ask, messages=messages)
    block = upstream.last().json()["messages"][1]["content"][0]
    assert (block["type"], block["thinking"], block["signature"]) == ("thinking", "Hm.", "EuYBCkQYAiJA+/w==")


def test_sealed_reasoning_comes_back_to_its_maker(oa, upstream):
    ask = {"model": "resp-thinking", "reasoning_effort": "low"}
    messages = [{"role": "user", "content": ASK}]
    message = oa.chat.completions.create(**ask, messages=messages).choices[0].message
    messages += [message.to_dict(), {"role": "user", "content": "And now?"}]
    oa.chat.completions.create(**ask, messages=messages)
    assert upstream.last().json()["input"][1]["encrypted_content"] == ENCRYPTED


ODDS = {"chat": "chat", "resp": "resp", "gemini": "gemini"}


@pytest.mark.parametrize("wire", list(ODDS))
class TestProbabilities:
    """Where both sides tell how likely tokens were, whole and streamed."""

    def test_chat(self, oa, wire):
        ask = {"model": f"{wire}-odds", "messages": [{"role": "user", "content": ASK}], "logprobs": True, "top_logprobs": 2}
        told = oa.chat.completions.create(**ask).choices[0].logprobs.content
        assert [(token.token, token.logprob) for token in told] == LIKELY
        assert [other.token for other in told[0].top_logprobs] == [LIKELY[0][0], UNLIKELY]
        assert bytes(told[0].bytes).decode() == told[0].token
        with oa.chat.completions.stream(**ask) as stream:
            told = stream.get_final_completion().choices[0].logprobs.content
        assert [(token.token, token.logprob) for token in told] == LIKELY

    def test_responses(self, oa, wire):
        ask = {"model": f"{wire}-odds", "input": ASK, "include": ["message.output_text.logprobs"], "top_logprobs": 2}
        told = oa.responses.create(**ask).output[-1].content[0].logprobs
        assert [(token.token, token.logprob) for token in told] == LIKELY
        assert [other.token for other in told[0].top_logprobs] == [LIKELY[0][0], UNLIKELY]
        with oa.responses.stream(**ask) as stream:
            deltas = [token for event in stream if event.type == "response.output_text.delta" for token in event.logprobs]
            told = stream.get_final_response().output[-1].content[0].logprobs
        assert [(token.token, token.logprob) for token in deltas] == LIKELY
        assert [(token.token, token.logprob) for token in told] == LIKELY

    def test_gemini(self, ge, wire):
        ask = {"model": f"{wire}-odds", "contents": ASK, "config": types.GenerateContentConfig(response_logprobs=True, logprobs=2)}
        told = ge.models.generate_content(**ask).candidates[0].logprobs_result
        assert [(token.token, token.log_probability or 0) for token in told.chosen_candidates] == LIKELY
        assert [other.token for other in told.top_candidates[0].candidates] == [LIKELY[0][0], UNLIKELY]
        chunks = [chunk.candidates[0].logprobs_result for chunk in ge.models.generate_content_stream(**ask)]
        told = [token for result in chunks if result for token in result.chosen_candidates]
        assert [(token.token, token.log_probability or 0) for token in told] == LIKELY


def test_probabilities_are_refused_where_nobody_tells_them(oa, upstream):
    with pytest.raises(openai.BadRequestError) as raised:
        oa.chat.completions.create(model="claude-odds", messages=[{"role": "user", "content": ASK}], logprobs=True)
    assert raised.value.param == "logprobs"
    assert not upstream.seen


@pytest.mark.parametrize("wire", list(ODDS))
class TestCitations:
    """A source on the web, and the place in the text that it stands for."""

    def test_chat(self, oa, wire):
        ask = {"model": f"{wire}-cited", "messages": [{"role": "user", "content": ASK}]}
        (cited,) = oa.chat.completions.create(**ask).choices[0].message.annotations
        assert (cited.url_citation.url, cited.url_citation.title) == PAGE
        assert TEXT[cited.url_citation.start_index : cited.url_citation.end_index] == CITED
        deltas = [chunk.choices[0].delta for chunk in oa.chat.completions.create(**ask, stream=True) if chunk.choices]
        (cited,) = [note for delta in deltas for note in getattr(delta, "annotations", None) or []]
        assert cited["url_citation"]["url"] == PAGE[0]

    def test_responses(self, oa, wire):
        ask = {"model": f"{wire}-cited", "input": ASK}
        (cited,) = oa.responses.create(**ask).output[-1].content[0].annotations
        assert ((cited.url, cited.title), TEXT[cited.start_index : cited.end_index]) == (PAGE, CITED)
        with oa.responses.stream(**ask) as stream:
            added = [event.annotation for event in stream if event.type == "response.output_text.annotation.added"]
            (cited,) = stream.get_final_response().output[-1].content[0].annotations
        assert (len(added), cited.url) == (1, PAGE[0])

    def test_gemini(self, ge, wire):
        ask = {"model": f"{wire}-cited", "contents": ASK}
        whole = ge.models.generate_content(**ask).candidates[0].grounding_metadata
        streamed = [chunk.candidates[0].grounding_metadata for chunk in ge.models.generate_content_stream(**ask)]
        for told in (whole, streamed[-1]):
            segment = told.grounding_supports[0].segment
            assert (told.grounding_chunks[0].web.uri, told.grounding_chunks[0].web.title) == PAGE
            assert TEXT.encode()[segment.start_index or 0 : segment.end_index].decode() == CITED
