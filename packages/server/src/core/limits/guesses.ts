/** Limits of guesses: what turns out to be right is not counted, and however many come at once, few can be wrong. */

import { sql } from "kysely";
import { seconds } from "../../platform/duration.ts";
import { canonicalEmail } from "../../platform/http/email-address.ts";
import type { Counted, Limit, Settle } from "../../platform/http/endpoint.ts";
import { Throttled } from "../../platform/http/errors.ts";
import { describeError } from "../../platform/log.ts";
import { type Context, perSystem } from "../context.ts";
import { type Allowance, bucketKey, type LimitRow, spell } from "./limits.ts";

interface GuessRow extends LimitRow {
  /** How many of those counted are under way. */
  held: number;
  /** When the last of them was to be judged by: of a node that died since, none is under way. */
  held_until: number | null;
}

const guessesIn = (ctx: Context) => ctx.db.$extendTables<{ limits: GuessRow }>();

/** An allowance of guesses, under the name of what is guessed. */
export interface Guesses extends Allowance {
  readonly name: string;
}

export interface GuessesByEmail {
  /**
   * Names the allowance that devices share which signed in to the account before, so that a stranger who uses up
   * everybody else's cannot lock the owner out (OWASP, "device cookies").
   */
  readonly knownDevices?: (ctx: Context, email: string) => Promise<string | undefined>;
  /** Runs once everybody else has no guess left and none of theirs was right: for whatever address alike. */
  readonly whenUsedUp?: (ctx: Context, email: string) => Promise<void>;
}

const emailBucket = (name: string, email: string) => `${name} email ${canonicalEmail(email)}`;
const callerBucket = (name: string, accountId: string) => `${name} account ${accountId}`;

/** So many guesses at one account, by the e-mail that the body names; a call that succeeds is not counted. */
export function guessesByEmail<FieldName extends string>(
  { name, most, within }: Guesses,
  field: FieldName,
  { knownDevices, whenUsedUp }: GuessesByEmail = {},
): Limit<Context, unknown, FieldName> {
  return {
    describe: () => `${spell({ most, within }, " failures")} by ${field}`,
    countsBy: { field },
    take: async (ctx, { body }: Counted<unknown>) => {
      const email = String(body[field]);
      const known = await knownDevices?.(ctx, canonicalEmail(email));
      const bucket = known ? `${name} known ${known}` : emailBucket(name, email);
      const usedUp = known ? undefined : () => whenUsedUp?.(ctx, email);
      return holdGuess(ctx, bucket, { most, within }, usedUp);
    },
  };
}

/** Whether nobody but a known device has a guess left at this moment, and none that is under way could give one back. */
export async function isOutOfGuesses(ctx: Context, { name, most }: Guesses, email: string): Promise<boolean> {
  const now = ctx.now().getTime();
  const full = await guessesIn(ctx)
    .selectFrom("limits")
    .select("key")
    .where("key", "=", bucketKey(ctx, emailBucket(name, email)))
    .where(sql<boolean>`count - case when held_until > ${now} then held else 0 end >= ${most}`)
    .where("resets_at", ">", now)
    .executeTakeFirst();
  return full !== undefined;
}

/** Begins the count anew for everybody but known devices. */
export async function forgetGuessesByEmail(ctx: Context, { name }: Guesses, email: string): Promise<void> {
  await forget(ctx, emailBucket(name, email));
}

/** Begins the count anew for whoever is signed in to an account. */
export async function forgetGuessesByCaller(
  ctx: Context,
  { name }: Guesses,
  accountId: string,
): Promise<void> {
  await forget(ctx, callerBucket(name, accountId));
}

async function forget(ctx: Context, bucket: string): Promise<void> {
  await guessesIn(ctx).deleteFrom("limits").where("key", "=", bucketKey(ctx, bucket)).execute();
}

/** So many guesses by whoever is signed in to one account; a call that succeeds is not counted. */
export function guessesByCaller({
  name,
  most,
  within,
}: Guesses): Limit<Context, { readonly account: { readonly id: string } }> {
  return {
    describe: () => `${spell({ most, within }, " failures")} by account`,
    countsBy: "caller",
    take: async (ctx, { caller }) => holdGuess(ctx, callerBucket(name, caller.account.id), { most, within }),
  };
}

/**
 * Takes one guess, to be settled. Where all are held by calls under way, it waits for these: right passwords at once
 * all have their turn, and of wrong ones no more are judged than there are guesses. Throws Throttled, with the moment
 * from which the next can be had.
 */
