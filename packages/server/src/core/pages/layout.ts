/** The frame that every page of ours stands in: one column, one style, light and dark. */

import { createDocument, type Document, type Html, html } from "../../platform/http/html.ts";
import type { Language } from "../../platform/texts.ts";
import { colours } from "../colours.ts";
import type { Context } from "../context.ts";
import { sentences } from "./texts.ts";

const variables = (scheme: keyof typeof colours) =>
  Object.entries(colours[scheme])
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(";");

const style = `
:root{color-scheme:light dark;${variables("light")}}
@media(prefers-color-scheme:dark){:root{${variables("dark")}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%;overflow-wrap:break-word}
main{min-width:0;max-width:26rem;margin:10vh auto 2rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:14px;box-shadow:0 1px 2px rgb(0 0 0/.05),0 8px 24px rgb(0 0 0/.05)}
main.wide{max-width:60rem;margin-top:2rem}
main>:last-child,form>:last-child{margin-bottom:0}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.05rem;margin:2rem 0 .5rem}
p{margin:0 0 1rem}
a{color:var(--link)}
label{display:block;font-weight:600;margin-bottom:.35rem}
input{display:block;width:100%;min-height:44px;padding:.55rem .75rem;margin-bottom:1.25rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--field);border-radius:8px}
input[aria-invalid]{margin-bottom:.35rem;border-color:var(--bad)}
button,.button{display:inline-block;min-height:44px;padding:.6rem 1.2rem;font:inherit;font-weight:600;color:var(--label);background:var(--button);border:0;border-radius:8px;cursor:pointer;text-align:center;text-decoration:none}
button:hover,.button:hover{background:var(--hover)}
main:not(.wide) button{width:100%}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.app{color:var(--soft);font-weight:600;margin-bottom:1.25rem}
.soft{color:var(--soft)}
.error{color:var(--bad);margin:0 0 1.25rem}
.error+.error{margin-top:-1rem}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
code,pre{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid var(--line);border-radius:8px}
@media(max-width:30rem){main,main.wide{margin:0;padding:1.5rem 1.25rem;min-height:100vh;border:0;border-radius:0;box-shadow:none}}
`;

export interface PageParts {
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  /** Whether it shows what went wrong with a form: the title says so first (WCAG 2.2, 2.4.2). */
  readonly isError?: boolean;
  readonly isWide?: boolean;
  readonly script?: string;
  /** What only this page looks like, after what all look like. */
  readonly style?: string;
  /** The language of a page that is not written in the reader's. */
  readonly language?: Language;
}

/** A page in the language and under the name of the product. */
export function layout(ctx: Context, parts: PageParts): Document {
  const { title, body, isWide, isError, style: ownStyle = "", ...rest } = parts;
  const { language = ctx.request.language } = parts;
  return createDocument({
    ...rest,
    language,
    title: `${isError ? `${sentences.error[language]}: ` : ""}${title} · ${ctx.config.appName}`,
    style: style + ownStyle,
    body: html`<main${isWide && html` class="wide"`}>
<p class="app">${ctx.config.appName}</p>
<h1>${title}</h1>
${body}
</main>`,
  });
}
