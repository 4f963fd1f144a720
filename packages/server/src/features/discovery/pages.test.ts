import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAuth } from "../../testing/test-auth.ts";
import { curlOf, exampleOf } from "./examples.ts";

describe("the API reference", () => {
  it("shows each call of the API once, with a line to try it and the errors it may answer", async () => {
    await using t = await testAuth();
    const { text } = await t.http.get("/_/docs/");
    const { body: document } = await t.http.get("/api/schema/");
    const calls = Object.entries(
      document.paths as Record<string, Record<string, { operationId: string }>>,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({ path, method, operationId })),
    );
    assert.ok(calls.length > 15);
    for (const { operationId } of calls) {
      assert.equal(text.split(`<section id="${operationId}">`).length, 2, operationId);
      assert.equal(text.split(`<li><a href="#${operationId}">`).length, 2, operationId);
    }
    assert.match(text, /curl -X POST http:\/\/localhost:8000\/api\/auth\/login\/ \\\n {2}-H/);
    assert.match(text, /<code>invalid_credentials<\/code> Unable to log in with provided credentials\./);
  });

  it("shows a call that the API takes as it stands", async () => {
    await using t = await testAuth();
    const { body: document } = await t.http.get("/api/schema/");
    const call = document.paths["/api/auth/register"].post;
    const example = exampleOf(call.requestBody.content["application/json"].schema);
    assert.equal((await t.http.post("/api/auth/register/", example)).status, 201);
  });
});

describe("an example", () => {
  it("is one of the choices, a list of one, or an object of what must be there", () => {
    assert.equal(exampleOf({ type: "string", enum: ["free", "pro"] }), "free");
    assert.deepEqual(exampleOf({ type: "array", items: { type: "integer" } }), [1]);
    const properties = { email: { type: "string", format: "email" }, bio: { type: ["string", "null"] } };
    assert.deepEqual(exampleOf({ type: "object", properties, required: ["email"] }), {
      email: "ada@example.org",
    });
    assert.deepEqual(exampleOf({ type: "object", properties: { bio: { type: "string" } } }), {
      bio: "Makes pictures.",
    });
    assert.deepEqual(exampleOf({}), {});
  });

  it("of a call names the method, the token and the body only where there is one", () => {
    const call = { method: "get", url: "http://x/y/", needsToken: false, body: undefined };
    assert.equal(curlOf(call), "curl http://x/y/");
    assert.equal(
      curlOf({ ...call, method: "delete", needsToken: true }),
      'curl -X DELETE http://x/y/ \\\n  -H "Authorization: Bearer $ACCESS"',
    );
  });
});
