"""The SDKs against the built-in demo model: what a newcomer sees first."""

import anthropic
import openai
import pytest
from conftest import gemini
from google import genai

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
def oa(demo_gateway, keys):
    with openai.OpenAI(base_url=f"{demo_gateway.url}/v1", api_key=keys["agent"], max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def an(demo_gateway, keys):
    with anthropic.Anthropic(base_url=demo_gateway.url, api_key=keys["agent"], max_retries=0, timeout=20) as client:
        yield client


def test_openai_text_and_stream(oa):
    ask = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}
    whole = oa.chat.completions.create(**ask)
    assert "demo" in whole.choices[0].message.content.lower()
    assert whole.usage.completion_tokens > 0
    chunks = list(oa.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content, "it is deterministic"
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 1, "word by word"
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_openai_tool(oa, stream):
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}]
    ask = {"model": "demo", "messages": [{"role": "user", "content": "Weather?"}], "tools": tools, "tool_choice": "required"}
    if stream:
        with oa.chat.completions.stream(**ask) as events:
            message = events.until_done().get_final_completion().choices[0].message
    else:
        message = oa.chat.completions.create(**ask).choices[0].message
    call = message.tool_calls[0]
    assert call.function.name == "get_weather"
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    second = oa.chat.completions.create(model="demo", messages=[*ask["messages"], message.model_dump(exclude_none=True), result], tools=tools)
    assert second.choices[0].message.content


def test_anthropic_text_and_stream(an):
    ask = {"model": "demo", "max_tokens": 256, "messages": [{"role": "user", "content": "hello"}]}
    whole = an.messages.create(**ask)
    assert "demo" in whole.content[0].text.lower()
    with an.messages.stream(**ask) as stream:
        words = list(stream.text_stream)
        message = stream.get_final_message()
    assert "".join(words) == whole.content[0].text
    assert len(words) > 1
    assert message.usage.output_tokens == whole.usage.output_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_tool(an, stream):
    tools = [{"name": "get_weather", "input_schema": TOOL}]
    ask = {"model": "demo", "max_tokens": 256, "messages": [{"role": "user", "content": "Weather?"}], "tools": tools, "tool_choice": {"type": "any"}}
    if stream:
        with an.messages.stream(**ask) as events:
            message = events.get_final_message()
    else:
        message = an.messages.create(**ask)
    call = next(block for block in message.content if block.type == "tool_use")
    assert call.name == "get_weather"
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}
    history = [*ask["messages"], {"role": "assistant", "content": message.content}, result]
    second = an.messages.create(model="demo", max_tokens=256, messages=history, tools=tools)
    assert second.content[0].text


def test_the_rest(oa, an):
    assert oa.embeddings.create(model="demo", input="sea").data[0].embedding
    assert oa.completions.create(model="demo", prompt="sea").choices[0].text
    assert an.messages.count_tokens(model="demo", messages=[{"role": "user", "content": "one two three"}]).input_tokens > 0
    assert "demo" in {model.id for model in oa.models.list()}


def test_responses_text_stream_and_tool(oa):
    whole = oa.responses.create(model="demo", input="hello")
    assert "demo" in whole.output_text.lower()
    with oa.responses.stream(model="demo", input="hello") as stream:
        words = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert stream.get_final_response().usage.output_tokens == whole.usage.output_tokens > 0
    assert "".join(words) == whole.output_text and len(words) > 1
    tools = [{"type": "function", "name": "get_weather", "strict": False, "parameters": TOOL}]
    with oa.responses.stream(model="demo", input="Weather?", tools=tools, tool_choice="required") as stream:
        response = stream.until_done().get_final_response()
    call = next(item for item in response.output if item.type == "function_call")
    assert (call.name, call.arguments) == ("get_weather", "{}")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    assert "sunny" in oa.responses.create(model="demo", input=[*response.output, result], tools=tools).output_text


def test_gemini_text_stream_and_tool(demo_gateway, keys):
    client = gemini(demo_gateway, keys["agent"])
    whole = client.models.generate_content(model="demo", contents="hello")
    assert "demo" in whole.text.lower()
    parts = list(client.models.generate_content_stream(model="demo", contents="hello"))
    assert "".join(part.text for part in parts) == whole.text and len(parts) > 2
    assert parts[-1].usage_metadata.candidates_token_count == whole.usage_metadata.candidates_token_count > 0
    declared = genai.types.FunctionDeclaration(name="get_weather", parameters_json_schema={**TOOL, "required": ["city"]})
    config = genai.types.GenerateContentConfig(
        tools=[genai.types.Tool(function_declarations=[declared])],
        tool_config=genai.types.ToolConfig(function_calling_config=genai.types.FunctionCallingConfig(mode="ANY")),
        automatic_function_calling=genai.types.AutomaticFunctionCallingConfig(disable=True),
    )
    for answer in (
        client.models.generate_content(model="demo", contents="Weather?", config=config),
        list(client.models.generate_content_stream(model="demo", contents="Weather?", config=config))[-2],
    ):
        assert [(call.name, call.args) for call in answer.function_calls] == [("get_weather", {"city": "demo"})]
    assert client.models.count_tokens(model="demo", contents="one two three").total_tokens == 3
    assert client.models.embed_content(model="demo", contents="sea").embeddings[0].values
