/** The mailbox for people: every mail of a development system, and what is in it. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { type CapturedMail, clearCaptured, findCaptured, listCaptured } from "../../core/mail/captured.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import { NotFound } from "../../platform/http/errors.ts";
import { type Document, framedDocument, type Html, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { isThere, mayKnock, mayRead, useKey } from "./access.ts";
import { codeIn, linkIn } from "./contents.ts";

const limit = [readsOnly];
const guarded = { access: mayKnock, limit, onlyIf: isThere } as const;

/** Shows it to readers, and a form for the key to whoever could become one. */
const toReaders =
  (show: Page<Context>["show"]): Page<Context>["show"] =>
  async (ctx, call) =>
    mayRead(ctx) ? show(ctx, call) : askForKey(ctx);

function askForKey(ctx: Context, isWrong = false): Document {
  const state = isWrong && html` aria-invalid="true" aria-describedby="key-error" autofocus`;
  return layout(ctx, {
    title: "Mailbox",
    isError: isWrong,
    language: "en",
    status: 403,
    body: html`<p>From here it opens with the key that MAILBOX_KEY says.</p>
<form method="post" action="${hrefTo(ctx, "/_/mailbox/")}"><label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="off" required${state}>
${isWrong && html`<p class="error" id="key-error" role="alert">This is not the key.</p>`}
<button>Open</button></form>`,
  });
}
/** The operator's pages are in English, as the logs are. */
const ours = { isWide: true, language: "en" } as const;
/**
 * Looks for new mail every three seconds while somebody looks at the page, and says so. What is there stays, and new mail
 * is put beside it: what has the focus keeps it, and a screen reader does not begin anew (WCAG 2.2, 2.2.4 and 3.2.5).
 */
const lookScript = `
const mails = document.getElementById("mails");
const status = document.querySelector("[role=status]");
const items = (place) => new Map([...place.querySelectorAll("li")].map((item) => [item.querySelector("a").getAttribute("href"), item]));
function show(now) {
  const [before, after] = [items(mails), items(now)];
  if (before.size === 0 || after.size === 0) return mails.replaceChildren(...now.childNodes);
  const list = mails.querySelector("ul");
  for (const [key, item] of before) if (!after.has(key)) item.remove();
  [...after].forEach(([key, item], index) => {
    const old = before.get(key);
    if (old) old.querySelector("time").textContent = item.querySelector("time").textContent;
    else list.insertBefore(item, list.children[index]);
  });
}
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("mails");
    if (!now) return;
    const known = items(mails);
    const more = [...items(now).keys()].filter((key) => !known.has(key)).length;
    show(now);
    if (more > 0) status.textContent = more === 1 ? "1 new mail" : more + " new mails";
  } catch {}
}, 3000);
`;

const copyScript = `
const button = document.getElementById("copy");
button.hidden = !navigator.clipboard;
button.addEventListener("click", async () => {
  await navigator.clipboard.writeText(button.dataset.code);
  document.querySelector("[role=status]").textContent = "Copied";
});
`;

const style = `
.mails{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.mails li{border-bottom:1px solid var(--line)}
.mails a{display:grid;grid-template-columns:1fr auto;gap:0 1rem;padding:.75rem .25rem;color:inherit;text-decoration:none}
.mails a:hover .subject,.mails a:focus-visible .subject{text-decoration:underline}
.mails .subject{font-weight:600;overflow-wrap:anywhere}
.mails .soft{font-size:.9rem;overflow-wrap:anywhere}
.mails .aside{text-align:right;white-space:nowrap}
.actions>*{vertical-align:middle;margin:0 .75rem .5rem 0}
details{margin-top:1.5rem}
summary{min-height:44px;line-height:44px;font-weight:600;cursor:pointer}
iframe{display:block;width:100%;height:38rem;max-height:90vh;border:1px solid var(--line);border-radius:8px;background:var(--ground)}
.quiet{margin-top:1.5rem}
.quiet button{min-height:0;padding:0;color:var(--soft);background:none;font-weight:400;text-decoration:underline}
.quiet button:hover{color:var(--bad);background:none}
`;

export const mailboxPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/",
  show: toReaders(showMailbox),
  submit: async (ctx, { form }) => {
    if (form.key !== undefined) return useKey(ctx, form.key) ? showMailbox(ctx) : askForKey(ctx, true);
    if (!mayRead(ctx)) return askForKey(ctx);
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
    script: lookScript,
    body: html`<p class="soft">${
      isSentToo ? "Every mail is sent, and kept here as well." : "Nothing is sent: every mail lands here."
    } <a href="">Look for new mail</a></p>
<p role="status" class="soft"></p>
<div id="mails">${
      mails.length === 0
        ? html`<p>No mail yet. Register somebody, and it shows up here.</p>`
        : html`<ul class="mails">${mails.map((mail) => showItem(ctx, mail))}</ul>
<form method="post" class="quiet"><button>Empty the mailbox</button></form>`
    }</div>`,
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
  show: toReaders(async (ctx, { params }) => {
    const { id, mail, at, message } = await getCaptured(ctx, params.id);
    const [link, code] = [linkIn(message.text), codeIn(message.text)];
    return layout(ctx, {
      ...ours,
      style,
      title: message.subject,
      ...(code === null ? {} : { script: copyScript }),
      body: html`<p class="soft"><a href="${hrefTo(ctx, "/_/mailbox/")}">All mail</a> · ${mail} · to ${message.to} · ${sayMoment(at)}</p>
<p class="actions">${link !== null && html`<a class="button" href="${link}" target="_blank" rel="noopener">Open link</a>`}
${code !== null && html`<button type="button" id="copy" data-code="${code}" hidden>Copy code</button> <span role="status"></span>`}</p>
<h2>As it looks</h2><iframe title="The mail as it looks" src="${hrefTo(ctx, `/_/mailbox/${id}/html/`)}"></iframe>
<details><summary>As plain text</summary><pre>${message.text}</pre></details>`,
    });
  }),
};

export const mailHtmlPage: Page<Context> = {
  ...guarded,
  path: "/_/mailbox/:id/html/",
  show: toReaders(async (ctx, { params }) => {
    const { message } = await getCaptured(ctx, params.id);
    return framedDocument(message.html.replaceAll("<a ", '<a target="_blank" rel="noopener" '));
  }),
};

async function getCaptured(ctx: Context, id: string | undefined): Promise<CapturedMail> {
  const found = await findCaptured(ctx, id ?? "");
  if (!found) throw new NotFound();
  return found;
}
