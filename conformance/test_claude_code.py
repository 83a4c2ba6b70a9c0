"""Requests in the shape of Claude Code's, byte for byte."""

import json

import pytest
from fake_upstream import INPUT_TOKENS

BETA = "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14"


def headers(keys):
    return {
        "authorization": f"Bearer {keys['agent']}",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": BETA,
        "anthropic-dangerous-direct-browser-access": "true",
        "content-type": "application/json",
        "user-agent": "claude-cli/2.0.0 (external, cli)",
        "x-app": "cli",
        "x-stainless-retry-count": "0",
    }


def body(stream):
    """About 80 KB, with cache marks, signatures, and spelling that a re-encoder would lose."""
    cache = '{"type":"ephemeral","ttl":"1h"}'
    system = f'[{{"type":"text","text":"You are Claude Code.","cache_control":{cache}}},{{"type":"text","text":{json.dumps("Rules. " * 7000)},"cache_control":{cache}}}]'
    tools = ",".join(
        f'{{"name":"Tool{index}","description":{json.dumps("Does a thing. " * 60)},"input_schema":{{"type":"object","properties":{{"b":{{"type":"string"}},"a":{{"type":"number","minimum":1.0e0}}}}}}}}'
        for index in range(36)
    )
    messages = (
        '[{"role":"user","content":[{"type":"text","text":"caf\\u00e9 \\/ \\ud83d\\ude00 \U0001f600"}]},'
        '{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"EuYBCkQYAiJA+/w=="},'
        '{"type":"redacted_thinking","data":"AAECAw=="},{"type":"tool_use","id":"toolu_1","name":"Tool1","input":{ }}]},'
        f'{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_1","content":"ok","cache_control":{cache}}}]}}]'
    )
    flag = "true" if stream else "false"
    text = (
        f'{{ "model" : "claude-text",\n\t"messages":{messages},"system":{system},"tools":[{tools}],'
        f'"metadata":{{"user_id":"user_1"}},"max_tokens":32000,"thinking":{{"budget_tokens":31999,"type":"enabled"}},'
        f'"unknown_field":[1,2.50,-0,1e3],"stream":{flag} }}\n'
    )
    return text.encode()


def test_the_gateway_is_probed(http):
    answer = http.head("/")
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize("stream", [True, False])
def test_messages_pass_byte_for_byte(http, upstream, keys, stream):
    sent = body(stream)
    assert len(sent) > 80_000
    answer = http.post("/v1/messages?beta=true", content=sent, headers=headers(keys))
    assert answer.status_code == 200, answer.text
    seen = upstream.last()
    assert seen.target == "/v1/messages?beta=true"
    assert seen.body == sent
    assert seen.header("anthropic-beta") == BETA
    assert seen.header("anthropic-version") == "2023-06-01"
    assert seen.header("x-app") == "cli"
    assert seen.header("x-api-key") == keys["upstream"]
    assert keys["agent"] not in str(seen.headers)
    if stream:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.text.endswith('event: message_stop\ndata: {"type": "message_stop"}\n\n')
    else:
        assert answer.json()["type"] == "message"


def test_only_the_model_changes(http, upstream, keys):
    sent = body(True).replace(b'"claude-text"', b'"an/claude-text"')
    assert http.post("/v1/messages?beta=true", content=sent, headers=headers(keys)).status_code == 200
    assert upstream.last().body == body(True)


def test_odd_queries_pass(http, upstream, keys):
    query = "/v1/messages?beta=true&x=%2F%20&empty=&y"
    assert http.post(query, content=body(False), headers=headers(keys)).status_code == 200
    assert upstream.last().target == query


def test_tokens_are_counted(http, upstream, keys):
    sent = body(False)
    answer = http.post("/v1/messages/count_tokens?beta=true", content=sent, headers=headers(keys))
    assert answer.json() == {"input_tokens": INPUT_TOKENS}
    assert upstream.last().target == "/v1/messages/count_tokens?beta=true"
    assert upstream.last().body == sent


def test_the_answer_passes_byte_for_byte(http, upstream_server, keys):
    request = {"content": body(True), "headers": {**headers(keys), "x-api-key": keys["upstream"]}}
    through = http.post("/v1/messages", content=body(True), headers=headers(keys)).content
    del request["headers"]["authorization"]
    direct = http.post(f"{upstream_server.url}/v1/messages", **request).content
    assert through == direct


@pytest.mark.parametrize("doubled", [b'"model":"claude-x"', b'"stream":false', b'"\\u006dodel":"claude-x"'])
def test_doubled_or_escaped_control_keys_are_refused(http, upstream, keys, doubled):
    sent = body(True).replace(b'"max_tokens"', doubled + b',"max_tokens"', 1)
    answer = http.post("/v1/messages?beta=true", content=sent, headers=headers(keys))
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert upstream.seen == []
