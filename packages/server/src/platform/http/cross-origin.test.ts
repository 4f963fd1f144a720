import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineError, Throttled, Unavailable } from "./errors.ts";
import { html } from "./html.ts";
import { countingLimit, createProbe, probe } from "./probe.testing.ts";

const app = "https://app.example.com";
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

class Refused extends defineError(403, "refused", { en: "No.", "pt-BR": "Não." }) {}

const page = {
  path: "/_/page/",
  access: async () => undefined,
  limit: [],
  show: async () => ({ text: html`<p>`.text, status: 200, contentSecurityPolicy: "default-src 'none'" }),
} as const;

function createSystem() {
  const throwing = (path: `/${string}`, error: Error) =>
    probe({ method: "get", path, handle: () => Promise.reject(error) });
  return createProbe(
    [
      probe(),
      probe({ method: "get", path: "/api/probe/" }),
      probe({ method: "get", path: "/.well-known/keys.json" }),
      probe({ method: "get", path: "/_/health/" }),
      throwing("/api/refused/", new Refused()),
      throwing("/api/bug/", new Error("a bug")),
      throwing("/api/busy/", new Unavailable()),
      probe({
        path: "/api/limited/",
        limit: [countingLimit("address", () => Promise.reject(new Throttled(1000)))],
      }),
    ],
    { allowedOrigins: [app, "http://localhost:5173"], pages: [page] },
  );
}

const openPaths: [string, string, number][] = [
  ["GET", "/api/probe/", 200],
  ["GET", "/api/probe", 200],
  ["HEAD", "/api/probe/", 200],
  ["POST", "/api/probe/", 200],
  ["GET", "/.well-known/keys.json", 200],
  ["GET", "/api/nothing/", 404],
  ["GET", "/.well-known/nothing", 404],
  ["DELETE", "/api/probe/", 405],
  ["GET", "/api/refused/", 403],
  ["POST", "/api/limited/", 429],
  ["GET", "/api/bug/", 500],
  ["GET", "/api/busy/", 503],
];

describe("a page of an allowed origin", () => {
  it("may read every answer, refusals included", async () => {
    const { call } = createSystem();
    for (const [method, path, status] of openPaths) {
      const { headers, ...answer } = await call(method, path, { headers: { origin: app } });
      assert.equal(answer.status, status, path);
      assert.equal(headers.get("access-control-allow-origin"), app, path);
      assert.equal(
        headers.get("access-control-expose-headers"),
        "Retry-After, WWW-Authenticate, X-Request-Id, X-Refresh, Device-Token, Link",
      );
    }
  });

  it("may read a refused body's answer", async () => {
    const { call } = createSystem();
    for (const [type, body] of [
      ["text/plain", "x"],
      ["application/json", "{"],
      ["application/json", "a".repeat(70_000)],
    ] as const) {
      const system = createProbe([probe({ body: { fields: {} } })], { allowedOrigins: [app] });
      const answer = await system.call("POST", "/api/probe/", {
        body,
        headers: { origin: app, "content-type": type },
      });
      assert.ok(answer.status >= 400 && answer.status < 500);
      assert.equal(answer.headers.get("access-control-allow-origin"), app);
    }
    assert.equal((await call("GET", "/api/probe/", { headers: { origin: app } })).status, 200);
  });

  it("never sends credentials along that a browser keeps", async () => {
    const { call } = createSystem();
    for (const [method, path] of openPaths) {
      const { headers } = await call(method, path, { headers: { origin: app } });
      assert.equal(headers.get("access-control-allow-credentials"), null);
    }
  });

  it("is told before it asks what it may send, for two hours", async () => {
    const { call } = createSystem();
    const answer = await call("OPTIONS", "/api/probe/", {
      headers: {
        origin: app,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-other",
      },
    });
    assert.deepEqual([answer.status, answer.text], [204, ""]);
    const said = (name: string) => answer.headers.get(`access-control-${name}`);
    assert.equal(said("allow-origin"), app);
    assert.equal(said("allow-methods"), "POST, GET, HEAD, OPTIONS");
    const named = new Set(said("allow-headers")?.toLowerCase().split(", "));
    for (const header of [
      ...["authorization", "content-type", "accept-language", "idempotency-key", "device-token"],
      // https://pypi.org/project/django-cors-headers/, CORS_ALLOW_HEADERS: its defaults.
      ...["accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with"],
      // https://www.w3.org/TR/trace-context/, https://www.w3.org/TR/baggage/, and Sentry's.
      ...["traceparent", "tracestate", "baggage", "sentry-trace"],
    ])
      assert.ok(named.has(header), header);
    // Whose word is believed on who calls is for the proxy alone to say.
    for (const header of ["*", "cookie", "x-forwarded-for", "host"]) assert.ok(!named.has(header), header);
    assert.equal(said("max-age"), "7200");
    assert.equal(said("allow-credentials"), null);
  });
});

describe("a page of any other origin", () => {
  it("may read nothing, whatever it calls itself", async () => {
    const { call } = createSystem();
    for (const origin of [
      ...[
        "https://evil.example",
        "null",
        "*",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://APP.example.com",
      ],
      ...[
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://app.example.com.",
        "https://app.example.com/",
      ],
      ...[
        "https://app.example.com@evil.example",
        "https://app-example.com",
        "https://sub.app.example.com",
        "https://example.com",
      ],
      ...[
        "http://localhost:51730",
        "http://localhost",
        "https://localhost:5173",
        `${app}, https://evil.example`,
      ],
      ...["file://", "https://%D0%B0pp.example.com", "undefined", ""],
    ]) {
      for (const [method, path] of [...openPaths, ["OPTIONS", "/api/probe/"] as const]) {
        const { headers } = await call(method, path, {
          headers: { origin, "access-control-request-method": "POST" },
        });
        assert.equal(headers.get("access-control-allow-origin"), null, `${origin} ${method} ${path}`);
        assert.equal(headers.get("access-control-allow-credentials"), null);
      }
    }
  });
});

describe("every answer of the API", () => {
  it("says that it depends on the origin, so that no cache hands it to another", async () => {
    const { call } = createSystem();
    for (const headers of [{}, { origin: app }, { origin: "https://evil.example" }]) {
      for (const [method, path, status] of openPaths) {
        const answer = await call(method, path, { headers: headers as Record<string, string> });
        assert.equal(answer.status, status);
        assert.equal(answer.headers.get("vary"), "Origin", `${method} ${path}`);
      }
      const preflight = await call("OPTIONS", "/api/probe/", {
        headers: { ...(headers as Record<string, string>), "access-control-request-method": "POST" },
      });
      assert.equal(preflight.headers.get("vary"), "Origin");
    }
  });
});

describe("the operator's pages", () => {
  it("are closed to every other origin, allowed ones included", async () => {
    const { call } = createSystem();
    for (const path of [
      "/_/health/",
      "/_/page/",
      "/_/nothing/",
      "/nothing",
      "/",
      "/apix/",
      "/%61pi/probe/",
      "/.well-knownx/",
    ]) {
      for (const method of [...methods, "OPTIONS"]) {
        const { headers } = await call(method, path, {
          headers: { origin: app, "access-control-request-method": "GET" },
        });
        for (const name of ["allow-origin", "allow-methods", "allow-headers", "expose-headers", "max-age"]) {
          assert.equal(headers.get(`access-control-${name}`), null, `${method} ${path} ${name}`);
        }
      }
    }
  });

  it("are not readable across origins by other means either", async () => {
    const { call } = createSystem();
    const { headers } = await call("GET", "/_/page/");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
    assert.equal(headers.get("x-frame-options"), "DENY");
  });
});
