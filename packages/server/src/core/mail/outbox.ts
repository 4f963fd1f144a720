/** The outbox: mail is written down in the transaction of what it tells, and sent by a worker afterwards. */

import { canonicalEmail } from "../../platform/http/email-address.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Language } from "../../platform/texts.ts";
import { type Context, perSystem } from "../context.ts";
import { decrypt, encrypt } from "../keys/secrets.ts";
import type { Mail, Order } from "./mail.ts";
import type { Message } from "./message.ts";

export type MailState = "waiting" | "sent" | "failed";

export interface OutboxRow {
  id: string;
  mail: string;
  /** In canonical form, by which mail to an account is found again; the message itself names its address as it is written. */
  recipient: string;
  /** Encrypted: it may hold a live link. Erased once the mail was sent. */
  payload: string | null;
  state: MailState;
  attempts: number;
  due_at: number;
  expires_at: number;
  lease: string | null;
  leased_until: number | null;
  reply: string | null;
  created_at: number;
  finished_at: number | null;
}

export const outboxIn = (ctx: Context) => ctx.db.$extendTables<{ outbox: OutboxRow }>();

/** What a row holds: an order that is not written yet, or the message, which stays the same at every try. */
export type Payload =
  | { readonly stage: "ordered"; readonly order: StoredOrder }
  | { readonly stage: "written"; readonly message: Message };

interface StoredOrder {
  readonly data: unknown;
  readonly language: Language;
  readonly at: number;
  readonly address: string;
  readonly userAgent: string;
}

/** Puts a mail into the outbox. One row for whatever address, so that the time it takes tells nothing. */
export async function enqueueMail<Data>(
  ctx: Context,
  mail: Mail<Data>,
  to: string,
  data: Data,
): Promise<void> {
  const id = randomUuid(ctx.randomBytes);
  const now = ctx.now().getTime();
  const { address, userAgent, language } = ctx.request;
  const order: StoredOrder = { data, language, at: now, address, userAgent };
  await outboxIn(ctx)
    .insertInto("outbox")
    .values({
      id,
      mail: mail.name,
      recipient: canonicalEmail(to),
      payload: sealPayload(ctx, id, { stage: "ordered", order }),
      state: "waiting",
      attempts: 0,
      due_at: now,
      expires_at: now + mail.worthSendingFor(ctx),
      lease: null,
      leased_until: null,
      reply: null,
      created_at: now,
      finished_at: null,
    })
    .execute();
  ctx.afterCommit(() => mailAlarm(ctx).ring());
}

export function sealPayload(ctx: Context, id: string, payload: Payload): string {
  return encrypt(ctx, `outbox ${id}`, JSON.stringify(payload));
}

/** Undefined when it cannot be opened: it was sealed with a secret that is not known any more. */
export function openPayload(ctx: Context, row: Pick<OutboxRow, "id" | "payload">): Payload | undefined {
  const text = row.payload === null ? undefined : decrypt(ctx, `outbox ${row.id}`, row.payload);
  return text === undefined ? undefined : (JSON.parse(text) as Payload);
}

export function toOrder(row: OutboxRow, stored: StoredOrder): Order<unknown> {
  const { data, language, at, address, userAgent } = stored;
  return { to: row.recipient, data, language, askedFrom: { at: new Date(at), address, userAgent } };
}

/** Wakes the worker of this process; workers of other processes look by themselves now and then. */
export const mailAlarm = perSystem(() => {
  let wake: () => void = () => undefined;
  return { ring: () => wake(), onRing: (listener: () => void) => void (wake = listener) };
});

/** Removes every trace of mail to an address, sent or not, however it was typed. */
export async function forgetMailTo(ctx: Context, email: string): Promise<void> {
  await outboxIn(ctx).deleteFrom("outbox").where("recipient", "=", canonicalEmail(email)).execute();
}
