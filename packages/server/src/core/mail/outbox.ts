/** The outbox: mail is written down in the transaction of what it tells, and sent by a worker afterwards. */

import { sql } from "kysely";
import { toBase64Url } from "../../platform/encoding.ts";
import { addressBlock } from "../../platform/http/client-address.ts";
import { canonicalEmail } from "../../platform/http/email-address.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Language } from "../../platform/texts.ts";
import { type Context, perSystem } from "../context.ts";
import { decrypt, encrypt, macFor } from "../keys/secrets.ts";
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
  /** 1 for what somebody waits for, 2 for what merely tells. */
  priority: number;
  /** Among mails of one priority, those of the lowest turn go first. */
  turn: number;
  /** A keyed fingerprint of the address block that asked for it, as the limits use; erased once the mail is finished. */
  caused_by: string | null;
  /** 1: the connection broke in the middle of it, so it is due as soon as the mail server is well again. */
  cut_off: number;
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
  const place = { priority: mail.isAwaited ? 1 : 2, recipient: canonicalEmail(to), caused_by: causeOf(ctx) };
  const { address, userAgent, language } = ctx.request;
  const order: StoredOrder = { data, language, at: now, address, userAgent };
  await outboxIn(ctx)
    .insertInto("outbox")
    .values({
      id,
      mail: mail.name,
      ...place,
      turn: nextTurn(place),
      cut_off: 0,
      payload: sealPayload(ctx, id, { stage: "ordered", order }),
      state: "waiting",
      attempts: 0,
      due_at: ctx.sharedNow(),
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

/** Whoever asked for it, for as long as the mail waits its turn; nobody who has no address, as the command line. */
function causeOf(ctx: Context): string | null {
  const { address } = ctx.request;
  if (address === "") return null;
  return toBase64Url(macFor(ctx, "limit-key", `mail caused by ${addressBlock(address)}`).subarray(0, 18));
}

/**
 * The turn after the last one that waits for the same recipient, or was asked for by the same address: so recipients and
 * addresses take turns, and whoever orders a hundred mails waits behind everybody who orders one.
 */
function nextTurn({
  priority,
  recipient,
  caused_by,
}: Pick<OutboxRow, "priority" | "recipient" | "caused_by">) {
  return sql<number>`(
    select coalesce(max(turn), 0) + 1 from (
      select max(turn) as turn from outbox where finished_at is null and priority = ${priority} and recipient = ${recipient}
      union all
      select max(turn) as turn from outbox where finished_at is null and priority = ${priority} and caused_by = ${caused_by}
    ) as turns)`;
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
