/** The API's description for people: every call, its fields, its answers. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { layout } from "../../core/pages/layout.ts";
import { type Html, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { describeSystem } from "./api.ts";

interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly security?: unknown;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: BodySchema }>> };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

interface BodySchema {
  readonly properties?: Readonly<Record<string, { readonly type?: unknown; readonly format?: string }>>;
  readonly required?: readonly string[];
}

// In English, as the documents are.
export const referencePage: Page<Context> = {
  path: "/_/docs/",
  access: async () => undefined,
  limit: [readsOnly],
  show: async (ctx) => {
    const { paths } = describeSystem(ctx);
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) =>
        showOperation(method, path, operation as unknown as Operation),
      ),
    );
    return layout(ctx, {
      title: "API reference",
      isWide: true,
      body: html`<p class="soft">The same as a machine reads it: <a href="/api/schema/">OpenAPI 3.1</a>.</p>${operations}`,
    });
  },
};

function showOperation(method: string, path: string, operation: Operation): Html {
  const schema = operation.requestBody?.content["application/json"]?.schema;
  return html`<section><h2><code>${method.toUpperCase()} ${path}</code></h2>
<p>${operation.summary}. ${operation.security ? "Needs a bearer token." : "Open to everybody."}</p>
${operation.description.split("\n\n").map((part) => html`<p class="soft">${part}</p>`)}
${schema && showFields(schema)}
<table><tbody>${Object.entries(operation.responses).map(
    ([status, answer]) =>
      html`<tr><td><code>${status}</code></td><td>${answer.description
        .split("\n")
        .map((line) => html`${line.replace(/^- /, "").replaceAll("`", "")}<br>`)}</td></tr>`,
  )}</tbody></table></section>`;
}

function showFields(schema: BodySchema): Html {
  const rows = Object.entries(schema.properties ?? {}).map(
    ([name, { type, format }]) => html`<tr><td><code>${name}</code></td>
<td>${[type].flat().join(" or ") || "any"}${format ? ` (${format})` : ""}</td>
<td>${schema.required?.includes(name) ? "required" : ""}</td></tr>`,
  );
  return html`<table><tbody>${rows}</tbody></table>`;
}
