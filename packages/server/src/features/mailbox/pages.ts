/** The mailbox for people: every mail of a development system, and what is in it. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { type CapturedMail, clearCaptured, findCaptured, listCaptured } from "../../core/mail/captured.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import { NotFound } from "../../platform/http/errors.ts";
import { type Document, framedDocument, type Html, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { isThere, mayRead } from "./access.ts";
import { codeIn, linkIn } from "./contents.ts";

const guarded = { access: mayRead, limit: [readsOnly], onlyIf: isThere } as const;
/** The operator's pages are in English, as the logs are. */
const ours = { isWide: true, language: "en" } as const;
/** Seconds between two looks of a browser that shows the list. */
const lookEvery = 3;

const style = `
.mails{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.mails li{border-bottom:1px solid var(--line)}
.mails a{display:grid;grid-template-columns:1fr auto;gap:0 1rem;padding:.75rem .25rem;color:inherit;text-decoration:none}
.mails a:hover .subject,.mails a:focus-visible .subject{text-decoration:underline}
.mails .subject{font-weight:600;overflow-wrap:anywhere}
.mails .soft{font-size:.9rem;overflow-wrap:anywhere}
.mails .aside{text-align:right;white-space:nowrap}
.code{font:600 2.5rem/1.2 ui-monospace,SFMono-Regular,Menlo,monospace;letter-spacing:.08em;user-select:all;-webkit-user-select:all}
.code span{margin-left:.4em}
iframe{display:block;width:100%;height:38rem;max-height:90vh;border:1px solid var(--line);border-radius:8px;background:var(--ground)}
.quiet{margin-top:1.5rem}
.quiet button{min-height:0;padding:0;color:var(--soft);background:none;font-weight:400;text-decoration:underline}
.quiet button:hover{color:var(--bad);background:none}
`;

export const mailboxPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/",
  show: showMailbox,
  submit: async (ctx) => {
    await clearCaptured(ctx);
    return showMailbox(ctx);
  },
};

async function showMailbox(ctx: Context): Promise<Document> {
  const mails = await listCaptured(ctx);
  const isSentToo = ctx.config.mail.backend === "both";
  return layout(ctx, {
    ...ours,
    style,
    title: "Mailbox",
    refreshAfter: lookEvery,
    body: html`<p class="soft">${
      isSentToo ? "Every mail is sent, and kept here as well." : "Nothing is sent: every mail lands here."
    } This page looks for new mail by itself.</p>
${
  mails.length === 0
    ? html`<p>No mail yet. Register somebody, and it shows up here.</p>`
    : html`<ul class="mails">${mails.map((mail) => showItem(ctx, mail))}</ul>
<form method="post" class="quiet"><button>Empty the mailbox</button></form>`
}`,
  });
}

function showItem(ctx: Context, { id, mail, at, message }: CapturedMail): Html {
  return html`<li><a href="${hrefTo(ctx, `/_/mailbox/${id}/`)}"><span class="subject">${message.subject}</span>
<time class="soft aside" datetime="${at.toISOString()}" title="${sayMoment(at)}">${sayAge(at, ctx.now())}</time>
<span class="soft">${message.to}</span> <span class="soft aside">${mail}</span></a></li>`;
}

/** "just now", "5 minutes ago": what somebody who has just pressed a button looks for. */
function sayAge(at: Date, now: Date): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  if (seconds > -5) return "just now";
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds > -60) return relative.format(seconds, "second");
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), "minute");
  if (seconds > -86_400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}

/** In the machine's own time, since whoever reads this sits at it. */
function sayMoment(at: Date): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" }).format(at);
}

export const mailPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/:id/",
  show: async (ctx, { params }) => {
    const { id, mail, at, message } = await getCaptured(ctx, params.id);
    const [link, code] = [linkIn(message.text), codeIn(message.text)];
    return layout(ctx, {
      ...ours,
      style,
      title: message.subject,
      body: html`<p class="soft"><a href="${hrefTo(ctx, "/_/mailbox/")}">All mail</a> · ${mail} · to ${message.to} · ${sayMoment(at)}</p>
${code !== null && html`<p class="code">${code.slice(0, 3)}<span>${code.slice(3)}</span></p>`}
${link !== null && html`<p><a class="button" href="${link}" target="_blank" rel="noopener">Open link</a></p>`}
<h2>As it looks</h2><iframe title="The mail as it looks" src="${hrefTo(ctx, `/_/mailbox/${id}/html/`)}"></iframe>
<h2>As plain text</h2><pre>${message.text}</pre>`,
    });
  },
};

export const mailHtmlPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/:id/html/",
  show: async (ctx, { params }) => {
    const { message } = await getCaptured(ctx, params.id);
    return framedDocument(message.html.replaceAll("<a ", '<a target="_blank" rel="noopener" '));
  },
};

async function getCaptured(ctx: Context, id: string | undefined): Promise<CapturedMail> {
  const found = await findCaptured(ctx, id ?? "");
  if (!found) throw new NotFound();
  return found;
}
