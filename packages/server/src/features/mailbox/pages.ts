/** The mailbox for people: every mail of a development system, and what is in it. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { findCaptured, listCaptured } from "../../core/mail/captured.ts";
import { layout } from "../../core/pages/layout.ts";
import { NotFound } from "../../platform/http/errors.ts";
import { foreignDocument, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { isThere, mayRead } from "./access.ts";
import { codeIn, linkIn } from "./api.ts";

const guarded = { access: mayRead, limit: [readsOnly], onlyIf: isThere } as const;

// The operator's pages are in English, as the logs are.
export const mailboxPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/",
  show: async (ctx) => {
    const mails = await listCaptured(ctx);
    const rows = mails.map(
      ({ id, mail, at, message }) => html`<tr>
<td>${at.toISOString().slice(11, 19)}</td><td>${mail}</td><td>${message.to}</td>
<td><a href="/_/mailbox/${id}/">${message.subject}</a></td></tr>`,
    );
    return layout(ctx, {
      title: "Mailbox",
      isWide: true,
      body: html`<p class="soft">No mail server is configured, so every mail lands here.
<a href="/_/mailbox/">Look again</a></p>
${
  rows.length === 0
    ? html`<p>No mail yet. Register somebody, and it shows up here.</p>`
    : html`<table><thead><tr><th>Time (UTC)</th><th>Mail</th><th>To</th><th>Subject</th></tr></thead>
<tbody>${rows}</tbody></table>`
}`,
    });
  },
};

export const mailPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/:id/",
  show: async (ctx, { params }) => {
    const found = await findCaptured(ctx, params.id ?? "");
    if (!found) throw new NotFound();
    const { message } = found;
    const [link, code] = [linkIn(message.text), codeIn(message.text)];
    return layout(ctx, {
      title: message.subject,
      isWide: true,
      body: html`<p class="soft"><a href="/_/mailbox/">All mail</a> · ${found.mail} · to ${message.to} ·
${found.at.toISOString()}</p>
${code !== null && html`<p class="code">${code}</p>`}
${link !== null && html`<p><a class="button" href="${link}">Open link</a></p>`}
<h2>HTML</h2><iframe title="The mail as HTML" src="/_/mailbox/${found.id}/html/"></iframe>
<h2>Plain text</h2><pre>${message.text}</pre>`,
    });
  },
};

export const mailHtmlPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/:id/html/",
  show: async (ctx, { params }) => {
    const found = await findCaptured(ctx, params.id ?? "");
    if (!found) throw new NotFound();
    return foreignDocument(found.message.html);
  },
};
