/** The OpenAPI 3.1 document of a list of endpoints: made from what runs, so it cannot say anything else. */

import type { AnyEndpoint, RequestContext } from "./endpoint.ts";
import { type DeclaredError, Throttled } from "./errors.ts";
import type { JsonSchema } from "./fields.ts";
import { formSchema } from "./form.ts";

export interface ApiDescription<Ctx extends RequestContext> {
  readonly endpoints: readonly AnyEndpoint<Ctx>[];
  readonly title: string;
  readonly description: string;
  /** Whose it is, and how to reach them. */
  readonly contact: { readonly name: string; readonly url: string };
  /** By its name in SPDX's list. */
  readonly license: string;
  readonly version: string;
  readonly serverUrl: string;
  /** Schemas that replies are made of, shown under their names. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: JsonSchema;
  readonly servers: readonly JsonSchema[];
  readonly tags: readonly JsonSchema[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
  readonly components: JsonSchema;
}

export function describeApi<Ctx extends RequestContext>(
  system: Ctx,
  api: ApiDescription<Ctx>,
): OpenApiDocument {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const endpoints = api.endpoints.filter((endpoint) => endpoint.onlyIf?.(system) ?? true);
  for (const one of endpoints) {
    const path = one.path.replace(/:([a-z_]+)/g, "{$1}");
    paths[path] = { ...paths[path], [one.method]: describeOperation(system, one) };
  }
  return {
    openapi: "3.1.0",
    info: {
      ...{ title: api.title, version: api.version, description: api.description, contact: api.contact },
      license: { name: api.license, identifier: api.license },
    },
    servers: [{ url: api.serverUrl }],
    tags: [...new Set(endpoints.map(tagOf))].map((name) => ({ name, description: `Paths of "${name}".` })),
    paths,
    components: {
      schemas: { ...errorSchemas, ...api.schemas },
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

/**
 * The document as programs read it, without what their linters find fault with: each schema that has a name is given
 * once, and paths end without a slash, with which they answer alike.
 */
export function publish(document: OpenApiDocument): OpenApiDocument {
  const named = new Map(
    Object.entries(document.components.schemas as object).map(([name, schema]) => [
      JSON.stringify(schema),
      name,
    ]),
  );
  const paths = JSON.parse(JSON.stringify(document.paths), (_key, value: unknown) => {
    const name = typeof value === "object" ? named.get(JSON.stringify(value)) : undefined;
    return name === undefined ? value : { $ref: `#/components/schemas/${name}` };
  }) as OpenApiDocument["paths"];
  return {
    ...document,
    paths: Object.fromEntries(Object.entries(paths).map(([path, item]) => [path.replace(/\/$/, ""), item])),
  };
}

function describeOperation<Ctx extends RequestContext>(system: Ctx, one: AnyEndpoint<Ctx>): JsonSchema {
  const form = typeof one.body === "function" ? one.body(system) : one.body;
  const parameters = [
    ...[...one.path.matchAll(/:([a-z_]+)/g)].map(([, name]) => ({
      ...{ name, in: "path", required: true, schema: { type: "string" } },
    })),
    ...Object.entries(one.query ?? {}).map(([name, schema]) => ({ name, in: "query", schema })),
  ];
  const limits = one.limit.map((limit) => limit.describe(system)).join("; ");
  return {
    operationId: operationId(one),
    summary: one.summary,
    description: [one.description, `Limit: ${limits || "none"}.`].filter(Boolean).join("\n\n"),
    tags: [tagOf(one)],
    security: one.access.needsToken ? [{ bearer: [] }] : [],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(form ? { requestBody: describeBody(formSchema(form.fields)) } : {}),
    responses: describeResponses(system, one, form !== undefined),
  };
}

function describeBody(schema: JsonSchema): JsonSchema {
  return {
    required: true,
    content: Object.fromEntries(
      ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"].map((type) => [
        type,
        { schema },
      ]),
    ),
  };
}

function describeResponses<Ctx extends RequestContext>(
  system: Ctx,
  one: AnyEndpoint<Ctx>,
  hasBody: boolean,
): JsonSchema {
  const schema = typeof one.reply === "function" ? one.reply(system) : one.reply;
  const responses: Record<string, JsonSchema> = {
    [one.status ?? 200]: { description: "Done.", content: { "application/json": { schema } } },
  };
  const throttled = one.limit.length > 0 ? [Throttled] : [];
  const errors: readonly DeclaredError[] = [...one.errors, ...one.access.errors, ...throttled];
  for (const status of [...new Set(errors.map((error) => error.status))].sort((a, b) => a - b)) {
    responses[status] = describeErrors(errors.filter((error) => error.status === status));
  }
  if (hasBody) {
    responses[413] = { description: "The body is larger than 64 KiB.", content: contentOf("Detail") };
    responses[415] = { description: "The body is neither JSON nor a form.", content: contentOf("Detail") };
  }
  // Whatever else may be wrong with a call, it can be no HTTP that only one reading has.
  if (!Object.keys(responses).some((status) => status.startsWith("4")))
    responses[400] = { description: "The request is broken.", content: contentOf("Detail") };
  return responses;
}

const contentOf = (schema: string) => ({
  "application/json": { schema: { $ref: `#/components/schemas/${schema}` } },
  "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
});

function describeErrors(errors: readonly DeclaredError[]): JsonSchema {
  const said = errors.map((error) => `- \`${error.code}\`${error.sentence ? `: ${error.sentence.en}` : ""}`);
  const isOfForm = errors.some((error) => error.isOfForm);
  return { description: said.join("\n"), content: contentOf(isOfForm ? "FieldErrors" : "Detail") };
}

const errorSchemas: Readonly<Record<string, JsonSchema>> = {
  Detail: {
    type: "object",
    properties: { detail: { type: "string" }, code: { type: "string" } },
    required: ["detail"],
  },
  FieldErrors: {
    description: 'Sentences by field, or `{"detail": …}`.',
    type: "object",
    additionalProperties: { anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }] },
  },
  Problem: {
    description: "RFC 9457, for who accepts application/problem+json.",
    type: "object",
    properties: {
      type: { type: "string" },
      title: { type: "string" },
      status: { type: "integer" },
      detail: { type: "string" },
      code: { type: "string" },
      errors: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
      ref: { type: "string" },
    },
    required: ["type", "title", "status", "detail", "code", "ref"],
  },
};

const prefix = /^\/(?:api\/auth|api|_|\.well-known)\//;

/** What a call is about, in a word: the first of its path. */
const tagOf = ({ path }: { readonly path: string }): string =>
  path.replace(prefix, "").split(/[/.]/)[0] ?? "";

/** A name for the operation, from its method and path: `postPasswordResetConfirm`. */
export function operationId<Ctx extends RequestContext>(
  one: Pick<AnyEndpoint<Ctx>, "method" | "path">,
): string {
  const words = one.path
    .replace(/^\/(?:api\/auth|api|_)\//, "")
    .split(/[/\-:_.]+/)
    .filter((word) => word !== "");
  return one.method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
