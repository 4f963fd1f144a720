import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createNodeServer, type ServerPatience } from "./node.ts";
import { createProbe, probe } from "./probe.testing.ts";
import { openWire, type Wire, type WireAnswer } from "./wire.testing.ts";

const patient: ServerPatience = { headers: 2000, request: 2000, idle: 5000, checkEvery: 1000, closing: 2000 };

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(handler = standardProbe().handler, patience = patient) {
  const server = createNodeServer(handler, { patience, ownsProcess: true });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

function standardProbe() {
  return createProbe([
    probe({ body: { fields: {}, keepsUnknown: true } }),
    ...(["/api/health/", "/_/health/", "/_/ready/"] as const).map((path) =>
      probe({ method: "get", path, handle: async () => ({ status: "ok" }) }),
    ),
    probe({
      method: "get",
      path: "/api/address/",
      handle: async ({ request }) => ({ address: request.address }),
    }),
  ]);
}

const shared = await listen();
const open = (port = shared.port) => openWire(port);

const health = "GET /api/health/ HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Sends one request and reads its answer; then a plain one on the same connection must be answered rightly. */
async function exchange(
  text: string | Buffer,
  method = "GET",
  port = shared.port,
): Promise<WireAnswer | undefined> {
  const line = open(port);
  line.write(text);
  const answer = await line.answer(method);
  await checkInSync(line, answer);
  line.socket.destroy();
  return answer;
}

/** What follows a hostile request is read as what it is, or the connection is over. */
async function checkInSync(line: Wire, answer: WireAnswer | undefined): Promise<void> {
  line.write(health);
  const next = await line.answer();
  if (next === undefined) return;
  assert.equal(answer?.headers.get("connection") === "close", false, "it said close and went on");
  assert.deepEqual([next.status, next.body], [200, '{"status":"ok"}'], "the connection is out of step");
  line.write(health);
  assert.equal((await line.answer())?.body, '{"status":"ok"}');
}

/** The shape that a refusal has when the server itself speaks. */
function checkRefusal(answer: WireAnswer | undefined, status: number, about: string): void {
  assert.equal(answer?.status, status, about);
  assert.equal(answer.headers.get("content-type"), "application/json", about);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff", about);
  assert.equal(answer.headers.get("cache-control"), "no-store", about);
  assert.equal(answer.headers.get("connection"), "close", about);
  assert.equal(typeof JSON.parse(answer.body).detail, "string", about);
}

const requestOf = (method: string, path: string, headers: string, body = "") =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`;
const post = (headers: string, body = "") =>
  requestOf("POST", "/api/probe/", `Content-Type: application/json\r\n${headers}`, body);

describe("a request on the wire", () => {
  it("is answered, and the next one on the same connection too", async () => {
    const answer = await exchange(post("Content-Length: 7\r\n", '{"a":1}'));
    assert.equal(answer?.status, 200);
    assert.deepEqual(JSON.parse(answer.body).body, { a: 1 });
  });

  it("comes from the socket's address", async () => {
    const answer = await exchange(requestOf("GET", "/api/address/", "X-Forwarded-For: 1.2.3.4\r\n"));
    assert.deepEqual(JSON.parse(answer?.body ?? ""), { address: "127.0.0.1" });
  });

  it("carries no banner of ours", async () => {
    const answer = await exchange(health);
    for (const name of ["server", "x-powered-by", "via"]) assert.equal(answer?.headers.get(name), undefined);
  });
});

describe("a method on the wire", () => {
  it("is one of ours or refused, and TRACE echoes nothing", async () => {
    for (const method of ["TRACE", "PROPFIND", "PURGE", "PATCH", "DELETE", "QUERY", "LINK"]) {
      const answer = await exchange(requestOf(method, "/api/health/", "X-Secret: hunter2\r\n"));
      assert.ok([400, 405].includes(answer?.status ?? 0), `${method} ${answer?.status}`);
      assert.doesNotMatch(answer?.body ?? "", /hunter2/);
    }
  });

  it("in lower case or of a made-up name is refused and the connection ended", async () => {
    for (const method of ["get", "BREW", "GE T", "", "GET/", "G\u0000T", "CONNECTX"]) {
      checkRefusal(await exchange(requestOf(method, "/api/health/", "")), 400, method);
    }
  });

  it("CONNECT opens no tunnel", async () => {
    const line = open();
    line.write("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    checkRefusal(await line.answer(), 501, "CONNECT");
    await line.closed();
  });

  it("HEAD is GET without a body, and leaves the connection in step", async () => {
    const answer = await exchange(requestOf("HEAD", "/api/health/", ""), "HEAD");
    assert.deepEqual(
      [answer?.status, answer?.headers.get("content-type"), answer?.body],
      [200, "application/json", ""],
    );
  });
});

describe("two readings of where a request ends (smuggling)", () => {
  const smuggled = "GET /api/smuggled/ HTTP/1.1\r\nHost: localhost\r\n\r\n";

  it("are refused, the connection is ended, and nothing after it is read", async () => {
    const chunked = "Transfer-Encoding: chunked\r\n";
    const cases: Record<string, string> = {
      "both lengths": post(`Content-Length: 6\r\n${chunked}`, `0\r\n\r\n${smuggled}`),
      "both lengths, the other way round": post(`${chunked}Content-Length: 6\r\n`, `0\r\n\r\n${smuggled}`),
      "two encodings, the last unknown": post(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        `0\r\n\r\n${smuggled}`,
      ),
      "an encoding that only looks like chunked": post(
        "Transfer-Encoding: xchunked\r\n",
        `0\r\n\r\n${smuggled}`,
      ),
      "a quoted encoding": post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${smuggled}`),
      "an encoding with a vertical tab": post("Transfer-Encoding: \vchunked\r\n", `0\r\n\r\n${smuggled}`),
      "an unknown encoding": post("Transfer-Encoding: identity\r\n", smuggled),
      "two lengths": post("Content-Length: 2\r\nContent-Length: 3\r\n", `{} ${smuggled}`),
      "the same length twice": post("Content-Length: 2\r\nContent-Length: 2\r\n", `{}${smuggled}`),
      "a list of lengths": post("Content-Length: 2, 2\r\n", `{}${smuggled}`),
      "a length with a sign": post("Content-Length: +2\r\n", `{}${smuggled}`),
      "a negative length": post("Content-Length: -2\r\n", `{}${smuggled}`),
      "a length in hex": post("Content-Length: 0x2\r\n", `{}${smuggled}`),
      "a length with a space in it": post("Content-Length: 2 0\r\n", `{}${smuggled}`),
      "a length beyond counting": post("Content-Length: 99999999999999999999999\r\n", `{}${smuggled}`),
      "a space before the colon": post("Content-Length : 2\r\n", `{}${smuggled}`),
      "a line without a colon": post("X\r\nContent-Length: 2\r\n", `{}${smuggled}`),
      "a NUL in a header": post("X: a\0b\r\n", smuggled),
      "a NUL in a name": post("X\0: a\r\n", smuggled),
      "a bare CR in a header": post("X: a\rContent-Length: 2\r\n", smuggled),
      "no name": post(": a\r\n", smuggled),
      "a chunk size that is none": post(chunked, `zz\r\n{}\r\n0\r\n\r\n${smuggled}`),
      "a negative chunk": post(chunked, `-1\r\n{}\r\n0\r\n\r\n${smuggled}`),
      "a chunk in 0x": post(chunked, `0x2\r\n{}\r\n0\r\n\r\n${smuggled}`),
      "a chunk beyond counting": post(chunked, `fffffffffffffffff\r\n{}\r\n0\r\n\r\n${smuggled}`),
      "a chunk longer than it says": post(chunked, `1\r\n{}\r\n0\r\n\r\n${smuggled}`),
      "a chunk ended by a bare LF": post(chunked, `2\n{}\r\n0\r\n\r\n${smuggled}`),
      "a version of its own": health.replace("HTTP/1.1", "HTTP/1.11"),
      "no version": "GET /api/health/\r\n\r\n",
      "another protocol": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    };
    for (const [about, text] of Object.entries(cases)) {
      const line = open();
      line.write(Buffer.from(text, "latin1"));
      const answer = await line.answer("POST");
      checkRefusal(answer, 400, about);
      line.write(health);
      assert.equal(await line.answer(), undefined, `${about}: it went on`);
      line.socket.destroy();
    }
  });

  it("never lead to a second answer where lines end in a bare LF or are folded", async () => {
    for (const text of [
      "POST /api/probe/ HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{}",
      "GET /api/health/ HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
      post("X: a\r\n b\r\nContent-Length: 2\r\n", "{}"),
      post("X: a\r\n\tContent-Length: 9\r\nContent-Length: 2\r\n", "{}"),
      post("Transfer-Encoding: chunked\r\n", "2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"),
      post("Transfer-Encoding:\tchunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
      post("Transfer-Encoding: CHUNKED\r\n", "2\r\n{}\r\n0\r\n\r\n"),
    ]) {
      const answer = await exchange(text, "POST");
      assert.ok([200, 400].includes(answer?.status ?? 0), `${JSON.stringify(text)} ${answer?.status}`);
    }
  });

  it("do not come about by a body that nobody read", async () => {
    for (const [path, status] of [
      ["/api/nothing/", 404],
      ["/api/health/", 405],
    ] as const) {
      for (const framing of [`Content-Length: ${smuggled.length}\r\n`, "Transfer-Encoding: chunked\r\n"]) {
        const body = framing.startsWith("C")
          ? smuggled
          : `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
        const answer = await exchange(requestOf("POST", path, framing, body));
        assert.equal(answer?.status, status);
      }
    }
    const get = await exchange(
      requestOf("GET", "/api/health/", `Content-Length: ${smuggled.length}\r\n`, smuggled),
    );
    assert.equal(get?.status, 200);
  });
});

describe("sizes on the wire", () => {
  it("of heads beyond 16 KiB or a hundred lines are refused", async () => {
    checkRefusal(
      await exchange(requestOf("GET", "/api/health/", `X: ${"y".repeat(17_000)}\r\n`)),
      431,
      "one header",
    );
    checkRefusal(await exchange(requestOf("GET", `/${"y".repeat(17_000)}`, "")), 431, "the path");
    const lines = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: y\r\n`).join("");
    checkRefusal(await exchange(requestOf("GET", "/api/health/", lines(200))), 431, "200 headers");
    assert.equal((await exchange(requestOf("GET", "/api/health/", lines(99))))?.status, 200);
  });

  it("of bodies beyond 64 KiB are refused with an answer that arrives", async () => {
    const border = (size: number) => post(`Content-Length: ${size}\r\n`, `{"a":"${"x".repeat(size - 8)}"}`);
    assert.equal((await exchange(border(65_536)))?.status, 200);
    for (const text of [
      border(65_537),
      border(1_000_000),
      post("Content-Length: 10000000000\r\n", "{}"),
      post(
        "Transfer-Encoding: chunked\r\n",
        `${(70_000).toString(16)}\r\n${"x".repeat(70_000)}\r\n0\r\n\r\n`,
      ),
    ]) {
      const line = open();
      line.write(text);
      const answer = await line.answer();
      assert.deepEqual([answer?.status, answer?.body], [413, '{"detail":"Request body is too large."}']);
      assert.equal(answer?.headers.get("connection"), "close");
      await line.closed();
    }
  });

  it("of chunk extensions are refused", async () => {
    const text = post("Transfer-Encoding: chunked\r\n", `2;${"x".repeat(1_000_000)}\r\n{}\r\n0\r\n\r\n`);
    const line = open();
    line.write(text);
    checkRefusal(await line.answer(), 413, "chunk extensions");
    await line.closed();
  });

  it("that nobody announced are counted", async () => {
    const answer = await exchange(
      post("Transfer-Encoding: chunked\r\n", '3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'),
    );
    assert.deepEqual(JSON.parse(answer?.body ?? "").body, { a: 1 });
  });
});