async function holdGuess(
  ctx: Context,
  bucket: string,
  allowance: Allowance,
  whenUsedUp?: () => Promise<void> | undefined,
): Promise<Settle | undefined> {
  if (!ctx.config.rateLimits) return undefined;
  let held = await hold(ctx, bucket, allowance);
  for (let times = 0; held.wait && held.isForOthers && times < mostWaits; times += 1) {
    const waited = await nextSettled(ctx, held.key);
    if (waited === "too many") break;
    held = await hold(ctx, bucket, allowance);
    if (waited === "none") break;
  }
  if (held.wait) throw new Throttled(held.wait);
  begin(ctx, held.key);
  return async (isWrong) => {
    try {
      const left = await settle(ctx, held, isWrong);
      if (isWrong && left && left.held <= 0 && left.count >= allowance.most) await whenUsedUp?.();
    } catch (error) {
      ctx.log("warn", "a limit could not be settled", { error: describeError(error) });
    } finally {
      end(ctx, held.key, isWrong);
    }
  };
}

/** How long a guess can be under way at the most. */
const longestGuess = seconds(30);
/** What is held may be put back as soon as this. */
const soon = seconds(1);

interface Held {
  readonly key: string;
  /** When the window ends that it is counted in. */
  readonly resetsAt: number;
  /** When none was left: the milliseconds until there may be one. */
  readonly wait?: number;
  /** Whether none was left because guesses are under way, each of which may be put back. */
  readonly isForOthers?: boolean;
}

/** Counts one, if any is left, until it is settled. */
export async function hold(ctx: Context, bucket: string, { most, within }: Allowance): Promise<Held> {
  const key = bucketKey(ctx, bucket);
  const now = ctx.now().getTime();
  // A window that ends later than any could was counted by a clock that has been set back since.
  const isOver = sql<boolean>`(limits.resets_at <= ${now} or limits.resets_at > ${now + 2 * within})`;
  const isForgotten = sql<boolean>`(${isOver} or limits.held_until <= ${now})`;
  const heldUntil = now + longestGuess;
  const counted = await guessesIn(ctx)
    .insertInto("limits")
    .values({ key, count: 1, resets_at: now + within, held: 1, held_until: heldUntil })
    .onConflict((conflict) =>
      conflict
        .column("key")
        .doUpdateSet({
          count: sql`case when ${isOver} then 1 else limits.count + 1 end`,
          resets_at: sql`case when ${isOver} then ${now + within} else limits.resets_at end`,
          held: sql`case when ${isForgotten} then 1 else limits.held + 1 end`,
          held_until: heldUntil,
        })
        // A refused call writes nothing, so a flood costs the database a read or two each.
        .where(sql<boolean>`${isOver} or limits.count < ${most}`),
    )
    .returning("resets_at")
    .executeTakeFirst();
  if (counted) return { key, resetsAt: counted.resets_at };
  const full = await guessesIn(ctx)
    .selectFrom("limits")
    .select(["resets_at", "held", "held_until"])
    .where("key", "=", key)
    .executeTakeFirst();
  const resetsAt = full?.resets_at ?? now + soon;
  const isForOthers = full === undefined || (full.held > 0 && (full.held_until ?? 0) > now);
  const wait = Math.max(1, Math.min(isForOthers ? soon : resetsAt - now, within));
  return { key, resetsAt, wait, isForOthers };
}

/**
 * Ends one that was held: a wrong guess stays counted, another is put back. Not into a window that began since, which
 * never counted it.
 */
export async function settle(ctx: Context, { key, resetsAt }: Held, isWrong: boolean) {
  return guessesIn(ctx)
    .updateTable("limits")
    .set({ held: sql`held - 1`, ...(isWrong ? {} : { count: sql`count - 1` }) })
    .where("key", "=", key)
    .where("resets_at", "=", resetsAt)
    .where("held", ">", 0)
    .returning(["count", "held"])
    .executeTakeFirst();
}

interface UnderWay {
  count: number;
  readonly waiting: (() => void)[];
}

/** The guesses that this node judges now, by what is guessed at, and who waits for them. */
const underWay = perSystem(() => new Map<string, UnderWay>());
/** How many wait at the most for those of one account. */
const mostWaiting = 100;
/** How often one that waits may find that another was faster. */
const mostWaits = 20;

function begin(ctx: Context, key: string): void {
  const known = underWay(ctx).get(key);
  if (known) known.count += 1;
  else underWay(ctx).set(key, { count: 1, waiting: [] });
}

function end(ctx: Context, key: string, isWrong: boolean): void {
  const known = underWay(ctx).get(key);
  if (!known) return;
  known.count -= 1;
  if (known.count === 0) underWay(ctx).delete(key);
  // Each that was right makes room for one; after the last there is nothing to wait for any more.
  const woken = known.count === 0 ? known.waiting.splice(0) : isWrong ? [] : known.waiting.splice(0, 1);
  for (const wake of woken) wake();
}

/** Waits until a guess under way on this node was settled; if there is any, and not too many wait. */
async function nextSettled(ctx: Context, key: string): Promise<"settled" | "none" | "too many"> {
  const known = underWay(ctx).get(key);
  if (!known) return "none";
  if (known.waiting.length >= mostWaiting) return "too many";
  await new Promise<void>((resolve) => known.waiting.push(resolve));
  return "settled";
}
