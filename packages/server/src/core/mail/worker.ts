/** Sends what is in the outbox: each mail by one worker at a time, again after a while if it fails, visibly to its end. */

import { after, hours, minutes, seconds } from "../../platform/duration.ts";
import { canonicalEmail } from "../../platform/http/email-address.ts";
import { describeError } from "../../platform/log.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { takeOne } from "../limits/limits.ts";
import type { AnyMail } from "./mail.ts";
import { type Message, renderMessage } from "./message.ts";
import {
  mailAlarm,
  type OutboxRow,
  openPayload,
  outboxIn,
  type Payload,
  sealPayload,
  toOrder,
} from "./outbox.ts";
import { MailRefused, type Transport } from "./transports/transport.ts";

/** Waiting before the second try, the third, …; after the last there is none. */
const retryAfter = [seconds(30), minutes(2), minutes(10), minutes(30), hours(1), hours(2), hours(4)];

/** Longer than a transport ever takes, so that a slow mail is not taken for a dead worker's. */
const leaseTime = minutes(3);

export interface Delivery {
  readonly mail: string;
  readonly message: Message;
}

/** Sends one mail that is due. False when none was. `delivered` is told of what left. */
export async function sendNextMail(
  ctx: Context,
  transport: Transport,
  delivered: (delivery: Delivery) => void = () => undefined,
): Promise<boolean> {
  const row = await claimRow(ctx);
  if (!row) return false;
  try {
    const message = await prepareMessage(ctx, row);
    if (!message) return true;
    const { reply } = await transport.send(message, row.mail);
    await finishRow(ctx, row, { state: "sent", payload: null, reply, recipient: message.to });
    delivered({ mail: row.mail, message });
  } catch (error) {
    await postpone(ctx, row, error);
  }
  return true;
}

/** Takes the mail that has waited longest, for as long as the lease lasts; no other worker gets it meanwhile. */
async function claimRow(ctx: Context): Promise<OutboxRow | undefined> {
  const now = ctx.now();
  const outbox = outboxIn(ctx);
  return outbox
    .updateTable("outbox")
    .set((row) => ({
      lease: randomUuid(ctx.randomBytes),
      leased_until: after(now, leaseTime).getTime(),
      attempts: row("attempts", "+", 1),
    }))
    .where("id", "=", (query) =>
      query
        .selectFrom("outbox")
        .select("id")
        .where("state", "=", "waiting")
        .where("due_at", "<=", now.getTime())
        .where((row) => row.or([row("leased_until", "is", null), row("leased_until", "<=", now.getTime())]))
        .orderBy("due_at")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

/** The message as it was written at the first try; writes it now if this is the first. */
async function prepareMessage(ctx: Context, row: OutboxRow): Promise<Message | undefined> {
  const payload = openPayload(ctx, row);
  const mail = ctx.additions.mails.get(row.mail);
  if (!payload || !mail) {
    await finishRow(ctx, row, {
      state: "failed",
      reply: payload ? "no such mail" : "sealed with another secret",
    });
    return undefined;
  }
  if (payload.stage === "written") return payload.message;
  return ctx.transaction((ctx) => writeMessage(ctx, row, mail, payload));
}

async function writeMessage(
  ctx: Context,
  row: OutboxRow,
  mail: AnyMail,
  payload: Extract<Payload, { stage: "ordered" }>,
): Promise<Message | undefined> {
  const order = toOrder(row, payload.order);
  const composed = (await isWithinBudget(ctx, mail, row.recipient))
    ? await mail.compose(ctx, order)
    : undefined;
  if (!composed) {
    // Nothing to say: the row goes, and with it the address that somebody typed.
    await outboxIn(ctx).deleteFrom("outbox").where("id", "=", row.id).execute();
    return undefined;
  }
  const { appName, mail: settings } = ctx.config;
  const { language } = order;
  const replyTo = settings.replyTo?.address;
  const message = renderMessage(composed.content, {
    appName,
    replyTo,
    language,
    to: composed.to,
    id: row.id,
  });
  const payloadNow = sealPayload(ctx, row.id, { stage: "written", message });
  await outboxIn(ctx)
    .updateTable("outbox")
    .set({ payload: payloadNow, recipient: composed.to })
    .where("id", "=", row.id)
    .execute();
  return message;
}

/** Counted in the transaction that writes the mail: one that is not written uses nothing up. */
async function isWithinBudget(ctx: Context, mail: AnyMail, recipient: string): Promise<boolean> {
  if (!ctx.config.rateLimits) return true;
  for (const allowance of mail.budget) {
    const bucket = `mail ${mail.name} ${allowance.within} ${canonicalEmail(recipient)}`;
    if ((await takeOne(ctx, bucket, allowance)).emptyUntil) return false;
  }
  return true;
}

async function postpone(ctx: Context, row: OutboxRow, error: unknown): Promise<void> {
  const wait = retryAfter[row.attempts - 1];
  const dueAt = wait === undefined ? undefined : after(ctx.now(), wait).getTime();
  const reply = error instanceof Error ? error.message.slice(0, 500) : "unknown";
  const isPermanent = error instanceof MailRefused && error.permanent;
  const facts = { mail: row.mail, id: row.id, attempt: row.attempts, error: describeError(error) };
  if (isPermanent || dueAt === undefined || dueAt > row.expires_at) {
    ctx.log("error", "a mail was given up", facts);
    await finishRow(ctx, row, { state: "failed", reply });
    return;
  }
  ctx.log("warn", "a mail will be tried again", facts);
  await outboxIn(ctx)
    .updateTable("outbox")
    .set({ due_at: dueAt, lease: null, leased_until: null, reply })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .execute();
}

async function finishRow(
  ctx: Context,
  row: OutboxRow,
  end: Partial<Pick<OutboxRow, "payload" | "recipient">> & Pick<OutboxRow, "state" | "reply">,
): Promise<void> {
  await outboxIn(ctx)
    .updateTable("outbox")
    .set({ ...end, lease: null, leased_until: null, finished_at: ctx.now().getTime() })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .execute();
}

export interface MailWorker {
  /** Finishes what is being sent, and takes on nothing more. */
  readonly stop: () => Promise<void>;
}

/** How often a worker looks for mail that another process put into the outbox, or whose time has come. */
const lookEvery = seconds(2);
/** Mails under way at once: a stalled server holds up a few, not all. */
const lanes = 3;

/** Sends mail as it comes, until stopped. */
export function startMailWorker(
  ctx: Context,
  transport: Transport,
  delivered: (delivery: Delivery) => void = () => undefined,
): MailWorker {
  const bell = createBell();
  mailAlarm(ctx).onRing(bell.ring);
  let isStopping = false;
  const work = async () => {
    while (!isStopping) {
      const wasBusy = await sendNextMail(ctx, transport, delivered).catch((error: unknown) => {
        ctx.log("error", "the outbox cannot be read", { error: describeError(error) });
        return false;
      });
      if (!wasBusy && !isStopping) await bell.heard(lookEvery);
    }
  };
  const working = Array.from({ length: lanes }, work);
  return {
    stop: async () => {
      isStopping = true;
      bell.ring();
      await Promise.all(working);
    },
  };
}

/** Something to wait for: heard by everybody who waits when it rings, or after a time. */
function createBell() {
  const waiting = new Set<() => void>();
  return {
    ring: () => {
      for (const wake of waiting) wake();
    },
    heard: (atMost: number) =>
      new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, atMost);
        waiting.add(wake);
      }),
  };
}
