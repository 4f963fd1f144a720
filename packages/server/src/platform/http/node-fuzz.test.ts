import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createNodeServer } from "./node.ts";
import { createProbe, probe } from "./probe.testing.ts";
import { openWire } from "./wire.testing.ts";

const call = (line: string, headers: string, body = "") =>
  Buffer.from(`${line} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`, "latin1");
const json = "Content-Type: application/json\r\n";
const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n';

/** Calls as clients send them: what is sent is one of these, a little broken. */
const calls = [
  call(
    "POST /api/probe/",
    `${json}Content-Length: 17\r\nAuthorization: Bearer a.b.c\r\n`,
    '{"email":"a@b.c"}',
  ),
  call("POST /api/probe/", `${json}Transfer-Encoding: chunked\r\n`, '4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'),
  call(
    "POST /api/probe/",
    `Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${part.length}\r\n`,
    part,
  ),
  call("GET /api/probe/?a=%41&b[]=c", "Accept-Language: pt-BR;q=0.5\r\nCookie: device_token=x\r\n"),
  call(
    "OPTIONS http://localhost/api/probe/",
    "Origin: http://localhost:1\r\nAccess-Control-Request-Method: POST\r\n",
  ),
];

/** Bytes on which readings of HTTP differ, beside any other. */
const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('\r\n\0\t :;,="%0')),
  fc.integer({ min: 32, max: 126 }),
  fc.nat({ max: 255 }),
);
const change = fc.record({
  at: fc.nat({ max: 400 }),
  removed: fc.nat({ max: 3 }),
  put: fc.array(byte, { maxLength: 3 }),
});
const broken = fc
  .tuple(fc.constantFrom(...calls), fc.array(change, { minLength: 1, maxLength: 2 }))
  .map(([sound, changes]) =>
    changes.reduce((bytes, { at, removed, put }) => {
      const start = at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, start), Buffer.from(put), bytes.subarray(start + removed)]);
    }, sound),
  );

const last = call("GET /api/probe/", "Connection: close\r\n");

describe("a call broken on its way", () => {
  it("is answered in order or ended, is no bug, and leaves the server as it was", async (t) => {
    const { handler, finished } = createProbe([
      probe({ body: { fields: {}, keepsUnknown: true } }),
      probe({ method: "get" }),
    ]);
    const server = createNodeServer(handler, {
      patience: { headers: 100, request: 150, idle: 100, checkEvery: 50, closing: 100 },
      ownsProcess: true,
    });
    t.after(() => server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const statuses = new Map<number, number>();
    const send = async (bytes: Buffer): Promise<void> => {
      const line = openWire(port);
      // A last call behind it asks to be hung up on; where the broken one takes it for its body, its time runs out.
      line.write(Buffer.concat([bytes, last]));
      for (let answer = await line.answer(); answer; answer = await line.answer()) {
        const { status, headers, body } = answer;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        assert.ok(
          status === 100 || (status >= 200 && status < 500),
          `${status}: ${bytes.toString("latin1")}`,
        );
        if (body !== "" || status >= 400)
          assert.match(headers.get("content-type") ?? "", /^application\/json$/);
        if (body !== "") JSON.parse(body);
      }
      line.socket.destroy();
    };
    const many = fc.sample(broken, { numRuns: 600, seed: 20_261_124 });
    for (let n = 0; n < many.length; n += 200) await Promise.all(many.slice(n, n + 200).map(send));
    assert.ok(
      (statuses.get(200) ?? 0) > 100 && (statuses.get(400) ?? 0) > 100,
      JSON.stringify([...statuses]),
    );
    assert.deepEqual(
      finished.filter(({ bug }) => bug !== undefined),
      [],
    );
    const [sound = Buffer.alloc(0)] = calls;
    const before = statuses.get(200) ?? 0;
    await send(sound);
    assert.equal(statuses.get(200), before + 2);
  });
});
