/** Calls to try and answers to expect, made from the schemas of the API. */

import type { JsonSchema } from "../../platform/http/fields.ts";

const byName: Readonly<Record<string, unknown>> = {
  username: "ada",
  first_name: "Ada",
  last_name: "Lovelace",
  bio: "Makes pictures.",
  code: "493771",
  scope: "this",
  preferences: { theme: "dark" },
};

const byFormat: Readonly<Record<string, unknown>> = {
  email: "ada@example.org",
  password: "Green-Valley-82",
  uuid: "0b7e4c1a-6f0d-4a53-9d35-2f6a1c8e7b90",
  date: "1990-12-10",
  "date-time": "2026-11-24T14:02:11.000Z",
  uri: "https://example.org/ada",
};

const byType: Readonly<Record<string, unknown>> = { integer: 1, boolean: true, string: "…" };

/** A value that the schema allows; of an object, what it must have. */
export function exampleOf(schema: JsonSchema, name = ""): unknown {
  const { type, format, enum: choices, items, properties } = schema;
  if (Array.isArray(choices)) return choices[0];
  if (items) return [exampleOf(items as JsonSchema)];
  if (properties) return exampleOfObject(schema, properties as Readonly<Record<string, JsonSchema>>);
  return byName[name] ?? byFormat[String(format)] ?? byType[[type].flat()[0] as string] ?? {};
}

function exampleOfObject(schema: JsonSchema, properties: Readonly<Record<string, JsonSchema>>): unknown {
  const required = schema.required as readonly string[] | undefined;
  // Where nothing must be there, the first one shows what a call is like.
  const names = required ?? Object.keys(properties).slice(0, 1);
  return Object.fromEntries(names.map((name) => [name, exampleOf(properties[name] ?? {}, name)]));
}

export interface ExampleCall {
  readonly method: string;
  readonly url: string;
  readonly needsToken: boolean;
  readonly body: JsonSchema | undefined;
}

/** The call as a line for the shell; the token stands in `$ACCESS`. */
export function curlOf({ method, url, needsToken, body }: ExampleCall): string {
  const parts = [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${url}`,
    needsToken && '-H "Authorization: Bearer $ACCESS"',
    body && "-H 'Content-Type: application/json'",
    body && `-d '${JSON.stringify(exampleOf(body))}'`,
  ];
  return parts.filter(Boolean).join(" \\\n  ");
}
