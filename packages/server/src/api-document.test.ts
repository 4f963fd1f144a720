import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type TestAuth, testAuth } from "./testing/test-auth.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly security: readonly object[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly properties: object } }>;
  };
  readonly responses: Record<string, { readonly description: string }>;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, object>;
    readonly securitySchemes: Record<string, object>;
  };
}

const preferences = { preferences: { type: "json", default: null } } as const;

async function readDocument(t: TestAuth): Promise<Document> {
  const answer = await t.http.get("/api/schema/");
  assert.equal(answer.status, 200);
  return answer.body;
}

const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

interface Problem {
  readonly ruleId: string;
  readonly message: string;
}

/** What the rules that a common linter recommends find, each as strictly as it can be. */
async function lint(document: object): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-lint-"));
  try {
    await writeFile(join(folder, "api.json"), JSON.stringify(document));
    const cli = join(dirname(fileURLToPath(import.meta.resolve("@redocly/cli/package.json"))), "bin/cli.js");
    const rules = ["--extends", "recommended-strict", "--format", "json"];
    // So that it asks nobody outside for anything.
    const env = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
    const out = await new Promise<string>((resolve) => {
      execFile(process.execPath, [cli, "lint", "api.json", ...rules], { cwd: folder, env }, (_error, said) =>
        resolve(said),
      );
    });
    const { problems } = JSON.parse(out) as { readonly problems: readonly Problem[] };
    return problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the document of the whole API", () => {
  it("gives a linter nothing to recommend, where it is developed as where it is in use", async () => {
    for (const PUBLIC_URL of ["", "https://auth.acme.test/accounts"]) {
      await using t = await testAuth({ fields: preferences, environment: { PUBLIC_URL } });
      const document = await readDocument(t);
      assert.deepEqual(await lint(document), []);
      const open = Object.entries(document.paths).map(([path, item]) => [`${path}/`, item]);
      assert.match((await lint({ ...document, paths: Object.fromEntries(open) })).join(), /trailing-slash/);
    }
  });

  it("names the user that is in it, and describes it once", async () => {
    await using t = await testAuth();
    const { paths } = await readDocument(t);
    const replies = JSON.stringify([paths["/api/auth/login"], paths["/api/auth/profile"]]);
    assert.equal(replies.match(/"\$ref":"#\/components\/schemas\/User"/g)?.length, 4);
    assert.doesNotMatch(replies, /"is_verified"/);
  });

  it("is of the machine that it is read from, where no other knows it by its name", async () => {
    for (const [PUBLIC_URL, url] of [
      ["", "/"],
      ["http://127.0.0.1:8000", "/"],
      ["http://localhost:3000/accounts", "/accounts"],
      ["https://localhost.example.org", "https://localhost.example.org"],
    ] as const) {
      await using t = await testAuth({ environment: { PUBLIC_URL } });
      assert.deepEqual((await readDocument(t)).servers, [{ url }]);
    }
  });

  it("is sound: every parameter declared, every name once, every reference answered", async () => {
    await using t = await testAuth({ fields: preferences });
    const document = await readDocument(t);
    assert.match(document.openapi, /^3\.1\.\d$/);
    const operations = operationsOf(document);
    assert.ok(operations.length > 15);
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.deepEqual(ids, [...new Set(ids)]);
    for (const { path, method, operation } of operations) {
      const about = `${method} ${path}`;
      assert.match(operation.operationId, /^[a-z]+[A-Z]?[A-Za-z0-9]*$/, about);
      assert.ok(operation.summary && operation.description, about);
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      const parameters = operation.parameters ?? [];
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      assert.deepEqual(
        inPath.map(({ name, required }) => [name, required]),
        named.map((name) => [name, true]),
        about,
      );
      for (const parameter of parameters) assert.ok(["path", "query"].includes(parameter.in), about);
      assert.doesNotMatch(path, /:/, about);
      assert.ok(
        Object.keys(operation.responses).some((status) => status.startsWith("2")),
        about,
      );
      for (const [status, response] of Object.entries(operation.responses)) {
        assert.match(status, /^[2-5]\d\d$/, about);
        assert.ok(response.description, `${about} ${status}`);
      }
      for (const scheme of operation.security) {
        for (const name of Object.keys(scheme)) assert.ok(document.components.securitySchemes[name], about);
      }
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference = ""]) => reference,
    );
    assert.ok(references.length > 20);
    for (const reference of references) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
      assert.ok(name && document.components.schemas[name], reference);
    }
  });

  it("holds every call of the API and no other, and each one answers", async () => {
    await using t = await testAuth({ fields: preferences });
    const documented = operationsOf(await readDocument(t)).map(({ method, path }) => `${method} ${path}`);
    const routed = t.ctx.additions.endpoints
      .filter((one) => /^\/(?:api|\.well-known)\//.test(one.path) && (one.onlyIf?.(t.ctx) ?? true))
      .map((one) => `${one.method} ${one.path.replace(/:(\w+)/g, "{$1}").replace(/\/$/, "")}`);
    assert.deepEqual(documented.toSorted(), routed.toSorted());
    for (const call of documented) {
      const [method = "", path = ""] = call.split(" ");
      const request = new Request(`http://localhost:8000${path.replace(/\{\w+\}/g, "x")}`, {
        method: method.toUpperCase(),
      });
      const { status } = await t.http.send(request);
      assert.ok(status !== 404 && status !== 405, `${call} is documented and not there: ${status}`);
    }
  });

  it("leaves out what this system has not", async () => {
    await using t = await testAuth();
    const { paths } = await readDocument(t);
    assert.equal(paths["/api/auth/preferences"], undefined);
    assert.equal((await t.http.get("/api/auth/preferences/")).status, 404);
  });

  it("asks for a token where the call needs one, and nowhere else", async () => {
    await using t = await testAuth({ fields: preferences });
    for (const { method, path, operation } of operationsOf(await readDocument(t))) {
      const request = new Request(`http://localhost:8000${path.replace(/\{\w+\}/g, "x")}`, {
        method: method.toUpperCase(),
      });
      const { status, body } = await t.http.send(request);
      const isAsked = status === 401 && body.detail === "Authentication credentials were not provided.";
      // Logout takes a refresh token or a bearer token, and so asks for one of them itself.
      if (path !== "/api/auth/logout")
        assert.deepEqual(operation.security, isAsked ? [{ bearer: [] }] : [], `${method} ${path}`);
    }
  });

  it("begins its addresses with the public one, never with what a caller says", async () => {
    await using t = await testAuth({ environment: { PUBLIC_URL: "https://auth.example.com" } });
    const answer = await t.http.get("/api/schema/", {
      headers: { host: "evil.example", "x-forwarded-host": "evil.example" },
    });
    assert.deepEqual((answer.body as Document).servers, [{ url: "https://auth.example.com" }]);
    assert.doesNotMatch(answer.text, /evil/);
  });
});
