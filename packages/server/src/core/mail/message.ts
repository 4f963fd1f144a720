import type { Language } from "../../platform/texts.ts";
export interface MailContent {
  readonly subject: string;
  readonly preheader: string;
  readonly paragraphs: readonly string[];
  readonly code?: string;
  readonly button?: { readonly label: string; readonly url: string };
  readonly context?: readonly { readonly label: string; readonly value: string }[];
  readonly closing?: readonly string[];
}
export interface Message {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly language: Language;
}
export function renderMessage(
  content: MailContent,
  frame: { appName: string; language: Language; to: string; id: string },
): Message {
  const text = [
    ...content.paragraphs,
    content.code ? `${content.code.slice(0, 3)} ${content.code.slice(3)}` : "",
    content.button?.url ?? "",
    ...(content.closing ?? []),
  ].join("\n\n");
  return {
    id: frame.id,
    to: frame.to,
    subject: content.subject,
    text,
    html: `<pre>${text}</pre>`,
    language: frame.language,
  };
}
