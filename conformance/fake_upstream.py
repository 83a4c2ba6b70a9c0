"""Every provider's wire format on one loopback port, scripted by the model's name.

What stands behind the first `-` of the model is the script: `gpt-text`,
`claude-cut`, `gemini-429`. Everything received is kept byte for byte in `seen`.
"""

import base64
import json
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fake_newer import CALLS, GEMINI, INPUT_TOKENS, OUTPUT_TOKENS, TEXT, THOUGHT, WORDS, InputTokens, Responses, gemini_error
from fake_told import LIKELY, chat_page, openai_odds

SIGNATURE = "EuYBCkQYAiJA+/w=="
# How long a held stream waits for the test before it gives up.
PATIENCE = 20

ERRORS = {
    "400": (400, "invalid_request_error", None, "messages: at least one message is required"),
    "401": (401, "authentication_error", "invalid_api_key", "invalid x-api-key"),
    "403": (403, "permission_error", None, "this key may not use the model"),
    "429": (429, "rate_limit_error", "rate_limit_exceeded", "rate limit reached"),
    "quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota, check your billing details"),
    "500": (500, "api_error", None, "internal server error"),
    "529": (529, "overloaded_error", None, "Overloaded"),
    "long": (400, "invalid_request_error", "context_length_exceeded", "prompt is too long: 210000 tokens > 200000 maximum"),
}


@dataclass
class Seen:
    method: str
    target: str
    headers: list  # of (name, value)
    body: bytes

    def header(self, name):
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)


