import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { listOperations, pathOf } from "./testing/operations.ts";
import { testAuth } from "./testing/test-auth.ts";

const oddTexts = [
  ...[
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff",
    "\u202egnp",
    "\ufeff",
    "e\u0301".repeat(200),
    "😀".repeat(300),
  ],
  ...[
    "x".repeat(300),
    "x".repeat(20_000),
    "' OR 1=1 --",
    "'; DROP TABLE accounts; --",
    "%s%n%x",
    "${7*7}",
    "{{7*7}}",
  ],
  ...[
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "__proto__",
    "constructor",
    "null",
    "true",
  ],
  ...[
    "ada@example.org",
    "ADA@EXAMPLE.ORG ",
    "ada@example.org,eve@example.org",
    '"a\\"b"@x.test',
    "a@[::1]",
    "ada",
  ],
  ...[
    "Blue-Harbour-71x",
    "0b57f3a6-5c1e-4d0e-9b1a-2f6f3c2b7a10",
    "eyJhbGciOiJub25lIn0.e30.",
    "a.b.c",
    "123456",
  ],
];

const oddValues = [
  ...[null, true, false, 0, -0, -1, 1.5, 2 ** 31, 2 ** 53 + 2, 1e308, [], {}, [[]], [null], [{ a: [] }]],
  ...[
    { $gt: "" },
    { $ne: null },
    { toString: "x" },
    { length: 1 },
    { constructor: { prototype: { is_staff: true } } },
  ],
  JSON.parse('{"__proto__":{"is_staff":true}}'),
];

