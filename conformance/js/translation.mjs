// Every JavaScript SDK against every kind of provider: text, stream, two parallel
// tools streamed, their round trip, a picture, structured output, thinking, an
// error and a cut. `test_javascript.py` sets the stage; `test_translation.py` has
// the same list in Python.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

const { MODULES, GATEWAY, UPSTREAM, KEY } = process.env;
const require = createRequire(`${MODULES}/package.json`);
const { default: OpenAI } = require("openai");
const { default: Anthropic } = require("@anthropic-ai/sdk");

const options = { apiKey: KEY, maxRetries: 0, timeout: 20_000 };
const oa = new OpenAI({ ...options, baseURL: `${GATEWAY}/v1` });
const an = new Anthropic({ ...options, baseURL: GATEWAY });

const ASK = "How is the sea?";
const WORDS = ["The ", "sea ", "is ", "wide."];
const TEXT = WORDS.join("");
const THOUGHT = "Hm.";
const PIXEL = "iVBORw0KGgo=";
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const NAMES = ["get_weather", "get_time"];
const CALLED = [["get_weather", { city: "Zürich" }], ["get_time", { zone: "CET" }]];

// What a caller does, in the words of its SDK.
const chat = {
  name: "js-chat",
  broken: OpenAI.APIError,
  refused: OpenAI.BadRequestError,
  user: (content) => [{ role: "user", content }],
  async text(model) {
    const answer = await oa.chat.completions.create({ model, messages: this.user(ASK) });
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.ok(answer.usage.completion_tokens > 0);
    return answer.choices[0].message.content;
  },
  async stream(model) {
    const words = [];
    for await (const chunk of await oa.chat.completions.create({ model, messages: this.user(ASK), stream: true })) {
      const word = chunk.choices[0]?.delta.content;
      if (word) words.push(word);
    }
    return words;
  },
  async tools(model) {
    const tools = NAMES.map((name) => ({ type: "function", function: { name, parameters: SCHEMA } }));
    const messages = this.user(ASK);
    const { message } = (await oa.chat.completions.stream({ model, tools, messages }).finalChatCompletion()).choices[0];
    const calls = message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
    messages.push(message, ...message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "fine" })));
    const answer = await oa.chat.completions.create({ model, tools, messages });
    return [calls, answer.choices[0].message.content];
  },
  async picture(model) {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
    await oa.chat.completions.create({ model, messages: this.user([{ type: "text", text: ASK }, image]) });
  },
  async schema(model) {
    const response_format = { type: "json_schema", json_schema: { name: "x", schema: SCHEMA, strict: true } };
    await oa.chat.completions.create({ model, messages: this.user(ASK), response_format });
  },
  async thinking(model) {
    let thought = "", text = "";
    for await (const chunk of await oa.chat.completions.create({ model, messages: this.user(ASK), reasoning_effort: "low", stream: true })) {
      thought += chunk.choices[0]?.delta.reasoning_content ?? "";
      text += chunk.choices[0]?.delta.content ?? "";
    }
    return [thought, text];
  },
};

