/** Sends what is in the outbox: each mail by one worker at a time, again after a while if it fails, visibly to its end. */

import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { after, hours, minutes, seconds } from "../../platform/duration.ts";
import { canonicalEmail } from "../../platform/http/email-address.ts";
import { describeError, type LogLevel } from "../../platform/log.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { type Allowance, takeOne } from "../limits/limits.ts";
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
import { MailRefused, MailUnreachable, type Transport } from "./transports/transport.ts";

/** Waiting before the second try, the third, …; after the last there is none. */
const retryAfter = [seconds(30), minutes(2), minutes(10), minutes(30), hours(1), hours(2), hours(4)];
const mostTries = retryAfter.length + 1;

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
  const row = await claimRow(ctx, { busy: [], rest: 0 });
  if (row) await sendMail(ctx, transport, row, delivered);
  return row !== undefined;
}

/**
 * Sends a mail that was claimed, whatever becomes of it.
 *
 * A mail leaves twice in two cases, which nobody can rule out who does not share a database with the mail server: the
 * server took it and its answer was lost, or this process died between that answer and the note of it. The second
 * copy says the same to the letter and bears the same Message-ID, by which most mailboxes drop it.
 */
async function sendMail(
  ctx: Context,
  transport: Transport,
  row: OutboxRow,
  delivered: (delivery: Delivery) => void,
): Promise<void> {
  let message: Message | undefined;
  let reply: string;
  try {
    message = await prepareMessage(ctx, row);
    if (!message) return;
    ({ reply } = await transport.send(message, row.mail));
  } catch (error) {
    await postpone(ctx, row, error, message);
    return;
  }
  await noteSent(ctx, row, withoutSecrets(reply, message));
  delivered({ mail: row.mail, message });
}

interface Claim {
  /** Domains that get nothing more just now, with their `@`. */
  readonly busy: readonly string[];
  /** How long a mail must have been due. */
  readonly rest: number;
}

/** Takes the mail that has waited longest, for as long as the lease lasts; no other worker gets it meanwhile. */
async function claimRow(ctx: Context, { busy, rest }: Claim): Promise<OutboxRow | undefined> {
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
        .where("due_at", "<=", now.getTime() - rest)
        .where((row) => row.or([row("leased_until", "is", null), row("leased_until", "<=", now.getTime())]))
        .where((row) => row.and(busy.map(isElsewhere)))
        .orderBy("due_at")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

const domainOf = (recipient: string) => recipient.slice(recipient.lastIndexOf("@"));

const isElsewhere = (domain: string) =>
  sql<boolean>`recipient not like ${`%${domain.replace(/[\\%_]/g, "\\$&")}`} escape '\\'`;

/** The message as it was written at the first try; writes it now if this is the first. */
async function prepareMessage(ctx: Context, row: OutboxRow): Promise<Message | undefined> {
  if (row.expires_at <= ctx.now().getTime()) return giveUp(ctx, row, "not sent in time", null);
  // Whatever ends the process at every try, such as a lack of memory, must not go on for ever.
  if (row.attempts > mostTries) return giveUp(ctx, row, "no try came to an end");
  const payload = openPayload(ctx, row);
  if (!payload) return giveUp(ctx, row, "sealed with another secret");
  if (payload.stage === "written") return payload.message;
  const mail = ctx.additions.mails.get(row.mail);
  if (!mail) return giveUp(ctx, row, "no such mail");
  return writeMessage(ctx, row, mail, payload);
}

/** Ends the transaction that would have written a mail, and undoes whatever it had done for it. */
class NothingToSay extends Error {}

async function writeMessage(
  ctx: Context,
  row: OutboxRow,
  mail: AnyMail,
  payload: Extract<Payload, { stage: "ordered" }>,
): Promise<Message | undefined> {
  const order = toOrder(row, payload.order);
  await mail.attribute?.(ctx, order);
  try {
    return await ctx.transaction(async (ctx) => {
      if (!(await isWithinBudget(ctx, mail, row.recipient))) throw new NothingToSay();
      const composed = await mail.compose(ctx, order);
      if (!composed) throw new NothingToSay();
      const { appName, mail: settings } = ctx.config;
      const message = renderMessage(composed.content, {
        appName,
        replyTo: settings.replyTo?.address,
        language: order.language,
        to: composed.to,
        id: row.id,
      });
      if (!(await keepMessage(ctx, row, message))) throw new NothingToSay();
      return message;
    });
  } catch (error) {
    if (!(error instanceof NothingToSay)) throw error;
    // The row goes, and with it the address that somebody typed.
    await outboxIn(ctx)
      .deleteFrom("outbox")
      .where("id", "=", row.id)
      .where("lease", "=", row.lease)
      .execute();
    return undefined;
  }
}

/**
 * Writes the message down, for this try and any later one. False when the mail is not ours any more: a worker that stood
 * still for longer than its lease has lost it to another. The outbox comes last, as it does for who deletes an account.
 */
async function keepMessage(ctx: Context, row: OutboxRow, message: Message): Promise<boolean> {
  const kept = await outboxIn(ctx)
    .updateTable("outbox")
    .set({
      payload: sealPayload(ctx, row.id, { stage: "written", message }),
      recipient: canonicalEmail(message.to),
      leased_until: after(ctx.now(), leaseTime).getTime(),
    })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .returning("id")
    .executeTakeFirst();
  return kept !== undefined;
}

/**
 * Counted in the transaction that writes the mail, so that one that is not written uses nothing up: nobody can spend
 * an address's mails before it has an account.
 */
async function isWithinBudget(ctx: Context, mail: AnyMail, recipient: string): Promise<boolean> {
  if (!ctx.config.rateLimits) return true;
  const take = async (what: string | number, allowance: Allowance) => {
    const taken = await takeOne(ctx, `mail ${mail.name} ${what} ${recipient}`, allowance);
    return taken.emptyUntil === undefined;
  };
  // Counted with every mail, so that it is left only once what it counted before is over.
  const isLeftEvenSo = mail.evenSo !== undefined && (await take("even so", mail.evenSo(ctx)));
  for (const allowance of mail.budget) {
    if (!(await take(allowance.within, allowance))) return isLeftEvenSo;
  }
  return true;
}

/** Once the mail is out, only noting it is left: a database that is busy for a moment must not send it again. */
async function noteSent(ctx: Context, row: OutboxRow, reply: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await finishRow(ctx, row, { state: "sent", payload: null, reply });
      return;
    } catch (error) {
      if (tries === 6) throw error;
      await pause(seconds(tries));
    }
  }
}

