/** The page of the HTTP API, from the endpoints themselves. */

import type { createAuth } from "../../src/auth.ts";
import { userSchema } from "../../src/core/accounts/fields.ts";
import { standardFeatures } from "../../src/features.ts";
import type { AnyEndpoint } from "../../src/platform/http/endpoint.ts";
import { Throttled } from "../../src/platform/http/errors.ts";
import type { JsonSchema } from "../../src/platform/http/fields.ts";
import { formSchema } from "../../src/platform/http/form.ts";
import { operationId } from "../../src/platform/http/openapi.ts";
import { code, page, table } from "./markdown.ts";

export type System = ReturnType<Awaited<ReturnType<typeof createAuth>>["context"]>;
export type AnyOf = AnyEndpoint<System>;

export function describeHttp(system: System, endpoints: readonly AnyOf[]): string {
  const groups = Map.groupBy(endpoints, (one) =>
    one.path.startsWith("/api/") ? "The API" : "Beside the API",
  );
  const pages = standardFeatures
    .flatMap((feature) => ("pages" in feature ? feature.pages : []))
    .map(({ path, submit }) => [code(path), submit ? "shows a form, and takes it" : "shows"]);
  return page(
    "HTTP API",
    "A running server describes itself: `/api/schema/` is OpenAPI 3.1, `/_/docs/` the same for people. This page is " +
      "made from the same declarations, with the settings of a development system and one field of its own, " +
      "`preferences`.",
    "Bodies are JSON, or forms as browsers send them, of 64 KiB at the most. Unknown fields are ignored. A path " +
      "answers with and without its final slash. `Accept-Language` chooses between English and Brazilian Portuguese. " +
      "Every answer has an `X-Request-Id`, which also stands in the log. What errors look like: [errors](errors.md).",
    "How often is by address, account or what else it says. An address is one of IPv4, or a /64 of IPv6; of IPv6 a /56 has " +
      "four times as many, and a /48 sixteen times.",
    "## The user object",
    schemaTable(userSchema(system.additions.fields)),
    ...[...groups].flatMap(([title, list]) => [
      `## ${title}`,
      ...list.map((one) => describeEndpoint(system, one)),
    ]),
    "## Pages",
    "Pages are HTML. Opening one changes nothing; its form does.",
    table(["Path", "What it does"], pages),
  );
}

function describeEndpoint(system: System, one: AnyOf): string {
  const form = typeof one.body === "function" ? one.body(system) : one.body;
  const reply = typeof one.reply === "function" ? one.reply(system) : one.reply;
  const also = (one.alsoAt ?? []).map((path) => ` Also at ${code(path)}.`).join("");
  const throttled = one.limit.length > 0 ? [Throttled] : [];
  const errors = [...new Set([...one.errors, ...one.access.errors, ...throttled])].map(
    (error) => `${code(error.code)} (${error.status})`,
  );
  const properties = Object.keys(reply.properties ?? {});
  return [
    `### ${one.method.toUpperCase()} ${one.path}`,
    `${one.summary}.${also}`,
    ...(one.description ? [one.description] : []),
    [
      `- Who: ${one.access.needsToken ? "whoever is signed in (`Authorization: Bearer …`)" : "anyone"}`,
      ...Object.entries(one.query ?? {}).map(
        ([name, schema]) => `- Query: ${code(name)}: ${describeParameter(schema)}`,
      ),
      `- How often: ${one.limit.map(({ describe }) => describe(system)).join("; ") || "without a limit"}`,
      `- Answers ${one.status ?? 200}${properties.length > 0 ? ` with ${properties.map(code).join(", ")}` : ""}`,
      `- Errors: ${errors.join(", ") || "none"}`,
      `- Operation: ${code(operationId(one))}`,
    ].join("\n"),
    ...(form && Object.keys(form.fields).length > 0 ? [schemaTable(formSchema(form.fields))] : []),
  ].join("\n\n");
}

/** What a parameter of the query means, or which numbers it takes. */
function describeParameter(schema: JsonSchema): string {
  const { description, minimum, maximum } = schema as {
    readonly description?: string;
    readonly minimum?: number;
    readonly maximum?: number;
  };
  return description ?? `${minimum} to ${maximum}`;
}

function schemaTable(schema: JsonSchema): string {
  const required = (schema.required ?? []) as readonly string[];
  const rows = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>).map(
    ([name, one]) => [code(name), describeType(one), required.includes(name) ? "always" : "may be left out"],
  );
  return table(["Field", "Type", "There"], rows);
}

function describeType(schema: JsonSchema): string {
  const {
    type,
    format,
    maxLength,
    enum: choices,
  } = schema as {
    readonly type?: string | readonly string[];
    readonly format?: string;
    readonly maxLength?: number;
    readonly enum?: readonly string[];
  };
  if (choices) return choices.map(code).join(" or ");
  const kind = typeof type === "object" ? type.join(" or ") : (type ?? "any JSON");
  const details = [format ?? "", maxLength === undefined ? "" : `${maxLength} characters at the most`];
  const said = details.filter((detail) => detail !== "").join(", ");
  return said === "" ? kind : `${kind} (${said})`;
}
