import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineError, defineFormError, FieldsInvalid } from "./errors.ts";
import { integer, text } from "./fields.ts";
import { form } from "./form.ts";
import { describeApi, operationId } from "./openapi.ts";
import { countingLimit, openToAll, probe } from "./probe.testing.ts";

interface Operation {
  readonly description: string;
  readonly security?: readonly object[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly properties: object } }>;
  };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content: Record<string, { readonly schema: object }> }
  >;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, object>;
    readonly securitySchemes: Record<string, object>;
  };
}

const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe("an operation", () => {
  class Gone extends defineError(410, "gone", { en: "It is gone.", "pt-BR": "Foi." }) {}
  const describeOne = (changes: Parameters<typeof probe>[0]) => {
    const ctx = { request: {} } as never;
    const api = {
      endpoints: [probe(changes)],
      title: "T",
      version: "1",
      description: "D",
      contact: { name: "C", url: "http://c" },
      license: "MIT",
      serverUrl: "http://x",
      schemas: {},
    };
    const document = describeApi(ctx, api) as unknown as Document;
    const [described] = operationsOf(document);
    return described?.operation ?? assert.fail();
  };

  it("tells each error that it declares, with its code and its sentence, under its status", () => {
    const { responses } = describeOne({
      errors: [Gone, FieldsInvalid],
      body: form({ name: text() }),
      limit: [countingLimit("address", async () => undefined)],
      status: 201,
    });
    assert.deepEqual(Object.keys(responses), ["201", "400", "410", "413", "415", "429"]);
    assert.equal(responses[410]?.description, "- `gone`: It is gone.");
    assert.equal(responses[400]?.description, "- `invalid`");
    assert.deepEqual(Object.keys(responses[410]?.content ?? {}), [
      "application/json",
      "application/problem+json",
    ]);
  });

  it("tells whether an error has sentences by field, or a detail", () => {
    class Odd extends defineFormError("odd", { en: "It is odd.", "pt-BR": "É ímpar." }) {}
    const { responses } = describeOne({ errors: [Odd, Gone] });
    const schemaOf = (status: number) => responses[status]?.content["application/json"]?.schema;
    assert.deepEqual(schemaOf(400), { $ref: "#/components/schemas/FieldErrors" });
    assert.deepEqual(schemaOf(410), { $ref: "#/components/schemas/Detail" });
  });

  it("tells what its access refuses and how often it may be called", () => {
    const { responses, description, security } = describeOne({
      access: { ...openToAll, needsToken: true, errors: [Gone] },
      limit: [countingLimit("address", async () => undefined)],
    });
    assert.ok(responses[410]);
    assert.deepEqual([security, describeOne({}).security], [[{ bearer: [] }], []]);
    assert.match(description, /Limit: a few\./);
  });

  it("may always be refused, though by no limit where it has none", () => {
    const { responses, description } = describeOne({});
    assert.deepEqual([Object.keys(responses), description], [["200", "400"], "Limit: none."]);
  });

  it("takes its body in each of the three forms, with the fields that the form asks for", () => {
    const { requestBody } = describeOne({
      body: () => form({ name: text(), age: integer({ required: false }) }),
    });
    const contents = requestBody?.content ?? {};
    assert.deepEqual(Object.keys(contents), [
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
    ]);
    for (const { schema } of Object.values(contents))
      assert.deepEqual(Object.keys(schema.properties), ["name", "age"]);
    assert.equal(describeOne({}).requestBody, undefined);
  });

  it("is named by its method and its path", () => {
    const names = (
      [
        ...[
          ["post", "/api/auth/password/reset/confirm/"],
          ["get", "/api/auth/verify-email/:token/"],
          ["get", "/api/schema/"],
        ],
        ...[
          ["get", "/_/health/"],
          ["post", "/api/token/verify/"],
          ["post", "/api/auth/token/verify/"],
        ],
      ] as ["get" | "post", `/${string}`][]
    ).map(([method, path]) => operationId({ method, path }));
    assert.deepEqual(names.slice(0, 4), [
      "postPasswordResetConfirm",
      "getVerifyEmailToken",
      "getSchema",
      "getHealth",
    ]);
  });
});