/** Sets the next try, if there is one and it comes in time to be of use; else gives the mail up. */
async function postpone(
  ctx: Context,
  row: OutboxRow,
  error: unknown,
  message: Message | undefined,
): Promise<void> {
  const said = withoutSecrets(describeFailure(error), message);
  const isPermanent = error instanceof MailRefused && error.permanent;
  const wait = retryAfter[row.attempts - 1];
  const dueAt = wait === undefined ? undefined : after(ctx.now(), wait).getTime();
  if (isPermanent || dueAt === undefined || dueAt > row.expires_at) {
    await giveUp(ctx, row, said);
    return;
  }
  tell(ctx, "warn", "a mail will be tried again", row, said);
  await outboxIn(ctx)
    .updateTable("outbox")
    .set({ due_at: dueAt, lease: null, leased_until: null, reply: firstLine(said) })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .execute();
}

/** Ends a mail that will not be sent, for an operator to see. */
async function giveUp(ctx: Context, row: OutboxRow, said: string, payload = row.payload): Promise<undefined> {
  tell(ctx, "error", "a mail was given up", row, said);
  await finishRow(ctx, row, { state: "failed", payload, reply: firstLine(said) });
}

/** The outbox names the recipient; a log, which is kept elsewhere and longer, need not. */
function tell(ctx: Context, level: LogLevel, what: string, row: OutboxRow, said: string): void {
  const { mail, id, attempts: attempt, recipient } = row;
  ctx.log(level, what, { mail, id, attempt, error: withoutAddress(said, recipient) });
}

/** However the mail server spells it. */
const withoutAddress = (said: string, recipient: string) =>
  said.replaceAll(new RegExp(recipient.replace(/\W/g, "\\$&"), "gi"), "[recipient]");

const firstLine = (text: string) => (text.split("\n")[0] ?? "").slice(0, 500);

/** What a mail server said is the whole story; a mistake of ours comes with the place where it happened. */
function describeFailure(error: unknown): string {
  const isExplained = error instanceof MailRefused || error instanceof MailUnreachable;
  return isExplained ? error.message : describeError(error);
}