class FakeUpstream:
    """Runs in threads of its own until `close`."""

    def __init__(self):
        self.seen = []
        self.release = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.upstream = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def last(self):
        return self.seen[-1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/last":
            return self.whole(self.server.upstream.last().json())
        self.keep(b"")
        self.whole({"object": "list", "data": [{"id": "gpt-text", "object": "model", "created": 0, "owned_by": "fake"}]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.keep(body)
        request = json.loads(body)
        path = self.path.split("?")[0]
        if self.gemini:
            return self.answer_gemini(request, path)
        script = request["model"].split("-", 1)[-1]
        if script in ERRORS:
            return self.refuse(*ERRORS[script])
        answer = {
            "/v1/chat/completions": Chat, "/v1/messages": Messages, "/v1/completions": Completion,
            "/v1/embeddings": Embedding, "/v1/messages/count_tokens": CountTokens,
            "/v1/responses": Responses, "/v1/responses/input_tokens": InputTokens,
        }[path](request, script)
        if not request.get("stream"):
            return self.whole(answer.whole())
        self.stream(answer, script)

    def answer_gemini(self, request, path):
        model, method = path.split("/models/")[1].rsplit(":", 1)
        script = model.split("-", 1)[-1]
        if script in ERRORS:
            return self.refuse(*ERRORS[script])
        answer = GEMINI[method](request, script, model)
        if method != "streamGenerateContent":
            return self.whole(answer.whole())
        if "alt=sse" in self.path:
            return self.stream(answer, script)
        self.send_stream(answer.elements(), "application/json; charset=UTF-8", script)

    def keep(self, body):
        seen = Seen(self.command, self.path, list(self.headers.items()), body)
        self.server.upstream.seen.append(seen)

    @property
    def anthropic(self):
        return self.path.startswith("/v1/messages")

    @property
    def gemini(self):
        return "/models/" in self.path

    def whole(self, value, status=200, headers=()):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, header in [("content-type", "application/json"), ("content-length", str(len(body))), *headers]:
            self.send_header(name, header)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, kind, code, message):
        if self.gemini:
            status, body = gemini_error(status, kind, message)
        elif self.anthropic:
            body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}
        else:
            body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
        self.whole(body, status, [("retry-after", "1")] if status == 429 else [])

    def stream(self, answer, script):
        events = [event for event in answer.events()]
        if script == "cut":
            events = events[: len(events) // 2]
        if script == "torn":
            events = [*events[: len(events) // 2], None]
        if script == "error":
            events = [*events[: len(events) // 2], answer.error()]
        self.send_stream(events, "text/event-stream", script)

    def send_stream(self, events, kind, script):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        events = list(events)
        for index, event in enumerate(events):
            if event is None:
                self.close_connection = True
                return
            if script == "held" and index == len(events) // 2:
                self.server.upstream.release.wait(PATIENCE)
            data = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def event(data, name=None):
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def last_is_tool_result(request):
    last = request["messages"][-1]
    content = last.get("content")
    blocks = content if isinstance(content, list) else []
    return last["role"] == "tool" or any(block.get("type") == "tool_result" for block in blocks)


class Chat:
    def __init__(self, request, script):
        self.request = request
        self.tools = bool(request.get("tools")) and not last_is_tool_result(request)
        self.usage = script != "nousage"
        self.script = script
        self.odds = script == "odds" and request.get("logprobs") is True and request.get("top_logprobs") == 2
        self.thought = {"reasoning_content": THOUGHT} if script == "thinking" else {}

    def base(self, kind):
        return {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": self.request["model"], "vendor_field": 1.0}

    def counts(self):
        return {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS}

    def whole(self):
        message = {"role": "assistant", **self.thought, "content": TEXT}
        if self.tools:
            calls = [{"id": id, "type": "function", "function": {"name": name, "arguments": "".join(parts)}} for id, name, parts in CALLS]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        finish = "tool_calls" if self.tools else "stop"
        if self.script == "cited":
            message["annotations"] = [chat_page()]
        odds = {"content": openai_odds(LIKELY), "refusal": None} if self.odds else None
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": odds}
        return {**self.base("chat.completion"), "choices": [choice], "usage": self.counts()}

    def chunk(self, delta, finish=None, **more):
        return event({**self.base("chat.completion.chunk"), "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]})

    def events(self):
        yield self.chunk({"role": "assistant", "content": None if self.tools else ""})
        if self.tools:
            for index, (id, name, _) in enumerate(CALLS):
                function = {"name": name, "arguments": ""}
                yield self.chunk({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})
            for part in range(2):
                for index, (_, _, parts) in enumerate(CALLS):
                    yield self.chunk({"tool_calls": [{"index": index, "function": {"arguments": parts[part]}}]})
        else:
            if self.thought:
                yield self.chunk(self.thought)
            for pair in LIKELY:
                odds = {"logprobs": {"content": openai_odds([pair]), "refusal": None}} if self.odds else {}
                yield self.chunk({"content": pair[0]}, **odds)
            if self.script == "cited":
                yield self.chunk({"annotations": [chat_page()]})
        yield self.chunk({}, "tool_calls" if self.tools else "stop")
        if self.usage and (self.request.get("stream_options") or {}).get("include_usage"):
            yield event({**self.base("chat.completion.chunk"), "choices": [], "usage": self.counts()})
        yield "data: [DONE]\n\n"

    def error(self):
        return event({"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}})


class Completion(Chat):
    def __init__(self, request, script):
        super().__init__({**request, "messages": [{"role": "user"}]}, script)

    def whole(self):
        choice = {"index": 0, "text": TEXT, "finish_reason": "stop", "logprobs": None}
        return {**self.base("text_completion"), "choices": [choice], "usage": self.counts()}

    def events(self):
        for word in WORDS:
            yield event({**self.base("text_completion"), "choices": [{"index": 0, "text": word, "finish_reason": None, "logprobs": None}]})
        yield "data: [DONE]\n\n"


class Embedding:
    def __init__(self, request, _):
        self.request = request

    def whole(self):
        vector = [0.25, -0.5, 1.0]
        if self.request.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        return {"object": "list", "data": data, "model": self.request["model"], "usage": {"prompt_tokens": 3, "total_tokens": 3}}


class CountTokens:
    def __init__(self, *_):
        pass

    def whole(self):
        return {"input_tokens": INPUT_TOKENS}


class Messages:
    def __init__(self, request, script):
        self.request = request
        self.tools = bool(request.get("tools")) and not last_is_tool_result(request)
        self.thinking = script == "thinking"

    def message(self, content, stop, usage):
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": self.request["model"], "content": content,
            "stop_reason": stop, "stop_sequence": None, "usage": usage,
        }

    def usage(self, output):
        return {"input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": output}

    def whole(self):
        if self.tools:
            content = [{"type": "tool_use", "id": id, "name": name, "input": json.loads("".join(parts))} for id, name, parts in CALLS]
            return self.message(content, "tool_use", self.usage(OUTPUT_TOKENS))
        thought = [{"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE}] if self.thinking else []
        return self.message([*thought, {"type": "text", "text": TEXT}], "end_turn", self.usage(OUTPUT_TOKENS))

    def blocks(self):
        """(block as it starts, its deltas) in order."""
        if self.tools:
            return [
                ({"type": "tool_use", "id": id, "name": name, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts])
                for id, name, parts in CALLS
            ]
        text = ({"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in WORDS])
        deltas = [{"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta", "signature": SIGNATURE}]
        thought = ({"type": "thinking", "thinking": "", "signature": ""}, deltas)
        return [thought, text] if self.thinking else [text]

    def events(self):
        yield self.named(type="message_start", message=self.message([], None, self.usage(1)))
        yield self.named(type="ping")
        for index, (block, deltas) in enumerate(self.blocks()):
            yield self.named(type="content_block_start", index=index, content_block=block)
            for delta in deltas:
                yield self.named(type="content_block_delta", index=index, delta=delta)
            yield self.named(type="content_block_stop", index=index)
        stop = {"stop_reason": "tool_use" if self.tools else "end_turn", "stop_sequence": None}
        yield self.named(type="message_delta", delta=stop, usage={"output_tokens": OUTPUT_TOKENS})
        yield self.named(type="message_stop")

    def error(self):
        return self.named(type="error", error={"type": "overloaded_error", "message": "Overloaded"})

    def named(self, **data):
        return event(data, data["type"])
