/** What a browser is shown at the addresses that people type, or copy from the terminal. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import { takesHtml } from "../../platform/http/answer.ts";
import { NotFound } from "../../platform/http/errors.ts";
import { type Document, type Html, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { sentences } from "./texts.ts";

/** Programs are told that there is nothing, as ever. */
const toBrowsers = async ({ request }: Context): Promise<void> => {
  if (!takesHtml(request.headers)) throw new NotFound();
};

const open = { access: toBrowsers, limit: [readsOnly] } as const;

const listed = (
  ctx: Context,
  links: readonly (readonly [path: `/${string}`, name: string, text: string])[],
): Html =>
  html`<ul class="places">${links.map(([path, name, text]) => html`<li><a href="${hrefTo(ctx, path)}">${name}</a><br><span class="soft">${text}</span></li>`)}</ul>`;

const style = `
.places{list-style:none;margin:0;padding:0}
.places li{padding:.6rem 0;border-top:1px solid var(--line)}
.places a{font-weight:600}
`;

/** For whoever runs this. In English, as the documents are. */
function operatorsLinks(ctx: Context): Html {
  const { backend } = ctx.config.mail;
  const hasMailbox = ctx.config.mode !== "production" && (backend === "capture" || backend === "both");
  return listed(ctx, [
    ["/_/docs/", "API reference", "every call, its fields and its answers"],
    ["/api/schema/", "OpenAPI 3.1", "the same, for machines"],
    ...(hasMailbox ? [["/_/mailbox/", "Mailbox", "every mail of this development system"] as const] : []),
    ["/_/health/", "Health", "whether the process runs"],
    ["/_/ready/", "Readiness", "whether it can serve"],
  ]);
}

export const startPage: Page<Context> = { ...open, path: "/", show: async (ctx) => showStart(ctx) };

function showStart(ctx: Context): Document {
  const { appName, frontendUrl, mode } = ctx.config;
  const say = (key: keyof typeof sentences) =>
    sentences[key][ctx.request.language].replace("{app}", () => appName);
  return layout(ctx, {
    title: say("title"),
    style,
    body: html`<p>${say("text")}</p>
${frontendUrl !== undefined && html`<p><a class="button" href="${frontendUrl}">${say("toApp")}</a></p>`}
${mode !== "production" && html`<h2 lang="en">Development</h2>${operatorsLinks(ctx)}`}`,
  });
}

const forOperators = (path: `/${string}`, title: string): Page<Context> => ({
  ...open,
  path,
  show: async (ctx) => layout(ctx, { title, style, language: "en", body: operatorsLinks(ctx) }),
});

export const operatorsPage = forOperators("/_/", "Operation");
export const apiPage: Page<Context> = { ...forOperators("/api/auth/", "The API"), besideEndpoint: true };