/** Some servers quote what they refuse: a link or a code in it would lie open in the outbox and in the log. */
function withoutSecrets(reply: string, message: Message | undefined): string {
  const secrets = message?.text.match(/[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{3} \d{3}\b/g) ?? [];
  return [...secrets, ...secrets.map((secret) => secret.replace(" ", ""))].reduce(
    (text, secret) => text.replaceAll(secret, "[secret]"),
    reply,
  );
}

async function finishRow(
  ctx: Context,
  row: OutboxRow,
  end: Partial<Pick<OutboxRow, "payload">> & Pick<OutboxRow, "state" | "reply">,
): Promise<void> {
  await outboxIn(ctx)
    .updateTable("outbox")
    .set({ ...end, lease: null, leased_until: null, finished_at: ctx.now().getTime() })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .execute();
}

export interface MailWorker {
  /** Takes on nothing more, and finishes what is being sent if that takes no longer than 15 seconds. */
  readonly stop: () => Promise<void>;
}

export interface Pace {
  /**
   * How long a mail lies at the least, in milliseconds; the worker wakes up to a quarter of a second after that. To write
   * it at once would hold up the very answer that ordered it, and only where there is something to write: a stop-watch
   * would see which addresses are known.
   */
  readonly rest: number;
  /** How often it looks for mail that another process put into the outbox, or whose time has come. */
  readonly lookEvery: number;
}

const usualPace: Pace = { rest: 120, lookEvery: seconds(2) };
/** Mails under way at once from this process: a stalled server holds up a few, not all. */
const lanes = 3;
/** Of those to one domain: some mail servers ask the recipient's before they answer, and one that is slow must not stop all. */
const lanesPerDomain = 2;
/** A mail that takes longer is taken on by whoever looks once its lease is over. */
const stopTime = seconds(15);

/** Sends mail as it comes, until stopped. */
export function startMailWorker(
  ctx: Context,
  transport: Transport,
  delivered: (delivery: Delivery) => void = () => undefined,
  { rest, lookEvery } = usualPace,
): MailWorker {
  const bell = createBell();
  mailAlarm(ctx).onRing(() => setTimeout(bell.ring, rest + 1 + (ctx.randomBytes(1)[0] ?? 0)).unref());
  const underWay = new Map<Promise<void>, string>();
  let isStopping = false;
  const tell = (error: unknown) =>
    ctx.log("error", "the mail worker was interrupted", { error: describeError(error) });
  const send = (row: OutboxRow) => {
    const sending = sendMail(ctx, transport, row, delivered)
      .catch(tell)
      .finally(() => {
        underWay.delete(sending);
        bell.ring();
      });
    underWay.set(sending, domainOf(row.recipient));
  };
  const claim = async () => {
    const domains = [...underWay.values()];
    const isBusy = (domain: string) => domains.filter((one) => one === domain).length >= lanesPerDomain;
    const busy = [...new Set(domains)].filter(isBusy);
    return domains.length < lanes ? claimRow(ctx, { busy, rest }) : undefined;
  };
  const work = async () => {
    while (!isStopping) {
      const rings = bell.rings();
      const row = await claim().catch(tell);
      if (row) send(row);
      else if (!isStopping) await bell.heard(rings, lookEvery);
    }
    await Promise.all(underWay.keys());
  };
  const working = work();
  return {
    stop: async () => {
      isStopping = true;
      bell.ring();
      await waitAtMost(stopTime, working);
    },
  };
}

async function waitAtMost(time: number, work: Promise<void>): Promise<void> {
  const timeOver = new AbortController();
  const wait = pause(time, undefined, { signal: timeOver.signal }).catch(() => undefined);
  await Promise.race([work, wait]);
  timeOver.abort();
}

/** Something to wait for: heard by everybody who waits when it rings, or after a time. */
function createBell() {
  const waiting = new Set<() => void>();
  let rings = 0;
  return {
    rings: () => rings,
    ring: () => {
      rings += 1;
      for (const wake of waiting) wake();
    },
    /** Waits for more rings than `known`: one that came while the outbox was being read is not missed. */
    heard: (known: number, atMost: number) =>
      new Promise<void>((resolve) => {
        if (rings !== known) return resolve();
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
