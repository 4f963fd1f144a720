/** The mailbox for programs: tests and scripts that wait for a mail and follow its link. */

import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { type CapturedMail, clearCaptured, listCaptured } from "../../core/mail/captured.ts";
import { parseDuration } from "../../platform/duration.ts";
import { byReaders, isThere } from "./access.ts";
import { codeIn, linkIn } from "./contents.ts";

const messages = {
  path: "/_/mailbox/api/messages/",
  access: byReaders,
  limit: [readsOnly],
  onlyIf: isThere,
  errors: [],
} as const;

export const list = endpoint({
  ...messages,
  method: "get",
  summary: "List the mails that were kept, the newest first",
  description: "Query: to (address), template (such as verify-email), wait (up to 10s: until there is one).",
  reply: { type: "object", properties: { messages: { type: "array", items: { type: "object" } } } },
  handle: async (ctx, { query }) => {
    const filter = { to: query.get("to") ?? undefined, mail: query.get("template") ?? undefined };
    const wait = Math.min(parseDuration(query.get("wait") ?? "") ?? 0, 10_000);
    const found = await waitForMail(ctx, filter, wait);
    return { messages: found.map(presentMail) };
  },
});

async function waitForMail(ctx: Context, filter: Parameters<typeof listCaptured>[1], wait: number) {
  const step = 50;
  for (let waited = 0; ; waited += step) {
    const found = await listCaptured(ctx, filter);
    if (found.length > 0 || waited >= wait) return found;
    await new Promise((resolve) => setTimeout(resolve, step));
  }
}

export const clear = endpoint({
  ...messages,
  method: "delete",
  summary: "Empty the mailbox",
  reply: { type: "object", properties: {} },
  handle: async (ctx) => {
    await clearCaptured(ctx);
    return {};
  },
});

function presentMail({ id, mail, at, message }: CapturedMail): Record<string, unknown> {
  const { to, subject, text, html } = message;
  return {
    id,
    to,
    subject,
    template: mail,
    code: codeIn(text),
    link: linkIn(text),
    text,
    html,
    at: at.toISOString(),
  };
}
