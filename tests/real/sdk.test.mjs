// AWS's JavaScript SDK against the emulator: what it parses, it parses as from Lambda.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";

import { emulator, functions, python, require } from "./program.mjs";

const {
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  InvalidRequestContentException,
  LambdaClient,
  RequestTooLargeException,
  ResourceNotFoundException,
} = require("@aws-sdk/client-lambda");

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "right" };
const text = (bytes) => Buffer.from(bytes).toString();

describe("@aws-sdk/client-lambda", () => {
  let running, client;
  const connect = (pair) =>
    new LambdaClient({ endpoint: running.endpoint, region: "us-east-1", credentials: pair, maxAttempts: 1 });
  const invoke = (FunctionName, event, more = {}) =>
    client.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event), ...more }));

  before(async () => {
    running = await emulator(`
lambridge: 1
emulator:
  address: 127.0.0.1:0
  credentials: { access_key_id: ${credentials.accessKeyId}, secret_access_key: ${credentials.secretAccessKey} }
functions:
  echo:
    run: { command: ${python} -m awslambdaric functions.echo, dir: ${functions} }
  fail:
    run: { command: ${python} -m awslambdaric functions.fail, dir: ${functions}, timeout: 1s }
  stream:
    run: { command: ${python} streaming.py, dir: ${functions} }
`);
    client = connect(credentials);
  });
  after(() => {
    client?.destroy();
    running?.stop();
  });

  test("sync", async () => {
    const answer = await invoke("echo", { text: "grüße" });
    assert.equal(answer.StatusCode, 200);
    assert.equal(answer.ExecutedVersion, "$LATEST");
    assert.equal(answer.FunctionError, undefined);
    const payload = JSON.parse(text(answer.Payload));
    assert.deepEqual(payload.event, { text: "grüße" });
    assert.equal(payload.request_id, answer.$metadata.requestId);
  });

  test("a streamed answer, piece by piece", { timeout: 30_000 }, async () => {
    const gate = createServer().listen(0, "127.0.0.1");
    await once(gate, "listening");
    const arrived = once(gate, "connection");
    try {
      const event = { meet: `127.0.0.1:${gate.address().port}` };
      const command = new InvokeWithResponseStreamCommand({ FunctionName: "stream", Payload: JSON.stringify(event) });
      const answer = await client.send(command);
      assert.equal(answer.ExecutedVersion, "$LATEST");
      const pieces = [];
      let complete;
      for await (const event of answer.EventStream) {
        if (event.PayloadChunk) pieces.push(text(event.PayloadChunk.Payload));
        // The function goes on only when its first piece is here.
        if (pieces.length === 1) (await arrived)[0].end(".");
        complete = event.InvokeComplete;
      }
      assert.deepEqual(pieces, ["one", "last"]);
      assert.equal(complete.ErrorCode, undefined);
    } finally {
      gate.close();
    }
  });

  test("event and dry run", async () => {
    assert.equal((await invoke("echo", {}, { InvocationType: "Event" })).StatusCode, 202);
    assert.equal((await invoke("echo", {}, { InvocationType: "DryRun" })).StatusCode, 204);
  });

  test("log tail", async () => {
    const answer = await invoke("echo", {}, { LogType: "Tail" });
    const log = Buffer.from(answer.LogResult, "base64").toString();
    assert.match(log, /START RequestId[^]*a line of log[^]*REPORT RequestId/);
  });

  test("an ARN with a qualifier", async () => {
    const answer = await invoke("arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST", 1);
    assert.equal(JSON.parse(text(answer.Payload)).event, 1);
  });

  for (const [name, how, expect] of [
    ["function error", "raise", /no good/],
    ["timeout", "hang", /Task timed out after 1.00 seconds/],
    ["exit", "exit", /Runtime.ExitError/],
  ]) {
    test(name, async () => {
      const answer = await invoke("fail", { how });
      assert.deepEqual([answer.StatusCode, answer.FunctionError], [200, "Unhandled"]);
      assert.match(text(answer.Payload), expect);
      assert.equal(text((await invoke("fail", { how: "not" })).Payload), '"well"');
    });
  }

  test("refusals have their class", async () => {
    await assert.rejects(invoke("nobody", {}), ResourceNotFoundException);
    const noJson = new InvokeCommand({ FunctionName: "echo", Payload: "{ no json" });
    await assert.rejects(client.send(noJson), InvalidRequestContentException);
    await assert.rejects(invoke("echo", "x".repeat(6 * 1024 * 1024 + 200)), RequestTooLargeException);
  });

  test("signatures", async () => {
    for (const [pair, name] of [
      [{ ...credentials, secretAccessKey: "wrong" }, "InvalidSignatureException"],
      [{ ...credentials, accessKeyId: "AKIDSOMEBODY" }, "UnrecognizedClientException"],
    ]) {
      const other = connect(pair);
      const refused = other.send(new InvokeCommand({ FunctionName: "echo", Payload: "{}" }));
      await assert.rejects(refused, (error) => error.name === name && error.$metadata.httpStatusCode === 403);
      other.destroy();
    }
  });
});
