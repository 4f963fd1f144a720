/** A mail as data, and the message made of it: the same blocks once as text and once as HTML. */

import { isLinkable } from "../../platform/links.ts";
import type { Language } from "../../platform/texts.ts";
import { groupCode } from "./group-code.ts";
import { renderHtml } from "./message-html.ts";
import { toPlainLine } from "./plain-line.ts";

/** A mail that is ready to leave. */
export interface Message {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly language: Language;
  /** The same at every try to send it: Message-ID is made of it. */
  readonly id: string;
}

export interface MailButton {
  readonly label: string;
  /** The address of a page, or of an application; it is printed in full as well. */
  readonly url: string;
}

export interface MailRow {
  readonly label: string;
  readonly value: string;
}

/**
 * What a mail says, in one language, in the order in which it is read. All of it is plain text, one line each:
 * nothing in it is taken for HTML, whoever typed it. A name comes through `neutraliseName` first.
 */
export interface MailContent {
  readonly subject: string;
  /** What a list of mails shows after the subject: at most 90 characters, and not the subject again. */
  readonly preheader: string;
  readonly paragraphs: readonly string[];
  /** To be typed somewhere: written large, in groups, and copied without a space. */
  readonly code?: string;
  readonly button?: MailButton;
  /** When and from where something was done. */
  readonly context?: readonly MailRow[];
  /** What comes last: how long it works, what to do if it wasn't you. */
  readonly closing?: readonly string[];
}

export interface Envelope {
  readonly appName: string;
  /** A page with help; printed below the mail. */
  readonly supportUrl?: string;
  /** The address that answers go to; printed below the mail. */
  readonly replyTo?: string;
  readonly language: Language;
  readonly to: string;
  readonly id: string;
}

/** Writes the message. Throws when the button leads to no page or application, which is a mistake of ours. */
export function renderMessage(content: MailContent, envelope: Envelope): Message {
  const { language, to, id } = envelope;
  const plain = toPlainContent(content);
  const context = { ...envelope, appName: toPlainLine(envelope.appName) };
  return {
    to,
    subject: plain.subject,
    text: renderText(plain, context),
    html: renderHtml(plain, context),
    language,
    id,
  };
}

/** Each block on one line of its own, so that a value in it cannot begin a block that we did not write. */
function toPlainContent(content: MailContent): MailContent {
  const { button, code, context, closing } = content;
  return {
    subject: toPlainLine(content.subject),
    preheader: toPlainLine(content.preheader),
    paragraphs: content.paragraphs.map(toPlainLine),
    ...(code !== undefined && { code: toPlainLine(code) }),
    ...(button && { button: { label: toPlainLine(button.label), url: checkLink(button.url) } }),
    ...(context && { context: context.map(toPlainRow) }),
    ...(closing && { closing: closing.map(toPlainLine) }),
  };
}

function toPlainRow({ label, value }: MailRow): MailRow {
  return { label: toPlainLine(label), value: toPlainLine(value) };
}

function checkLink(url: string): string {
  if (isLinkable(url)) return url;
  throw new Error("A mail links to pages and applications only.");
}

function renderText({ paragraphs, code, button, context, closing }: MailContent, envelope: Envelope): string {
  const blocks = [
    ...paragraphs,
    code !== undefined && groupCode(code),
    button && `${button.label}:\n${button.url}`,
    context && context.map(({ label, value }) => `${label}: ${value}`).join("\n"),
    ...(closing ?? []),
    [envelope.appName, envelope.supportUrl ?? envelope.replyTo].filter(Boolean).join(" · "),
  ];
  return `${blocks.filter(Boolean).join("\n\n")}\n`;
}