const responses = {
  name: "js-responses",
  broken: OpenAI.APIError,
  refused: OpenAI.BadRequestError,
  async text(model) {
    const answer = await oa.responses.create({ model, input: ASK });
    assert.equal(answer.status, "completed");
    return answer.output_text;
  },
  async stream(model) {
    const words = [];
    for await (const event of await oa.responses.create({ model, input: ASK, stream: true })) {
      if (event.type === "response.output_text.delta") words.push(event.delta);
    }
    return words;
  },
  async tools(model) {
    const tools = NAMES.map((name) => ({ type: "function", name, parameters: SCHEMA, strict: false }));
    const input = [{ role: "user", content: ASK }];
    const final = await oa.responses.stream({ model, tools, input, store: false }).finalResponse();
    const calls = final.output.filter((item) => item.type === "function_call");
    for (const { call_id, name, arguments: text } of calls) input.push({ type: "function_call", call_id, name, arguments: text });
    for (const { call_id } of calls) input.push({ type: "function_call_output", call_id, output: "fine" });
    const answer = await oa.responses.create({ model, tools, input, store: false });
    return [calls.map((call) => [call.name, JSON.parse(call.arguments)]), answer.output_text];
  },
  async picture(model) {
    const image = { type: "input_image", image_url: `data:image/png;base64,${PIXEL}`, detail: "auto" };
    await oa.responses.create({ model, input: [{ role: "user", content: [{ type: "input_text", text: ASK }, image] }] });
  },
  async schema(model) {
    const format = { type: "json_schema", name: "x", schema: SCHEMA, strict: true };
    await oa.responses.create({ model, input: ASK, text: { format } });
  },
  async thinking(model) {
    let thought = "", text = "";
    for await (const event of await oa.responses.create({ model, input: ASK, reasoning: { effort: "low", summary: "auto" }, stream: true })) {
      if (event.type === "response.reasoning_summary_text.delta") thought += event.delta;
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    return [thought, text];
  },
};

const messages = {
  name: "js-messages",
  broken: Anthropic.APIError,
  refused: Anthropic.BadRequestError,
  ask: (model, content = ASK) => ({ model, max_tokens: 4000, messages: [{ role: "user", content }] }),
  async text(model) {
    const answer = await an.messages.create(this.ask(model));
    assert.equal(answer.stop_reason, "end_turn");
    return answer.content[0].text;
  },
  async stream(model) {
    const words = [];
    for await (const event of await an.messages.create({ ...this.ask(model), stream: true })) {
      if (event.type === "content_block_delta") words.push(event.delta.text);
    }
    return words;
  },
  async tools(model) {
    const ask = { ...this.ask(model), tools: NAMES.map((name) => ({ name, input_schema: SCHEMA })) };
    const { content, stop_reason } = await an.messages.stream(ask).finalMessage();
    assert.equal(stop_reason, "tool_use");
    const results = content.map((block) => ({ type: "tool_result", tool_use_id: block.id, content: "fine" }));
    ask.messages.push({ role: "assistant", content }, { role: "user", content: results });
    const answer = await an.messages.create(ask);
    return [content.map((block) => [block.name, block.input]), answer.content[0].text];
  },
  async picture(model) {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } };
    await an.messages.create(this.ask(model, [{ type: "text", text: ASK }, image]));
  },
  async schema(model) {
    await an.messages.create({ ...this.ask(model), output_config: { format: { type: "json_schema", schema: SCHEMA } } });
  },
  async thinking(model) {
    const ask = { ...this.ask(model), thinking: { type: "enabled", budget_tokens: 1024 } };
    const { content } = await an.messages.stream(ask).finalMessage();
    return [content[0].thinking, content[1].text];
  },
};

// What the provider was sent last.
async function sent() {
  const answer = await fetch(`${UPSTREAM}/last`);
  return JSON.stringify(await answer.json());
}

for (const caller of [chat, responses, messages]) {
  for (const kind of ["chat", "claude", "resp", "gemini"]) {
    const name = (what) => `${caller.name} at ${kind}: ${what}`;
    const broken = (fault) => `${caller.name}-${kind}-${fault}/${kind}-${fault}`;
    test(name("text"), async () => assert.equal(await caller.text(`${kind}-text`), TEXT));
    test(name("stream"), async () => assert.deepEqual(await caller.stream(`${kind}-text`), WORDS));
    test(name("two parallel tools streamed, and their round trip"), async () => {
      assert.deepEqual(await caller.tools(`${kind}-text`), [CALLED, TEXT]);
      assert.ok((await sent()).includes("fine"));
    });
    test(name("image"), async () => {
      await caller.picture(`${kind}-text`);
      assert.ok((await sent()).includes(PIXEL));
    });
    test(name("structured output"), async () => {
      await caller.schema(`${kind}-text`);
      assert.ok((await sent()).includes(JSON.stringify(SCHEMA)));
    });
    test(name("thinking"), async () => assert.deepEqual(await caller.thinking(`${kind}-thinking`), [THOUGHT, TEXT]));
    test(name("error"), () => assert.rejects(caller.text(broken("400")), caller.refused));
    for (const fault of ["cut", "torn", "error"]) {
      test(name(`stream with ${fault}`), () => assert.rejects(caller.stream(broken(fault)), caller.broken));
    }
  }
}