describe("the Host line", () => {
  it("comes once, and names a host", async () => {
    const withHost = (...lines: string[]) =>
      `GET /api/health/ HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
    for (const lines of [
      ...[
        [],
        ["Host: a", "Host: b"],
        ["Host: localhost", "host: localhost"],
        ["Host:"],
        ["Host: a/b"],
        ["Host: a b"],
      ],
      ...[
        ["Host: a?b"],
        ["Host: a#b"],
        ["Host: ada@evil.example"],
        ["Host: a:99999"],
        ["Host: a:x"],
        ["Host: [::1"],
      ],
      ...[
        ["Host: a\\b"],
        ["Host: %"],
        ["Host: <x>"],

        ["Host: a:1:2"],
        ["Host: /"],
        ["Host: é"],
      ],
    ]) {
      const answer = await exchange(Buffer.from(withHost(...lines), "latin1"));
      checkRefusal(answer, 400, JSON.stringify(lines));
    }
    for (const host of [
      "localhost",
      "LOCALHOST:8000",
      "[::1]:8000",
      "127.0.0.1",
      "unknown.example",
      "xn--bcher-kva.example",
    ]) {
      assert.equal((await exchange(withHost(`Host: ${host}`)))?.status, 200, host);
    }
  });

  it("may be missing from a request of HTTP/1.0 no more than from another", async () => {
    assert.equal((await exchange("GET /api/health/ HTTP/1.0\r\n\r\n"))?.status, 400);
    assert.equal((await exchange("GET /api/health/ HTTP/1.0\r\nHost: localhost\r\n\r\n"))?.status, 200);
  });

  it("may be missing where a load balancer asks in HTTP/1.0 whether we run, and nowhere else", async () => {
    for (const path of ["/_/health/", "/_/health", "/_/ready/", "/_/ready", "/_/health/?from=balancer"]) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await exchange(`${method} ${path} HTTP/1.0\r\n\r\n`, method);
        assert.equal(answer?.status, 200, `${method} ${path}`);
        assert.equal(answer.headers.get("connection"), "close");
      }
      assert.equal((await exchange(`GET ${path} HTTP/1.1\r\n\r\n`))?.status, 400, path);
      assert.equal((await exchange(`GET ${path} HTTP/1.0\r\nHost:\r\n\r\n`))?.status, 400, path);
      assert.equal((await exchange(`GET ${path} HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n`))?.status, 400, path);
    }
    for (const path of ["/_/healthy/", "/_/docs/", "/", "/api/_/health/", "//_/health/"])
      assert.equal((await exchange(`GET ${path} HTTP/1.0\r\n\r\n`))?.status, 400, path);
  });
});

describe("the target on the wire", () => {
  it("may be a whole address, which is judged by its path alone", async () => {
    assert.equal((await exchange(requestOf("GET", "http://evil.example/api/health/", "")))?.status, 200);
    for (const target of [
      "http://",
      "http://[/",
      "http://a b/",
      "ftp://localhost/api/health/",
      "api/health/",
      "*",
      "localhost:80",
      "?",
      "http:/x",
    ]) {
      const answer = await exchange(requestOf("GET", target, ""));
      assert.ok([400, 404].includes(answer?.status ?? 0), `${target} ${answer?.status}`);
    }
    assert.ok([204, 400, 404].includes((await exchange(requestOf("OPTIONS", "*", "")))?.status ?? 0));
  });

  it("that is broken or leads elsewhere is answered in JSON and breaks nothing", async () => {
    for (const path of [
      ...[
        "/%",
        "/%zz",
        "/%c0%af",
        "/%00",
        "/api/health/%",
        "/..%2f..%2fetc/passwd",
        "/../../etc/passwd",
        "/.env",
        "/.git/config",
      ],
      ...[
        "//evil.example/",
        "/\\evil.example",
        "/api\\health/",
        "/package.json",
        "/node_modules/",
        "/api/health/;x",
        "/é",
        "/a#b",
      ],
      ...[`/${"a/".repeat(4000)}`, `/?${"a[]".repeat(4000)}`, "/api/health/\x7f", "/%ff%fe", "/%u0041"],
    ]) {
      const answer = await exchange(Buffer.from(requestOf("GET", path, ""), "latin1"));
      assert.ok([400, 404].includes(answer?.status ?? 0), `${path.slice(0, 50)} ${answer?.status}`);
      assert.equal(answer?.headers.get("content-type"), "application/json");
      assert.equal(typeof JSON.parse(answer?.body ?? "").detail, "string");
    }
  });

  it("keeps its query apart", async () => {
    const query = `a=b&a=c&a[__proto__][x]=1&${"a[0]".repeat(500)}=1&%=%zz`;
    assert.equal((await exchange(requestOf("GET", `/api/health/?${query}`, "")))?.status, 200);
  });
});

describe("what a client may expect", () => {
  it("is a 100 before its body, and nothing else that it makes up", async () => {
    const line = open();
    line.write(post("Content-Length: 2\r\nExpect: 100-continue\r\n"));
    assert.equal((await line.answer())?.status, 100);
    line.write("{}");
    assert.equal((await line.answer())?.status, 200);
    await checkInSync(line, undefined);
    line.socket.destroy();
    checkRefusal(await exchange(requestOf("GET", "/api/health/", "Expect: 200-ok\r\n")), 417, "Expect");
  });

  it("is no other protocol: an upgrade is answered as the plain request that it is", async () => {
    for (const headers of [
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    ]) {
      const answer = await exchange(requestOf("GET", "/api/health/", headers));
      assert.deepEqual([answer?.status, answer?.body], [200, '{"status":"ok"}']);
    }
    checkRefusal(await exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400, "HTTP/2");
  });

  it("is no part of an answer", async () => {
    for (const range of ["bytes=0-1", "bytes=-1", "bytes=9-1", "x", `bytes=${"0-1,".repeat(2000)}0-1`]) {
      const answer = await exchange(
        requestOf("GET", "/api/health/", `Range: ${range}\r\nIf-None-Match: *\r\nIf-Match: "x"\r\n`),
      );
      assert.deepEqual([answer?.status, answer?.body], [200, '{"status":"ok"}']);
    }
  });

  it("is an answer to each of several requests sent at once, in their order", async () => {
    const line = open();
    line.write(health + post("Content-Length: 2\r\n", "{}") + requestOf("GET", "/x", "") + health);
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await line.answer())?.status);
    assert.deepEqual(statuses, [200, 200, 404, 200]);
    line.socket.destroy();
  });
});

describe("a client that takes its time", () => {
  const hurried: ServerPatience = { headers: 150, request: 300, idle: 200, checkEvery: 50, closing: 100 };

  it("is told so and left, in its head, in its body, and between requests", async () => {
    const { port } = await listen(undefined, hurried);
    const head = open(port);
    head.write("GET /api/health/ HTTP/1.1\r\nHost: loc");
    const body = open(port);
    body.write(post("Content-Length: 100\r\n", '{"a'));
    const idle = open(port);
    idle.write(health);
    checkRefusal(await head.answer(), 408, "a slow head");
    checkRefusal(await body.answer(), 408, "a slow body");
    assert.equal((await idle.answer())?.status, 200);
    await Promise.all([head.closed(), body.closed(), idle.closed()]);
  });

  it("keeps nobody else waiting, many of them at once neither", async () => {
    const { port } = await listen(undefined, hurried);
    const slow = Array.from({ length: 100 }, () => open(port));
    for (const line of slow) line.write("POST /api/probe/ HTTP/1.1\r\nHost: localhost\r\nX-");
    assert.equal((await exchange(health, "GET", port))?.status, 200);
    await Promise.all(slow.map((line) => line.closed()));
    assert.equal((await exchange(health, "GET", port))?.status, 200);
  });

  it("and hangs up in the middle breaks nothing and is no bug", async () => {
    const { handler, finished } = standardProbe();
    const { port } = await listen(handler);
    for (const text of [
      ...[
        "GET",
        health.slice(0, -2),
        post("Content-Length: 100\r\n", '{"a'),
        post("Transfer-Encoding: chunked\r\n", "5\r\n{"),
      ],
      requestOf("POST", "/api/nothing/", "Content-Length: 100\r\n", "x"),
    ]) {
      for (const end of ["destroy", "resetAndDestroy", "end"] as const) {
        const line = open(port);
        await once(line.socket, "connect");
        line.write(text);
        await sleep(10);
        line.socket[end]();
      }
    }
    await sleep(50);
    assert.equal((await exchange(health, "GET", port))?.status, 200);
    assert.deepEqual(
      finished.filter(({ bug }) => bug !== undefined),
      [],
    );
    assert.deepEqual(
      finished.filter(({ status }) => status >= 500),
      [],
    );
  });
});

describe("a handler that breaks", () => {
  it("is answered for in general words, once, and the server goes on", async (t) => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    t.after(() => process.off("warning", note));
    let count = 0;
    const { port } = await listen(async () => {
      count += 1;
      if (count === 1) throw new Error("secret detail");
      return new Response('{"status":"ok"}');
    });
    const line = open(port);
    line.write(health);
    const answer = await line.answer();
    assert.equal(answer?.status, 500);
    assert.doesNotMatch(answer.body, /secret/);
    assert.equal((await exchange(health, "GET", port))?.status, 200);
    assert.match(warnings.map(({ message }) => message).join(), /secret detail/);
    line.socket.destroy();
  });
});
