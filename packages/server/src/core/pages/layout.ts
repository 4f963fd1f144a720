/** The frame that every page of ours stands in: one column, one style, light and dark. */

import { createDocument, type Document, type Html, html } from "../../platform/http/html.ts";
import type { Context } from "../context.ts";

const style = `
:root{color-scheme:light dark;--ink:#1c1d22;--soft:#5d6070;--line:#d9dbe3;--ground:#f6f6f9;--card:#fff;--accent:#4338ca;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--soft:#a3a6b5;--line:#383a46;--ground:#15161b;--card:#1e2027;--accent:#a5a2ff;--bad:#ff9c90}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:26rem;margin:8vh auto;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
main.wide{max-width:60rem;margin:2rem auto}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.05rem;margin:2rem 0 .5rem}
p{margin:0 0 1rem}
a{color:var(--accent)}
label{display:block;font-weight:600;margin-bottom:.25rem}
input{display:block;width:100%;padding:.65rem .75rem;margin-bottom:1rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--soft);border-radius:8px}
button,.button{display:inline-block;min-height:44px;padding:.6rem 1.2rem;font:inherit;font-weight:600;color:var(--card);background:var(--accent);border:0;border-radius:8px;cursor:pointer;text-decoration:none}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.app{color:var(--soft);font-weight:600;margin-bottom:1.5rem}
.soft{color:var(--soft)}
.error{color:var(--bad);margin:-.5rem 0 1rem}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
code,pre{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid var(--line);border-radius:8px}
iframe{width:100%;height:40rem;border:1px solid var(--line);border-radius:8px;background:#fff}
.code{font:2rem ui-monospace,monospace;letter-spacing:.15em}
@media(max-width:30rem){main{margin:0;min-height:100vh;border:0;border-radius:0}}
`;

export interface PageParts {
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  readonly isWide?: boolean;
  readonly script?: string;
}

/** A page in the language and under the name of the product. */
export function layout(ctx: Context, { title, body, status, isWide, script }: PageParts): Document {
  return createDocument({
    language: ctx.request.language,
    title: `${title} · ${ctx.config.appName}`,
    style,
    script,
    status,
    body: html`<main class="${isWide ? "wide" : ""}">
<p class="app">${ctx.config.appName}</p>
<h1>${title}</h1>
${body}
</main>`,
  });
}