const oddBodies = [
  ...[
    "",
    "{",
    "[]",
    '"x"',
    "7",
    "null",
    "NaN",
    '{"a":1e400}',
    "\ufeff{}",
    "a=b&a[__proto__]=c",
    "[".repeat(30_000),
  ],
  ...[
    "[".repeat(20_000) + "]".repeat(20_000),
    `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    "x".repeat(70_000),
  ],
  '--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.org\r\n--x--\r\n',
];

const types = [
  ...[
    "application/json",
    "application/json",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
  ],
  ...[
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "",
    "application/json, text/plain",
    "x",
  ],
];

const oddHeaders = {
  accept: ["application/problem+json", "text/html", "*/*;q=x", ",".repeat(5000), "application/json;q=0"],
  "accept-language": ["pt-BR", "pt;q=0.5,en;q=0.4", "x".repeat(20_000), ";;;q=,,", "*"],
  "accept-encoding": ["gzip", "x".repeat(20_000)],
  "content-encoding": ["gzip", "identity"],
  cookie: ["device=x; device=y", "=;=", "__proto__=x", "x".repeat(9000), "device=%zz"],
  "device-token": ["x", "a.b.c", "x".repeat(9000), "é"],
  origin: ["null", "https://evil.example", "http://localhost:5173", "x"],
  "user-agent": ["\u00ff".repeat(500), "x".repeat(9000), "'\"<>"],
  "x-request-id": ["a b", "x".repeat(500), "ok-1"],
  "x-forwarded-for": ["1.2.3.4", "::1,".repeat(900), "x"],
  "sec-fetch-mode": ["cors", "navigate", "x"],
  "access-control-request-method": ["POST"],
  "x-http-method-override": ["DELETE"],
  "idempotency-key": ["x", "x".repeat(9000)],
  authorization: [
    ...[
      "Bearer",
      "Bearer ",
      "bearer x",
      "Bearer a b",
      "Basic YTpi",
      "Bearer a.b.c",
      "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
    ...[`Bearer ${"x".repeat(20_000)}`, "Bearer é", "Token x", "=", "Bearer null"],
  ],
} as const satisfies Record<string, readonly string[]>;

const oddText = fc.oneof(fc.constantFrom(...oddTexts), fc.string({ unit: "binary", maxLength: 40 }));
const oddValue = fc.oneof(
  { weight: 4, arbitrary: oddText },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(...oddValues) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);
const someHeaders = fc
  .array(
    fc
      .constantFrom(...Object.entries(oddHeaders))
      .chain(([name, values]) =>
        fc.constantFrom(...(values as readonly string[])).map((value) => [name, value] as const),
      ),
    { maxLength: 3 },
  )
  .map((pairs) => Object.fromEntries(pairs));
const query = fc.constantFrom(
  "",
  "?email=a&email=b",
  "?a[__proto__][x]=1",
  `?${"a[]".repeat(1000)}=1`,
  "?%zz",
  "?_method=PUT",
);

/** A body for a call: mostly an object with the fields it asks for, and values that it does not. */
function bodyFor(fields: readonly string[]): fc.Arbitrary<string> {
  const known = fc.record(Object.fromEntries(fields.map((name) => [name, oddValue])), { requiredKeys: [] });
  const more = fc.dictionary(
    fc.constantFrom("is_staff", "id", "plan", "__proto__", "constructor", "x"),
    oddValue,
    {
      maxKeys: 2,
    },
  );
  const object = fc.tuple(known, more).map(([one, other]) => JSON.stringify({ ...one, ...other }));
  const form = fc
    .dictionary(fc.constantFrom(...fields, "x"), oddText)
    .map((pairs) =>
      new URLSearchParams(
        Object.entries(pairs).map(([name, value]) => [name, value.toWellFormed()] as [string, string]),
      ).toString(),
    );
  return fc.oneof(
    { weight: 6, arbitrary: object },
    { weight: 2, arbitrary: form },
    { weight: 1, arbitrary: fc.constantFrom(...oddBodies) },
  );
}

describe("the API", () => {
  it("answers every call as it documents, whatever is sent to it, and goes on", async () => {
    await using t = await testAuth({
      environment: { RATE_LIMITS: "off" },
      fields: {
        plan: { type: "oneOf", choices: ["free", "pro"], default: "free" },
        age: { type: "integer", default: null },
        born: { type: "date", default: null },
        newsletter: { type: "boolean", default: false },
        preferences: { type: "json", default: null },
      },
    });
    const ada = await t.person();
    let { access } = await ada.signIn();
    const targets = await listOperations(t);
    const call = fc.constantFrom(...targets).chain((target) =>
      fc.record({
        target: fc.constant(target),
        part: oddText,
        body: bodyFor(target.fields),
        type: fc.oneof({ weight: 5, arbitrary: fc.constant("application/json") }, fc.constantFrom(...types)),
        headers: someHeaders,
        isSignedIn: fc.boolean(),
        query,
      }),
    );
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(call, async ({ target, part, body, type, headers, isSignedIn, query }) => {
        const hasBody = !["GET", "HEAD"].includes(target.method);
        const request = new Request(`http://localhost:8000${pathOf(target, part)}${query}`, {
          method: target.method,
          headers: {
            ...(hasBody ? { "content-type": type } : {}),
            ...headers,
            ...(isSignedIn ? { authorization: `Bearer ${access}` } : {}),
          },
          ...(hasBody ? { body } : {}),
        });
        const { status } = await t.http.send(request);
        if (target.path === "/api/auth/logout" && status === 200) access = (await ada.signIn()).access;
        const isWrongPath = status === 404 || status === 405;
        const isDocumented = target.statuses.includes(status) || (target.path.includes("{") && isWrongPath);
        assert.ok(isDocumented, `${target.method} ${target.path} answers ${status}, which is not documented`);
        seen.set(`${status}`, (seen.get(`${status}`) ?? 0) + 1);
      }),
      { numRuns: 1200, seed: 20_261_124, interruptAfterTimeLimit: 60_000 },
    );
    assert.ok((seen.get("200") ?? 0) > 20 && (seen.get("400") ?? 0) > 100, JSON.stringify([...seen]));
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 200);
    assert.equal((await ada.login()).status, 200);
    assert.equal(({} as { is_staff?: unknown }).is_staff, undefined);
  });

  it("answers any path with any method, and never with an error of its own", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const piece = fc.oneof(
      fc.constantFrom(
        "api",
        "auth",
        "login",
        "_",
        "docs",
        "verify-email",
        "reset-password",
        "forgot-password",
        ".",
        "..",
        "%2f",
        "%00",
        "%",
        ";x",
      ),
      fc.string({ unit: "binary", maxLength: 5 }).map((text) => encodeURIComponent(text.toWellFormed())),
    );
    const path = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join("/")}`);
    const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND");
    await fc.assert(
      fc.asyncProperty(path, method, someHeaders, async (path, method, headers) => {
        await t.http.send(new Request(`http://localhost:8000${path}`, { method, headers }));
      }),
      { numRuns: 400, seed: 20_261_124, interruptAfterTimeLimit: 60_000 },
    );
  });
});
