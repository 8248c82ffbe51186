// The official OpenAI client against a running Flux, with the key in OPENAI_API_KEY: node client.js <address> <scenario>.
// Exits with 0 when all is well.
import assert from "node:assert/strict";
import OpenAI from "openai";

const address = process.argv[2];
const client = new OpenAI({ baseURL: `${address}/v1`, maxRetries: 0 });
const headers = { Authorization: `Bearer ${client.apiKey}` };
const model = "default";
const messages = [{ role: "user", content: "Write me a poem" }];
// Its engine writes one letter, and no other until it is stopped.
const endless = { model: "endless", messages: [{ role: "user", content: "gate shut\n" }], stream: true };

async function begun() {
  const controller = new AbortController();
  const stream = await client.chat.completions.create(endless, { signal: controller.signal });
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  return { chunks, controller };
}

async function waiting(count) {
  for (;;) {
    const status = await fetch(`${address}/queue/status`, { headers });
    assert.equal(status.status, 200);
    if ((await status.json()).queue_length === count) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const scenarios = {
  // An engine that writes what the prompt says.
  async echo() {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: "echo by OpenAI's client\n" }],
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
    }
    assert.equal(text, "by OpenAI's client");
  },

  async chatStream() {
    const stream = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let finish;
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.notEqual(text.trim(), "");
    assert.equal(finish, "stop");
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    const whole = await client.chat.completions.create({ model, messages, temperature: 0 });
    assert.equal(whole.choices[0].message.content, text);
  },

  async chatStreamHelper() {
    const final = await client.chat.completions.stream({ model, messages, max_completion_tokens: 5 }).finalChatCompletion();
    assert.equal(final.choices[0].finish_reason, "length");
    assert.equal(final.choices[0].message.role, "assistant");
    assert.notEqual(final.choices[0].message.content, "");
  },

  async chatWhole() {
    const answer = await client.chat.completions.create({
      model,
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: [{ type: "text", text: "Write me a poem" }] },
      ],
      max_tokens: 8,
      seed: -7,
      stop: ["\n\n\n"],
      user: "somebody",
    });
    assert.match(answer.id, /^chatcmpl-/);
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.choices[0].message.role, "assistant");
    assert.ok(answer.usage.completion_tokens <= 8);
  },

  async completions() {
    const prompt = "<|im_start|>user\nWrite me a poem<|im_end|>\n<|im_start|>assistant\n";
    const options = { model, temperature: 0, max_tokens: 12 };
    const whole = await client.completions.create({ ...options, prompt });
    assert.equal(whole.object, "text_completion");
    let text = "";
    for await (const chunk of await client.completions.create({ ...options, prompt, stream: true })) {
      text += chunk.choices[0].text;
    }
    assert.equal(text, whole.choices[0].text);
    const chat = await client.chat.completions.create({ ...options, messages });
    assert.equal(text, chat.choices[0].message.content, "a raw prompt in the model's own template is that chat");
    assert.equal(chat.usage.prompt_tokens, whole.usage.prompt_tokens);
  },

  async models() {
    const names = [];
    for await (const one of await client.models.list()) {
      names.push(one.id);
    }
    assert.deepEqual(names, [model, "endless"]);
    assert.equal((await client.models.retrieve(model)).id, model);
    await assert.rejects(client.models.retrieve("none/such"), OpenAI.NotFoundError);
  },

  async jsonSchema() {
    const schema = {
      type: "object",
      properties: { ok: { type: "boolean" } },
      required: ["ok"],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model,
      messages,
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
    });
    assert.equal(typeof JSON.parse(answer.choices[0].message.content).ok, "boolean");
  },

  async abort() {
    const { chunks, controller } = await begun();
    controller.abort();
    while (!(await chunks.next()).done) {
      // what had come before
    }
    const next = await client.chat.completions.create({
      model: "endless",
      messages: [{ role: "user", content: "echo next\n" }],
    });
    assert.equal(next.choices[0].message.content, "next");
  },

  async authentication() {
    const stranger = client.withOptions({ apiKey: "none" });
    for (const asked of [stranger.models.list(), stranger.chat.completions.create({ model, messages })]) {
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof OpenAI.AuthenticationError);
        assert.equal(error.code, "invalid_api_key");
        return true;
      });
    }
  },

  async errors() {
    await assert.rejects(client.chat.completions.create({ model: "none", messages }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, "model_not_found");
      return true;
    });
    for (const stream of [false, true]) {
      await assert.rejects(client.chat.completions.create({ model, messages, stream, n: 2 }), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError);
        assert.equal(error.param, "n");
        assert.equal(error.type, "invalid_request_error");
        return true;
      });
    }
    const long = [{ role: "user", content: "word ".repeat(20000) }];
    await assert.rejects(client.chat.completions.create({ model, messages: long, stream: true }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, "context_length_exceeded");
      return true;
    });
  },

  async rateLimit() {
    const first = await begun();
    const second = new AbortController();
    const queued = client.chat.completions.create(endless, { signal: second.signal });
    queued.catch(() => {});
    await waiting(1);
    await assert.rejects(client.chat.completions.create(endless), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.ok(Number(error.headers.get("retry-after")) >= 1);
      return true;
    });
    second.abort();
    await assert.rejects(queued, OpenAI.APIUserAbortError);
    first.controller.abort();
  },
};

await scenarios[process.argv[3]]();
