import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { anyone } from "./core/access/access.ts";
import { endpoint, type Feature } from "./core/feature.ts";
import { standardFeatures } from "./features.ts";
import { openWire } from "./platform/http/wire.testing.ts";
import type { Environment } from "./platform/settings.ts";
import { type ServeOptions, serve } from "./serve.ts";
import { startSmtpServer } from "./testing/smtp-server.ts";
import { type TestOptions, testAuth } from "./testing/test-auth.ts";

const password = "Blue-Harbour-71";
const registration = {
  ...{ email: "ada@example.org", username: "ada", password, password2: password },
  ...{ first_name: "", last_name: "" },
};

async function start(options: TestOptions = {}, serving: Partial<ServeOptions> = {}) {
  const t = await testAuth(options);
  t.clock.start();
  const { server, stop } = await serve(t.auth, { host: "127.0.0.1", port: 0, ...serving });
  const { port } = server.address() as AddressInfo;
  return { t, port, stop };
}

/** One call on a connection of its own. */
async function call(port: number, method: string, path: string, body = "") {
  const line = openWire(port);
  const headers = `Host: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  line.write(`${method} ${path} HTTP/1.1\r\n${headers}\r\n${body}`);
  const answer = await line.answer();
  line.socket.destroy();
  return answer && { ...answer, connection: answer.headers.get("connection"), json: JSON.parse(answer.body) };
}

const register = (port: number) => call(port, "POST", "/api/auth/register/", JSON.stringify(registration));

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let n = 0; n < 1000 && !(await holds()); n += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(await holds(), "it never came to that");
}

const smtpSettings = (port: number): Environment => ({
  ...{ EMAIL_BACKEND: "", EMAIL_HOST: "127.0.0.1", EMAIL_PORT: String(port) },
  DEFAULT_FROM_EMAIL: "noreply@example.org",
});

describe("a server that is told to stop", () => {
  it("says so while calls still come, answers them, and then takes none", async () => {
    const { t, port, stop } = await start({ environment: { SHUTDOWN_DELAY: "1s" } });
    const ready = () => call(port, "GET", "/_/ready/");
    assert.deepEqual([(await ready())?.status, (await ready())?.connection], [200, "keep-alive"]);
    const stopped = stop();
    const answer = await ready();
    assert.deepEqual([answer?.status, answer?.json.status, answer?.connection], [503, "stopping", "close"]);
    const health = await call(port, "GET", "/_/health/");
    assert.deepEqual([health?.status, health?.connection], [200, "close"]);
    const made = await register(port);
    assert.deepEqual([made?.status, made?.connection], [201, "close"]);
    assert.deepEqual(await stopped, []);
    assert.equal(await ready(), undefined);
    assert.equal((await t.rows("accounts")).length, 1);
    await t[Symbol.asyncDispose]();
  });

  it("waits for nobody who never asked anything", async () => {
    const { t, port, stop } = await start();
    const unborn = openWire(port);
    const idle = openWire(port);
    idle.write("GET /_/health/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert.equal((await idle.answer())?.status, 200);
    assert.deepEqual(await stop(), []);
    await Promise.all([unborn.closed(), idle.closed()]);
    await t[Symbol.asyncDispose]();
  });
});

describe("the time for a stop", () => {
  const short = { stopTime: 300 };

  it("ends the wait for calls, which are cut off", async () => {
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const held = endpoint({
      ...{ method: "get", path: "/held/", summary: "Held", access: anyone, limit: [], errors: [] },
      reply: { type: "object" },
      handle: async () => {
        begun += 1;
        await gate.promise;
        return {};
      },
    });
    const slow: Feature = { name: "slow", endpoints: [held] };
    const { t, port, stop } = await start({ features: [...standardFeatures, slow] }, short);
    const answers = [call(port, "GET", "/held/"), call(port, "GET", "/held/")];
    await until(() => begun === 2);
    assert.deepEqual(await stop(), ["2 calls", "the database's connections"]);
    assert.deepEqual(await Promise.all(answers), [undefined, undefined]);
    gate.resolve();
    await t[Symbol.asyncDispose]();
  });

  it("ends the wait for a database that does not let go", async () => {
    await using t = await testAuth();
    const gate = Promise.withResolvers<void>();
    const transaction = t.ctx.transaction(() => gate.promise);
    const auth = { ...t.auth, close: () => t.database.close() };
    const { stop } = await serve(auth, { host: "127.0.0.1", port: 0, ...short });
    // On SQLite the mail worker, too, waits for the one connection.
    assert.deepEqual(
      (await stop()).filter((one) => one !== "mail"),
      ["the database's connections"],
    );
    gate.resolve();
    await transaction;
  });

  it("ends the wait for a mail server that stalls", async () => {
    await using smtp = await startSmtpServer({ mode: { stallAt: "recipient" } });
    const { t, port, stop } = await start({ environment: smtpSettings(smtp.port) }, short);
    assert.equal((await register(port))?.status, 201);
    await until(() => smtp.envelopes.length > 0);
    assert.deepEqual(await stop(), ["mail", "the database's connections"]);
    await smtp.close();
    await t[Symbol.asyncDispose]();
  });

  it("ends the wait for a job", async () => {
    const gate = Promise.withResolvers<void>();
    let hasBegun = false;
    const run = () => {
      hasBegun = true;
      return gate.promise;
    };
    const slow: Feature = { name: "slow", jobs: [{ name: "slow", every: 1, run }] };
    const { t, stop } = await start({ features: [...standardFeatures, slow] }, short);
    await until(() => hasBegun);
    assert.deepEqual(await stop(), ["jobs", "the database's connections"]);
    gate.resolve();
    await t[Symbol.asyncDispose]();
  });

  it("covers the time for which calls are still taken", async () => {
    const { t, port, stop } = await start({ environment: { SHUTDOWN_DELAY: "15s" } }, short);
    assert.deepEqual(await stop(), ["the database's connections"]);
    assert.equal(await call(port, "GET", "/_/health/"), undefined);
    await t[Symbol.asyncDispose]();
  });
});
