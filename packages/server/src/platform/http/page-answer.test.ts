import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestContext } from "./endpoint.ts";
import { defineError, Throttled } from "./errors.ts";
import { createDocument, html } from "./html.ts";
import type { Page } from "./page.ts";
import { createProbe } from "./probe.testing.ts";

class Closed extends defineError(403, "closed", { en: "Closed.", "pt-BR": "Fechado." }) {}

const documentOf = (text: string, status = 200) =>
  createDocument({ language: "en", title: "Page", style: "p{}", body: html`<p>${text}</p>`, status });

function createPage(changes: Partial<Page<RequestContext>> = {}) {
  const submitted: unknown[] = [];
  const page: Page<RequestContext> = {
    path: "/door/:token/",
    access: async () => undefined,
    limit: [],
    show: async (_ctx, { params, query }) => documentOf(`shown ${params.token} ${query.get("x") ?? ""}`),
    submit: async (_ctx, { params, form }) => {
      submitted.push(form);
      return documentOf(`done ${params.token}`, 201);
    },
    ...changes,
  };
  const { call, finished } = createProbe([], { pages: [page], allowedOrigins: ["https://app.example.com"] });
  const submit = (headers: Record<string, string>, body = "password=x") =>
    call("POST", "/door/t1/", {
      body,
      headers: { "content-type": "application/x-www-form-urlencoded", host: "localhost", ...headers },
    });
  return { call, submit, submitted, finished };
}

const ours = { "sec-fetch-site": "same-origin" };

describe("a page", () => {
  it("is shown as HTML with a policy of its own", async () => {
    const { call } = createPage();
    const answer = await call("GET", "/door/t1/?x=1");
    assert.equal(answer.status, 200);
    assert.match(answer.text, /shown t1 1/);
    assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(
      answer.headers.get("content-security-policy") ?? "",
      /^default-src 'none'; style-src 'sha256-/,
    );
    assert.equal(answer.headers.get("cross-origin-opener-policy"), "same-origin");
    assert.match(answer.headers.get("permissions-policy") ?? "", /^camera=\(\), geolocation=\(\)/);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
    assert.equal(answer.headers.get("x-frame-options"), "DENY");
  });

  it("does nothing by being opened, looked at or asked about", async () => {
    const { call, submitted } = createPage();
    for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
      await call(method, "/door/t1/", { headers: ours });
    assert.deepEqual(submitted, []);
  });

  it("without a form takes none", async () => {
    const { submit } = createPage({ submit: undefined });
    const answer = await submit(ours);
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET, HEAD, OPTIONS"]);
  });

  it("asks who comes and how often before anything else, forms included", async () => {
    const closed = createPage({ access: () => Promise.reject(new Closed()) });
    assert.equal((await closed.call("GET", "/door/t1/")).status, 403);
    assert.equal((await closed.submit(ours)).status, 403);
    const limited = createPage({
      limit: [{ describe: () => "", countsBy: "address", take: () => Promise.reject(new Throttled(1000)) }],
    });
    assert.equal((await limited.submit(ours)).status, 429);
    assert.deepEqual([...closed.submitted, ...limited.submitted], []);
  });
});

describe("a form on a page of ours", () => {
  it("is taken, as browsers say where it comes from", async () => {
    for (const headers of [
      ...[
        ours,
        { ...ours, origin: "null" },
        { ...ours, origin: "http://localhost" },
        { origin: "http://localhost" },
      ],
    ] as Record<string, string>[]) {
      const { submit, submitted } = createPage();
      const answer = await submit(headers, "password=a%20b&__proto__=x");
      assert.equal(answer.status, 201, JSON.stringify(headers));
      assert.match(answer.text, /done t1/);
      assert.deepEqual(
        submitted.map((form) => ({ ...(form as object) })).map((form) => Object.entries(form)),
        [
          [
            ["password", "a b"],
            ["__proto__", "x"],
          ],
        ],
      );
    }
  });

  it("of port and name both: another port is another origin", async () => {
    const { submit } = createPage();
    assert.equal((await submit({ origin: "http://localhost:8000", host: "localhost:8000" })).status, 201);
    assert.equal((await submit({ origin: "http://localhost:8001", host: "localhost:8000" })).status, 403);
  });
});

describe("a form of another page (CSRF)", () => {
  it("does nothing, however it is sent", async () => {
    const { submit, submitted } = createPage();
    for (const headers of [
      ...[
        {},
        { origin: "null" },
        { origin: "" },
        { origin: "https://evil.example" },
        { origin: "https://app.example.com" },
      ],
      ...[
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "none" },
      ],
      ...[
        { "sec-fetch-site": "SAME-ORIGIN" },
        { "sec-fetch-site": "same-origin, cross-site" },
        { "sec-fetch-site": "x" },
      ],
      // What Fetch Metadata says outweighs a matching origin.
      ...[
        { "sec-fetch-site": "cross-site", origin: "http://localhost" },
        { referer: "http://localhost/door/t1/" },
      ],
      ...[
        { origin: "http://localhost.evil.example" },
        { origin: "http://evil.example/localhost" },
        { origin: "localhost" },
      ],
      ...[
        { origin: "http://localhost@evil.example" },
        { origin: "http://sub.localhost" },
        { origin: "http://" },
      ],
    ] as Record<string, string>[]) {
      const answer = await submit(headers);
      assert.equal(answer.status, 403, JSON.stringify(headers));
      assert.deepEqual(answer.body, { detail: "This request did not come from our own page." });
    }
    assert.deepEqual(submitted, []);
  });

  it("is refused before its body is looked at", async () => {
    const { call } = createPage();
    const answer = await call("POST", "/door/t1/", {
      body: "x".repeat(70_000),
      headers: { "content-type": "text/plain" },
    });
    assert.equal(answer.status, 403);
  });

  it("is refused with JSON, text or several parts as its body too", async () => {
    const { submit, submitted } = createPage();
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]) {
      assert.equal((await submit({ "content-type": type })).status, 403, type);
    }
    assert.deepEqual(submitted, []);
  });
});
