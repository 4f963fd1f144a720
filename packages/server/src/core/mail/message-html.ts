/** A mail's HTML: one calm column that holds in every mail program, in light and in dark. */

import { type Html, html, trustedHtml } from "../../platform/http/html.ts";
import { texts } from "../../platform/texts.ts";
import { colours } from "../colours.ts";
import { groupCode } from "./group-code.ts";
import type { Envelope, MailButton, MailContent, MailRow } from "./message.ts";

const sentences = texts(
  { linkBelow: "If the button does not work, open this link:" },
  { "pt-BR": { linkBelow: "Se o botão não funcionar, abra este link:" } },
);

const light = colours.light;
const sans = "-apple-system,BlinkMacSystemFont,Segoe UI,Roboto,Helvetica,Arial,sans-serif";
const mono = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";

// Styles stand on the elements, since several programs drop a style sheet; it adds what only a sheet can say.
const styles = {
  body: `margin:0;padding:0;background-color:${light.ground}`,
  outer: `background-color:${light.ground}`,
  column: "width:100%;max-width:600px",
  brand: `padding:8px 24px 16px;font:600 16px/24px ${sans};color:${light.ink};text-align:left`,
  card: `padding:32px 24px 16px;background-color:${light.card};border-radius:12px;text-align:left`,
  title: `margin:0 0 16px;font:600 22px/30px ${sans};color:${light.ink}`,
  text: `margin:0 0 16px;font:400 16px/24px ${sans};color:${light.ink}`,
  small: `margin:0 0 16px;font:400 14px/20px ${sans};color:${light.soft}`,
  code: `margin:8px 0 24px;padding:16px;border:1px solid ${light.line};border-radius:8px;font:600 32px/40px ${mono};letter-spacing:4px;color:${light.ink};text-align:center;-webkit-user-select:all;user-select:all`,
  group: "margin-left:12px",
  buttonTable: "margin:8px 0 24px",
  buttonCell: `border-radius:8px;background-color:${light.button};mso-padding-alt:12px 24px`,
  button: `display:inline-block;padding:12px 24px;border-radius:8px;font:600 16px/24px ${sans};color:${light.label};text-decoration:none`,
  link: `color:${light.link};word-break:break-all`,
  rows: `width:100%;margin:8px 0 24px;border-collapse:collapse;border-top:1px solid ${light.line}`,
  label: `padding:8px 16px 8px 0;border-bottom:1px solid ${light.line};font:400 14px/20px ${sans};color:${light.soft};text-align:left;vertical-align:top;white-space:nowrap`,
  value: `width:100%;padding:8px 0;border-bottom:1px solid ${light.line};font:400 14px/20px ${sans};color:${light.ink};text-align:left;vertical-align:top;word-break:break-word`,
  footer: `padding:16px 24px 8px;font:400 14px/20px ${sans};color:${light.soft};text-align:left`,
  preheader:
    "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all",
} as const;

const sheet = trustedHtml(makeSheet());

function makeSheet(): string {
  const { dark } = colours;
  const rules: Record<string, string> = {
    page: `background-color:${dark.ground}!important`,
    card: `background-color:${dark.card}!important`,
    text: `color:${dark.ink}!important`,
    muted: `color:${dark.soft}!important`,
    line: `border-color:${dark.line}!important`,
    fill: `background-color:${dark.button}!important`,
    link: `color:${dark.link}!important`,
  };
  const under = (scope: string) =>
    Object.entries(rules)
      .map(([name, rule]) => `${scope}.${name}{${rule}}`)
      .join("");
  // Outlook in the browser and on phones marks what it darkens with these attributes, and knows no media query.
  const outlook = `${under("[data-ogsc] ")}${under("[data-ogsb] ")}`;
  const narrow = "@media(max-width:480px){.wide{padding-left:20px!important;padding-right:20px!important}}";
  return `:root{color-scheme:light dark;supported-color-schemes:light dark}${narrow}@media(prefers-color-scheme:dark){${under("")}}${outlook}`;
}

