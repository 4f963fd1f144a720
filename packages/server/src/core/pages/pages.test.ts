import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AroundStatement } from "../../platform/database/dialect.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const browser = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
const origin = "http://localhost:8000";

/** Every link of the page that stands at the path, as a browser there reads it. */
async function linksOf(t: TestAuth, path: string, as = browser): Promise<string[]> {
  const { text } = await t.http.get(path, as);
  const links = [...text.matchAll(/(?:href|src)="([^"#]*)[^"]*"/g)].map(([, href = ""]) => href);
  return links.filter((href) => href !== "data:,").map((href) => new URL(href, origin + path).href);
}

describe("an address that people open", () => {
  for (const path of ["/", "/_/", "/_", "/api/auth/", "/api/auth", "/_/docs/"]) {
    it(`is a page to browsers, and its links lead on: ${path}`, async () => {
      await using t = await testAuth();
      const { status, headers } = await t.http.get(path, browser);
      assert.deepEqual([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
      const links = await linksOf(t, path);
      assert.ok(path === "/_/docs/" || links.length > 3, links.join());
      for (const link of links) {
        const here = { headers: { ...browser.headers, host: "localhost:8000" } };
        assert.equal((await t.http.get(new URL(link).pathname, here)).status, 200, link);
      }
    });
  }

  it("tells programs what it told them before", async () => {
    await using t = await testAuth();
    for (const path of ["/", "/_/", "/nowhere/"]) {
      const { status, body } = await t.http.get(path);
      assert.deepEqual([status, body], [404, { detail: "Not found." }], path);
    }
    assert.deepEqual((await t.http.get("/api/auth/")).body, {
      reference: `${origin}/_/docs/`,
      openapi: `${origin}/api/schema/`,
    });
  });

  it("shows an operator's links in production to nobody who comes for an account", async () => {
    const environment = { NODE_ENV: "production", FRONTEND_URL: "https://app.example.com" };
    await using t = await testAuth({ environment });
    const { text } = await t.http.get("/", browser);
    assert.ok(text.includes('href="https://app.example.com"'));
    assert.doesNotMatch(text, /_\/|mailbox/i);
    assert.doesNotMatch((await t.http.get("/_/", browser)).text, /mailbox/i);
  });
});

describe("an error", () => {
  it("is a page to browsers, in their language, that leads on", async () => {
    await using t = await testAuth();
    for (const [language, heading] of [
      ["en", "Page not found"],
      ["pt-BR", "Página não encontrada"],
    ] as const) {
      const headers = { ...browser.headers, "accept-language": language };
      for (const path of ["/nowhere", "/a/b/c/", "/_/mailbox/gone/"]) {
        const { status, text } = await t.http.get(path, { headers });
        assert.equal(status, 404);
        assert.ok(text.includes(`<h1>${heading}</h1>`), path);
        assert.deepEqual(await linksOf(t, path), [`${origin}/`]);
      }
    }
  });

  it("is JSON under /api/ and to programs, whatever they take beside it", async () => {
    await using t = await testAuth();
    for (const path of ["/api/nowhere/", "/.well-known/nowhere"]) {
      assert.deepEqual((await t.http.get(path, browser)).body, { detail: "Not found." }, path);
    }
    for (const accept of ["*/*", "application/json", "text/html;q=0", "text/*"]) {
      assert.deepEqual((await t.http.get("/nowhere", { headers: { accept } })).body, {
        detail: "Not found.",
      });
    }
  });

  it("of a call that came too often says when to come again, and keeps its header", async () => {
    await using t = await testAuth();
    const submit = () =>
      t.http.send(
        new Request(`${origin}/reset-password/00000000-0000-4000-8000-000000000000/`, {
          headers: browser.headers,
        }),
      );
    let answer = await submit();
    for (let calls = 0; answer.status !== 429 && calls < 100; calls += 1) answer = await submit();
    assert.equal(answer.status, 429);
    assert.match(answer.text, /<h1>Too many attempts<\/h1>[^]*You can try again in \d+ minutes?\./);
    assert.ok(answer.headers.get("retry-after"));
    assert.match(answer.text, /<a class="button" href="">Try again<\/a>/);
  });

  it("of ours says nothing of its cause, but a number to ask for help with", async () => {
    let isBroken = false;
    const aroundStatement: AroundStatement = (_sql, run) => {
      if (isBroken) throw new Error("a secret cause");
      return run();
    };
    await using t = await testAuth({ aroundStatement });
    isBroken = true;
    const headers = { ...browser.headers, "x-request-id": "ask-7" };
    const answer = await t.http.get("/reset-password/00000000-0000-4000-8000-000000000000/", { headers });
    isBroken = false;
    assert.equal(answer.status, 500);
    assert.match(answer.text, /Something went wrong[^]*<code>ask-7<\/code>/);
    assert.doesNotMatch(answer.text, /secret cause/);
  });
});

describe("a form behind a proxy that puts another name into Host", () => {
  it("is taken from the origin of PUBLIC_URL, and from no other", async () => {
    await using t = await testAuth({ environment: { PUBLIC_URL: "http://accounts.example.com/auth" } });
    const path = "/verify-email/00000000-0000-4000-8000-000000000000/";
    const submit = (from: string) => {
      const headers = {
        origin: from,
        host: "backend:8000",
        "content-type": "application/x-www-form-urlencoded",
      };
      return t.http.send(new Request(origin + path, { method: "POST", headers, body: "" }));
    };
    assert.equal((await submit("http://accounts.example.com")).status, 400, "taken, and the link is dead");
    for (const other of [
      "http://evil.example",
      "https://accounts.example.com",
      "http://accounts.example.com:81",
    ])
      assert.equal((await submit(other)).status, 403, other);
  });
});
