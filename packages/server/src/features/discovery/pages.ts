/** The API's description for people: every call, how to try it, its fields, its answers. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import type { JsonSchema } from "../../platform/http/fields.ts";
import { type Html, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { describeSystem } from "./api.ts";
import { curlOf, exampleOf } from "./examples.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly security: readonly unknown[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}

interface Content {
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const style = `
section{margin-top:2.5rem;padding-top:1.5rem;border-top:1px solid var(--line)}
section h2{margin:0 0 .5rem}
h3{font-size:.9rem;margin:1.5rem 0 .25rem}
h2 a{color:inherit;text-decoration:none}
.verb{display:inline-block;min-width:4.2rem;color:var(--link);font-weight:700}
nav ol{list-style:none;margin:0;padding:0;columns:2 24rem}
nav li{break-inside:avoid;padding:.15rem 0}
nav a{text-decoration:none}
nav span{color:var(--soft)}
pre{margin:0 0 1rem;font-size:.85em}
td:first-child,.when{white-space:nowrap}
`;

// In English, as the documents are.
export const referencePage: Page<Context> = {
  path: "/_/docs/",
  access: async () => undefined,
  limit: [readsOnly],
  show: async (ctx) => {
    const calls = listCalls(ctx);
    return layout(ctx, {
      title: "API reference",
      isWide: true,
      style,
      language: "en",
      body: html`<p class="soft">The same as a machine reads it: <a href="${hrefTo(ctx, "/api/schema/")}">OpenAPI 3.1</a>. Bodies are JSON or
forms. Errors are Django REST Framework's, or RFC 9457's with <code>Accept: application/problem+json</code>.</p>
<nav aria-label="Calls"><ol>${calls.map(showEntry)}</ol></nav>
${calls.map((call) => showCall(ctx.config.publicUrl, call))}`,
    });
  },
};

function listCalls(ctx: Context): Call[] {
  return Object.entries(describeSystem(ctx).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method,
      path,
      operation: operation as unknown as Operation,
    })),
  );
}

function showEntry({ method, path, operation }: Call): Html {
  return html`<li><a href="#${operation.operationId}"><code>${method.toUpperCase()} ${path}</code></a><br>
<span>${operation.summary}</span></li>`;
}

function showCall(origin: string, { method, path, operation }: Call): Html {
  const { operationId, summary, description, security, requestBody } = operation;
  const body = schemaOf(requestBody);
  const example = { method, url: `${origin}${path}`, needsToken: security.length > 0, body };
  return html`<section id="${operationId}">
<h2><a href="#${operationId}"><span class="verb">${method.toUpperCase()}</span><code>${path}</code></a></h2>
<p>${summary}. ${security.length > 0 ? "Needs a bearer token." : "Open to everybody."}</p>
${description.split("\n\n").map((part) => html`<p class="soft">${part}</p>`)}
<pre>${curlOf(example)}</pre>
${body && showFields(body)}
${showAnswers(operation)}</section>`;
}

const schemaOf = (content: Content | undefined) => content?.content["application/json"]?.schema;

function showFields(schema: JsonSchema): Html {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const required = (schema.required ?? []) as readonly string[];
  const rows = Object.entries(properties).map(
    ([name, field]) => html`<tr><td><code>${name}</code></td><td>${describeType(field)}</td>
<td class="when">${required.includes(name) ? "required" : "optional"}</td></tr>`,
  );
  return rows.length > 0 ? html`<h3>Fields</h3><table><tbody>${rows}</tbody></table>` : html``;
}

function describeType({ type, format, maxLength, enum: choices }: JsonSchema): string {
  if (Array.isArray(choices)) return choices.map((choice) => JSON.stringify(choice)).join(" or ");
  const details = [format, typeof maxLength === "number" && `${maxLength} characters at the most`];
  const said = details.filter(Boolean).join(", ");
  return `${[type].flat().join(" or ") || "any JSON"}${said ? ` (${said})` : ""}`;
}

function showAnswers({ responses }: Operation): Html {
  const rows = Object.entries(responses).flatMap(([status, answer]) => {
    if (status < "300")
      return [html`<tr><td><code>${status}</code></td><td>${showExample(answer)}</td></tr>`];
    return answer.description
      .split("\n")
      .map((line) => html`<tr><td><code>${status}</code></td><td>${showError(line)}</td></tr>`);
  });
  return html`<h3>Answers</h3><table><tbody>${rows}</tbody></table>`;
}

function showExample(answer: Content): Html {
  const schema = schemaOf(answer);
  return schema ? html`<pre>${JSON.stringify(exampleOf(schema), null, 2)}</pre>` : html``;
}

/** An error as the document lists it: "- `code`: sentence", or only a sentence. */
function showError(line: string): Html {
  const [, code, sentence] = /^- `(.+?)`(?:: (.*))?$/.exec(line) ?? [undefined, undefined, line];
  return html`${code && html`<code>${code}</code> `}${sentence}`;
}
