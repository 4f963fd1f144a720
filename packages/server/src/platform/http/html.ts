/** HTML that escapes whatever is put into it, unless it is HTML already. */

import { createHash } from "node:crypto";

const brand = Symbol("html");

export interface Html {
  readonly [brand]: true;
  readonly text: string;
}

type Part = string | number | Html | readonly Html[] | undefined | false;

/** Builds HTML from a template; every value in it is escaped. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const text = strings.reduce((sum, string, index) => sum + render(parts[index - 1]) + string);
  return { [brand]: true, text };
}

function render(part: Part): string {
  if (part === undefined || part === false) return "";
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return Array.isArray(part) ? part.map(textOf).join("") : textOf(part as Html);
}

/** An object from a body can have a `text` too; only what the template made is believed to be HTML. */
function textOf(part: Html): string {
  if (!(brand in part)) throw new TypeError("Only text, numbers and HTML can stand in a page.");
  return part.text;
}

/** Text that is harmless in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Takes text for HTML as it is: for what we wrote ourselves, never for what anybody sent. */
export function trustedHtml(text: string): Html {
  return { [brand]: true, text };
}

/** A whole page, with the only style and script that it may use. */
export interface Document {
  readonly text: string;
  readonly status: number;
  readonly contentSecurityPolicy: string;
}

export interface DocumentParts {
  readonly language: string;
  readonly title: string;
  readonly style: string;
  readonly script?: string;
  readonly body: Html;
  readonly status?: number;
}

/**
 * A page whose policy names its one style and script by their fingerprints (CSP Level 3): nothing that somebody
 * smuggles into the page runs, and no other address is asked for anything.
 */
export function createDocument(parts: DocumentParts): Document {
  const script = parts.script ?? "";
  const text =
    `<!doctype html>\n<html lang="${escapeHtml(parts.language)}">\n<head>\n<meta charset="utf-8">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n` +
    `<meta name="color-scheme" content="light dark">\n` +
    `<title>${escapeHtml(parts.title)}</title>\n` +
    `<link rel="icon" href="data:,">\n<style>${parts.style}</style>\n</head>\n<body>\n${parts.body.text}\n` +
    `${script ? `<script>${script}</script>\n` : ""}</body>\n</html>\n`;
  const contentSecurityPolicy = [
    "default-src 'none'",
    `style-src ${fingerprint(parts.style)}`,
    `script-src ${script ? fingerprint(script) : "'none'"}`,
    "img-src data:",
    `connect-src ${script ? "'self'" : "'none'"}`,
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { text, status: parts.status ?? 200, contentSecurityPolicy };
}

const fingerprint = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * A document that is no page of ours, shown in a frame of one: it runs nothing, loads nothing and reaches nothing;
 * its links open in a tab of their own, where they are pages like any other.
 */
export function framedDocument(text: string): Document {
  const contentSecurityPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; " +
    "sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'";
  return { text, status: 200, contentSecurityPolicy };
}
