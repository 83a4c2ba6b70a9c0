"""The wire formats of OpenAI's Responses and of Gemini, for `fake_upstream`."""

import json

from fake_told import LIKELY, TEXT, WORDS, gemini_odds, grounding, openai_odds, page

THOUGHT = "Hm."
CALLS = [("call_weather", "get_weather", ['{"city":', '"Zürich"}']), ("call_time", "get_time", ['{"zone":"C', 'ET"}'])]
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS, THOUGHT_TOKENS = 11, 3, 4, 2
ENCRYPTED = "gAAAAABo+/w=="
# Without `+` and `/`: the SDK itself writes those in another alphabet.
SIGNATURE = "CiQBVKhc7rMabw=="


class Responses:
    def __init__(self, request, script):
        self.request = request
        items = request["input"] if isinstance(request["input"], list) else []
        self.tools = bool(request.get("tools")) and not any(item.get("type") == "function_call_output" for item in items)
        self.script = script
        self.number = 0

    def response(self, status):
        over = status in ("completed", "incomplete")
        usage = {
            "input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
            "output_tokens": OUTPUT_TOKENS, "output_tokens_details": {"reasoning_tokens": THOUGHT_TOKENS},
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        }
        incomplete = {"reason": "max_output_tokens"} if status == "incomplete" else None
        error = {"code": "server_error", "message": "The server had an error"} if status == "failed" else None
        return {
            "id": "resp_1", "object": "response", "created_at": 1700000000, "status": status, "error": error,
            "incomplete_details": incomplete, "instructions": None, "metadata": {}, "model": self.request["model"],
            "output": self.output() if over else [], "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto",
            "tools": [], "top_p": 1.0, "usage": usage if over else None, "vendor_field": 1.0,
        }

    def reasoning(self):
        summary = [{"type": "summary_text", "text": THOUGHT}] if self.script == "thinking" else []
        return {"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": ENCRYPTED}

    def text(self, text):
        odds = openai_odds(LIKELY) if text and self.odds else []
        return {"type": "output_text", "text": text, "annotations": [page()] if text and self.script == "cited" else [], "logprobs": odds}

    @property
    def odds(self):
        asked = "message.output_text.logprobs" in self.request.get("include", []) and self.request.get("top_logprobs") == 2
        return self.script == "odds" and asked

    def message(self, status, content):
        return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}

    def call(self, id, name, status, arguments):
        return {"id": f"fc_{id}", "type": "function_call", "status": status, "call_id": id, "name": name, "arguments": arguments}

    def output(self):
        if self.tools:
            return [self.reasoning(), *[self.call(id, name, "completed", "".join(parts)) for id, name, parts in CALLS]]
        return [self.reasoning(), self.message("completed", [self.text(TEXT)])]

    def whole(self):
        return self.response({"short": "incomplete", "failed": "failed"}.get(self.script, "completed"))

    def events(self):
        yield self.named("response.created", response=self.response("in_progress"))
        yield self.named("response.in_progress", response=self.response("in_progress"))
        if self.script == "failed":
            yield self.named("response.failed", response=self.response("failed"))
            return
        yield self.named("response.output_item.added", output_index=0, item={**self.reasoning(), "summary": [], "encrypted_content": ""})
        if self.script == "thinking":
            yield from self.thought()
        yield self.named("response.output_item.done", output_index=0, item=self.reasoning())
        yield from self.called() if self.tools else self.written()
        status = "incomplete" if self.script == "short" else "completed"
        yield self.named(f"response.{status}", response=self.response(status))

    def thought(self):
        at = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
        part = {"type": "summary_text", "text": THOUGHT}
        yield self.named("response.reasoning_summary_part.added", part={**part, "text": ""}, **at)
        yield self.named("response.reasoning_summary_text.delta", delta=THOUGHT, **at)
        yield self.named("response.reasoning_summary_text.done", text=THOUGHT, **at)
        yield self.named("response.reasoning_summary_part.done", part=part, **at)

    def written(self):
        at = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
        yield self.named("response.output_item.added", output_index=1, item=self.message("in_progress", []))
        yield self.named("response.content_part.added", part=self.text(""), **at)
        for pair in LIKELY:
            odds = [{"token": odds["token"], "logprob": odds["logprob"], "top_logprobs": odds["top_logprobs"]} for odds in openai_odds([pair])]
            yield self.named("response.output_text.delta", delta=pair[0], logprobs=odds if self.odds else [], **at)
        if self.script == "cited":
            yield self.named("response.output_text.annotation.added", annotation_index=0, annotation=page(), **at)
        yield self.named("response.event_of_tomorrow", anything=[1.50], **at)
        yield self.named("response.output_text.done", text=TEXT, logprobs=[], **at)
        yield self.named("response.content_part.done", part=self.text(TEXT), **at)
        yield self.named("response.output_item.done", output_index=1, item=self.message("completed", [self.text(TEXT)]))

    def called(self):
        for index, (id, name, _) in enumerate(CALLS, 1):
            yield self.named("response.output_item.added", output_index=index, item=self.call(id, name, "in_progress", ""))
        for part in range(2):
            for index, (id, _, parts) in enumerate(CALLS, 1):
                yield self.named("response.function_call_arguments.delta", item_id=f"fc_{id}", output_index=index, delta=parts[part])
        for index, (id, name, parts) in enumerate(CALLS, 1):
            whole = "".join(parts)
            yield self.named("response.function_call_arguments.done", item_id=f"fc_{id}", output_index=index, name=name, arguments=whole)
            yield self.named("response.output_item.done", output_index=index, item=self.call(id, name, "completed", whole))

    def error(self):
        error = {"type": "server_error", "code": "server_error", "message": "The server had an error", "param": None}
        return self.named("error", error=error)

    def named(self, kind, **data):
        data = {"type": kind, "sequence_number": self.number, **data}
        self.number += 1
        return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


