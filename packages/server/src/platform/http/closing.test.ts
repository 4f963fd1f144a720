import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createNodeServer, type ServerPatience } from "./node.ts";
import { createProbe, probe } from "./probe.testing.ts";
import { openWire, type Wire } from "./wire.testing.ts";

/** No limit but the one that a test is about comes to its end within the test. */
const patient: ServerPatience = {
  ...{ headers: 600_000, request: 600_000, idle: 600_000, checkEvery: 1000 },
  closing: 600_000,
};

const head = (method: string, path: string, headers = "") =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
const quick = head("GET", "/api/quick/");

async function listen(patience: ServerPatience) {
  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const { handler } = createProbe([
    probe({ method: "get", path: "/api/quick/", handle: async () => ({ status: "ok" }) }),
    probe({ body: { fields: {} } }),
    probe({
      path: "/api/slow/",
      handle: async () => {
        arrived.resolve();
        await gate.promise;
        return { status: "done" };
      },
    }),
  ]);
  const server = createNodeServer(handler, { patience, ownsProcess: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  /** A connection that the server knows of. */
  const connect = async (text = ""): Promise<Wire> => {
    const taken = once(server, "connection");
    const line = openWire(port);
    const [socket] = await taken;
    if (text === "") return line;
    line.write(text);
    while (socket.bytesRead < text.length) await new Promise((resolve) => setImmediate(resolve));
    return line;
  };
  const holdCall = async () => {
    const line = await connect(head("POST", "/api/slow/", "Content-Length: 0\r\n"));
    await arrived.promise;
    return line;
  };
  return { server, connect, holdCall, release: gate.resolve };
}

describe("a server that closes", () => {
  it("ends at once what nothing was ever asked on, and what was answered before", async () => {
    const { server, connect } = await listen(patient);
    const unborn = await connect();
    const idle = await connect(quick);
    assert.equal((await idle.answer())?.headers.get("connection"), "keep-alive");
    const closed = once(server, "close");
    server.close();
    await Promise.all([closed, unborn.closed(), idle.closed()]);
    assert.equal(await unborn.answer(), undefined);
  });

  it("waits a little for what has begun to come, and then says so", async () => {
    const { server, connect } = await listen({ ...patient, closing: 50 });
    const halves = [
      await connect("GET /api/quick/ HTTP/1.1\r\nHost: loc"),
      await connect("G"),
      await connect(
        `${head("POST", "/api/probe/", "Content-Type: application/json\r\nContent-Length: 9\r\n")}{"a`,
      ),
    ];
    const second = await connect(quick);
    await second.answer();
    second.write("GET /api/qu");
    const closed = once(server, "close");
    server.close();
    for (const line of halves) assert.equal((await line.answer())?.status, 408);
    await Promise.all([closed, second.closed()]);
  });

  it("answers what comes in whole within that time", async () => {
    const { server, connect } = await listen(patient);
    const line = await connect(quick.slice(0, -2));
    const closed = once(server, "close");
    server.close();
    line.write("\r\n");
    const answer = await line.answer();
    assert.deepEqual([answer?.status, answer?.headers.get("connection")], [200, "close"]);
    await closed;
  });

  it("cuts off no call that is being answered, however long that takes", async () => {
    const { server, holdCall, release } = await listen({ ...patient, closing: 20 });
    const busy = await holdCall();
    assert.equal(server.countCalls(), 1);
    const closed = once(server, "close");
    server.close();
    // Several times what a call that has not come in whole is waited for.
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    const answer = await busy.answer();
    assert.deepEqual([answer?.status, answer?.body], [200, '{"status":"done"}']);
    assert.equal(answer?.headers.get("connection"), "close");
    await Promise.all([closed, busy.closed()]);
    assert.equal(server.countCalls(), 0);
  });
});

describe("a server that is about to close", () => {
  it("takes calls on connections old and new, and ends each with its answer", async () => {
    const { server, connect } = await listen(patient);
    const old = await connect(quick);
    await old.answer();
    server.leave();
    old.write(quick);
    for (const line of [old, await connect(quick)]) {
      const answer = await line.answer();
      assert.deepEqual([answer?.status, answer?.headers.get("connection")], [200, "close"]);
      await line.closed();
    }
    const closed = once(server, "close");
    server.close();
    await closed;
  });
});