/** The HTML of a mail whose texts are plain lines already. */
export function renderHtml(content: MailContent, envelope: Envelope): string {
  return html`<!doctype html>
<html lang="${envelope.language}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>${content.subject}</title>
<style>${sheet}</style>
</head>
<body class="page" style="${styles.body}">
${renderPreheader(content.preheader)}
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="${light.ground}" style="${styles.outer}">
<tr><td align="center" style="padding:24px 12px">
${outlookColumn.start}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="${styles.column}">
<tr><td class="text wide" style="${styles.brand}">${envelope.appName}</td></tr>
<tr><td class="card wide" bgcolor="${light.card}" style="${styles.card}">
${renderBlocks(content, envelope)}
</td></tr>
<tr><td class="muted wide" style="${styles.footer}">${renderFooter(envelope)}</td></tr>
</table>
${outlookColumn.end}
</td></tr>
</table>
</body>
</html>
`.text;
}

/** Outlook on Windows knows no max-width: it alone reads these comments, and gets a column of fixed width. */
const outlookColumn = {
  start: trustedHtml(
    '<!--[if mso]><table role="presentation" width="600" align="center"><tr><td><![endif]-->',
  ),
  end: trustedHtml("<!--[if mso]></td></tr></table><![endif]-->"),
};

function renderPreheader(preheader: string): Html {
  // The padding keeps a list of mails from going on with the mail's first lines.
  const padding = trustedHtml("&zwnj;&nbsp;".repeat(Math.max(0, 100 - preheader.length)));
  return html`<div style="${styles.preheader}">${preheader}${padding}</div>`;
}

function renderBlocks(content: MailContent, { language }: Envelope): Html[] {
  const { subject, paragraphs, code, button, context = [], closing = [] } = content;
  return [
    // A code's mail says at once what to do with it; its subject would only say the code twice.
    ...(code === undefined ? [html`<h1 class="text" style="${styles.title}">${subject}</h1>`] : []),
    ...paragraphs.map((paragraph) => html`<p class="text" style="${styles.text}">${paragraph}</p>`),
    ...(code === undefined ? [] : [renderCode(code)]),
    ...(button ? [renderButton(button, sentences.linkBelow[language])] : []),
    ...(context.length > 0 ? [renderRows(context)] : []),
    ...closing.map((paragraph) => html`<p class="muted" style="${styles.small}">${paragraph}</p>`),
  ];
}

/** Groups are set apart by a margin, not by a character: the code is copied without a space. */
function renderCode(code: string): Html {
  const groups = groupCode(code)
    .split(" ")
    .map((group, index) =>
      index === 0 ? html`${group}` : html`<span style="${styles.group}">${group}</span>`,
    );
  return html`<p class="text line" style="${styles.code}">${groups}</p>`;
}

function renderButton({ label, url }: MailButton, linkBelow: string): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="${styles.buttonTable}"><tr><td class="fill" bgcolor="${light.button}" style="${styles.buttonCell}"><a href="${url}" style="${styles.button}">${label}</a></td></tr></table>
<p class="muted" style="${styles.small}">${linkBelow}<br><a class="link" href="${url}" style="${styles.link}">${url}</a></p>`;
}

function renderRows(rows: readonly MailRow[]): Html {
  const cells = rows.map(
    ({ label, value }) =>
      html`<tr><th class="muted line" scope="row" style="${styles.label}">${label}</th><td class="text line" style="${styles.value}">${value}</td></tr>`,
  );
  return html`<table class="line" cellpadding="0" cellspacing="0" style="${styles.rows}">${cells}</table>`;
}

function renderFooter({ appName, supportUrl, replyTo }: Envelope): Html {
  const target = supportUrl ?? (replyTo && `mailto:${replyTo}`);
  if (!target) return html`${appName}`;
  return html`${appName} · <a class="link" href="${target}" style="${styles.link}">${supportUrl ?? replyTo}</a>`;
}