class InputTokens:
    def __init__(self, *_):
        pass

    def whole(self):
        return {"object": "response.input_tokens", "input_tokens": INPUT_TOKENS}


class Gemini:
    def __init__(self, request, script, model):
        self.model = model
        last = request["contents"][-1]["parts"]
        self.tools = bool(request.get("tools")) and not any("functionResponse" in part for part in last)
        self.script = script
        config = request.get("generationConfig") or {}
        self.odds = script == "odds" and config.get("responseLogprobs") is True and config.get("logprobs") == 2

    def part(self, parts, output, finish=None):
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
        told = [pair for pair in LIKELY if pair[0] in "".join(part.get("text", "") for part in parts)]
        if self.odds and told:
            candidate["logprobsResult"] = gemini_odds(told)
        if self.script == "cited" and finish:
            candidate["groundingMetadata"] = grounding()
        if finish:
            candidate["finishReason"] = finish
        usage = {
            "promptTokenCount": INPUT_TOKENS, "cachedContentTokenCount": CACHED_TOKENS, "candidatesTokenCount": output,
            "thoughtsTokenCount": THOUGHT_TOKENS, "totalTokenCount": INPUT_TOKENS + output + THOUGHT_TOKENS,
        }
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": self.model, "responseId": "r1"}

    def calls(self):
        calls = [{"functionCall": {"name": name, "args": json.loads("".join(parts))}} for _, name, parts in CALLS]
        return [{**calls[0], "thoughtSignature": SIGNATURE}, *calls[1:]]

    def thought(self):
        return [{"text": THOUGHT, "thought": True}] if self.script == "thinking" else []

    def whole(self):
        if self.script == "blocked":
            return {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": INPUT_TOKENS, "totalTokenCount": INPUT_TOKENS}}
        return self.part(self.calls() if self.tools else [*self.thought(), {"text": TEXT}], OUTPUT_TOKENS, "STOP")

    def parts(self):
        if self.script == "blocked":
            yield self.whole()
            return
        pieces = self.calls() if self.tools else [*self.thought(), *({"text": word} for word in WORDS)]
        for output, piece in enumerate(pieces, 1):
            yield self.part([piece], output)
        yield self.part([{"text": ""}], OUTPUT_TOKENS, "STOP")

    def events(self):
        return (self.event(part) for part in self.parts())

    def elements(self):
        for index, part in enumerate(self.parts()):
            yield ("," if index else "[") + json.dumps(part, indent=2, ensure_ascii=False) + "\r\n"
        yield "]"

    def event(self, part):
        return f"data: {json.dumps(part, ensure_ascii=False)}\r\n\r\n"

    def error(self):
        return self.event({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})


class GeminiCount:
    def __init__(self, *_):
        pass

    def whole(self):
        return {"totalTokens": INPUT_TOKENS}


class GeminiEmbedding:
    def __init__(self, request, *_):
        self.count = len(request.get("requests", [None]))
        self.batch = "requests" in request

    def whole(self):
        values = {"values": [0.25, -0.5, 1.0]}
        return {"embeddings": [values] * self.count} if self.batch else {"embedding": values}


GEMINI = {
    "generateContent": Gemini, "streamGenerateContent": Gemini, "countTokens": GeminiCount,
    "embedContent": GeminiEmbedding, "batchEmbedContents": GeminiEmbedding,
}

GEMINI_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


def gemini_error(status, kind, message):
    status = 503 if status == 529 else status
    error = {"code": status, "message": message, "status": GEMINI_STATUS[status]}
    if kind == "rate_limit_error":
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]
    return status, {"error": error}
