"""A model that asks for one command and then says what came of it, streamed, in
the dialect that it is asked in."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What each agent calls the tool that runs commands, and its argument for them.
SHELLS = {"Bash": "command", "bash": "command", "exec_command": "cmd", "shell_command": "command"}


class Model:
    """Runs in threads of its own until `close`. `command` is what it asks for."""

    def __init__(self):
        self.command = "true"
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.model = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def call(self, tools):
        """The tool that runs commands with its arguments, where there is one."""
        name = next((name for name in tools if name in SHELLS), None)
        return name and (name, json.dumps({SHELLS[name]: self.command, "description": "tries it"}))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send("application/json", json.dumps({"object": "list", "data": []}))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answers = {"/v1/messages": messages, "/v1/chat/completions": chat, "/v1/responses": responses}
        answer = answers.get(self.path.split("?")[0])
        if answer is None or not request.get("stream"):
            return self.send("application/json", json.dumps({"input_tokens": 10}))
        events = answer(request, self.server.model)
        self.send("text/event-stream", "".join(written(event) for event in events))

    def send(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def written(event):
    if isinstance(event, str):
        return f"data: {event}\n\n"
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n"


def text_of(content):
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def messages(request, model):
    blocks = [block for message in request["messages"] if isinstance(message["content"], list) for block in message["content"]]
    came = next((text_of(block["content"]) for block in blocks if block["type"] == "tool_result"), None)
    call = came is None and model.call([tool["name"] for tool in request.get("tools", [])])
    if call:
        block = {"type": "tool_use", "id": "toolu_1", "name": call[0], "input": {}}
        delta, stop = {"type": "input_json_delta", "partial_json": call[1]}, "tool_use"
    else:
        block = {"type": "text", "text": ""}
        delta, stop = {"type": "text_delta", "text": f"came back: {came}"}, "end_turn"
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 9}}
    yield {"type": "message_stop"}


def chat(request, model):
    came = next((text_of(message["content"]) for message in request["messages"] if message["role"] == "tool"), None)
    call = came is None and model.call([tool["function"]["name"] for tool in request.get("tools", [])])
    if call:
        function = {"name": call[0], "arguments": call[1]}
        delta, finish = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}, "tool_calls"
    else:
        delta, finish = {"content": f"came back: {came}"}, "stop"
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": request["model"]}
    yield {**base, "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}]}
    yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    yield {**base, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
    yield "[DONE]"


def responses(request, model):
    items = request["input"]
    came = next((text_of(item["output"]) for item in items if item.get("type") == "function_call_output"), None)
    call = came is None and model.call([tool.get("name") for tool in request.get("tools", [])])
    if call:
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": call[0], "arguments": call[1], "status": "completed"}
    else:
        part = {"type": "output_text", "text": f"came back: {came}", "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": request["model"], "output": []}
    usage = {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15,
    }
    events = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**response, "status": "completed", "output": [item], "usage": usage}},
    ]
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}
