/** How often something may be done: counted in the database, exact under parallel calls, shared by every node. */

import { sql } from "kysely";
import type { Config } from "../../config.ts";
import { seconds } from "../../platform/duration.ts";
import { toBase64Url } from "../../platform/encoding.ts";
import { addressBlock } from "../../platform/http/client-address.ts";
import type { Counted, Limit } from "../../platform/http/endpoint.ts";
import { Throttled } from "../../platform/http/errors.ts";
import { type Context, perSystem } from "../context.ts";
import { macFor } from "../keys/secrets.ts";

interface LimitRow {
  key: string;
  count: number;
  resets_at: number;
  /** How many of those counted are guesses under way, which may turn out to be right. */
  held: number;
  /** When the last of them was to be judged by: of a node that died since, none is under way. */
  held_until: number | null;
}

export const limitsIn = (ctx: Context) => ctx.db.$extendTables<{ limits: LimitRow }>();

export interface Allowance {
  readonly most: number;
  /** Milliseconds. */
  readonly within: number;
}

export interface Taken {
  readonly key: string;
  /** When the window ends that it was counted in. */
  readonly resetsAt: number;
  /** When nothing was left: the moment from which more may be taken. */
  readonly emptyUntil?: Date;
  /** Whether nothing was left because guesses are under way, each of which may be put back. */
  readonly isHeld?: boolean;
}

/** An allowance, or the setting that says it. */
export type Allowed = Allowance | ((config: Config) => Allowance);

export const spell = ({ most, within }: Allowance, what = "") => `${most}${what} in ${within / 60_000} min`;

/** How long a guess can be under way at the most. */
const longestGuess = seconds(30);
/** What is held may be put back as soon as this. */
const soon = seconds(1);

/**
 * Takes one from what is left, if anything is. One that is `held` counts until it is settled, and after that only if it
 * was a wrong guess.
 */
export async function takeOne(
  ctx: Context,
  bucket: string,
  { most, within }: Allowance,
  held: 0 | 1 = 0,
): Promise<Taken> {
  const key = bucketKey(ctx, bucket);
  const now = ctx.now().getTime();
  // A window that ends later than any could was counted by a clock that has been set back since.
  const isOver = sql<boolean>`(limits.resets_at <= ${now} or limits.resets_at > ${now + 2 * within})`;
  const isForgotten = sql<boolean>`(${isOver} or limits.held_until <= ${now})`;
  const heldUntil = held ? now + longestGuess : null;
  const taken = await limitsIn(ctx)
    .insertInto("limits")
    .values({ key, count: 1, resets_at: now + within, held, held_until: heldUntil })
    .onConflict((conflict) =>
      conflict
        .column("key")
        .doUpdateSet({
          count: sql`case when ${isOver} then 1 else limits.count + 1 end`,
          resets_at: sql`case when ${isOver} then ${now + within} else limits.resets_at end`,
          held: sql`case when ${isForgotten} then ${held} else limits.held + ${held} end`,
          held_until: heldUntil,
        })
        // A refused call writes nothing, so a flood costs the database one read each.
        .where(sql<boolean>`${isOver} or limits.count < ${most}`),
    )
    .returning("resets_at")
    .executeTakeFirst();
  if (taken) return { key, resetsAt: taken.resets_at };
  const full = await limitsIn(ctx)
    .selectFrom("limits")
    .select(["resets_at", "held", "held_until"])
    .where("key", "=", key)
    .executeTakeFirst();
  const resetsAt = full?.resets_at ?? now + soon;
  const isHeld = full === undefined || (full.held > 0 && (full.held_until ?? 0) > now);
  const emptyUntil = new Date(Math.min(isHeld ? now + soon : resetsAt, now + within));
  return { key, resetsAt, emptyUntil, isHeld };
}

/** Buckets are stored under a keyed fingerprint: the table tells nobody which addresses were tried. */
export function bucketKey(ctx: Context, bucket: string): string {
  return toBase64Url(macFor(ctx, "limit-key", bucket).subarray(0, 18));
}

/** Throws Throttled when nothing was left. */
export function refuseEmpty(ctx: Context, { emptyUntil }: Taken): void {
  if (emptyUntil) throw new Throttled(emptyUntil.getTime() - ctx.now().getTime());
}

/** What a call can prove about itself, by a field of its body and what it brought along. */
export interface Proof<FieldName extends string> {
  readonly field: FieldName;
  /** Whether the call says that it can: what it costs to look is spent on no other. */
  readonly isClaimed: (ctx: Context) => boolean;
  /** Whose it was proved to be, in a name for an allowance; undefined when nothing was proved. */
  readonly prove: (ctx: Context, value: string) => Promise<string | undefined>;
}

/** Calls that a limit by address may spare. */
export interface SparedCalls<FieldName extends string> {
  /** For the documents. */
  readonly who: string;
  readonly by: Proof<FieldName>;
}

/** What they have instead. */
export type Spared<FieldName extends string> = SparedCalls<FieldName> & Allowance;

/**
 * So many calls from one address block, whatever comes of them. A call that proves that it is no stranger's has an
 * allowance of its own, so that nobody behind the same address can shut it out; beyond that it counts as any other.
 */
export function perAddress(name: string, allowance: Allowed): Limit<Context, unknown>;
export function perAddress<FieldName extends string>(
  name: string,
  allowance: Allowed,
  spared: Spared<FieldName>,
): Limit<Context, unknown, FieldName>;
export function perAddress<FieldName extends string>(
  name: string,
  allowance: Allowed,
  spared?: Spared<FieldName>,
): Limit<Context, unknown, FieldName> {
  const apart = spared ? `; ${spared.who} have ${spell(spared)} of their own` : "";
  const allowed = (ctx: Context) => (typeof allowance === "function" ? allowance(ctx.config) : allowance);
  return {
    describe: (system) => `${spell(allowed(system))} by address${apart}`,
    countsBy: "address",
    ...(spared && { spares: spared.by }),
    take: async (ctx, { body }) => {
      if (!ctx.config.rateLimits) return undefined;
      if (spared?.by.isClaimed(ctx) && (await takeSpared(ctx, name, spared, body))) return undefined;
      refuseEmpty(
        ctx,
        await takeOne(ctx, `${name} address ${addressBlock(ctx.request.address)}`, allowed(ctx)),
      );
      return undefined;
    },
  };
}

/** Whether the call proved itself, and had something left of its own. */
async function takeSpared<FieldName extends string>(
  ctx: Context,
  name: string,
  { by, most, within }: Spared<FieldName>,
  body: Counted<unknown>["body"],
): Promise<boolean> {
  const whose = await by.prove(ctx, String(body[by.field]));
  if (whose === undefined) return false;
  const { emptyUntil } = await takeOne(ctx, `${name} spared ${whose}`, { most, within });
  return !emptyUntil;
}

const ceilings = perSystem(() => new Map<string, { count: number; resetsAt: number }>());
const ceiling: Allowance = { most: 600, within: 60_000 };
const perMinute = `${ceiling.most} a minute`;

/** For calls that guess nothing: 600 a minute by address block, in this node's memory, so that no read costs a write. */
export const readsOnly: Limit<Context, unknown> = {
  describe: () => `${perMinute} by address, on each node`,
  countsBy: "address",
  take: async (ctx) => countRead(ctx, addressBlock(ctx.request.address)),
};

/** As many, by whoever is signed in: what others do behind the same address counts for nothing. */
export const readsByCaller: Limit<Context, { readonly account: { readonly id: string } }> = {
  describe: () => `${perMinute} by account, on each node`,
  countsBy: "caller",
  take: async (ctx, { caller }) => countRead(ctx, `account ${caller.account.id}`),
};

/** As many, by whose call the body proves it is; by address block without that. */
export function readsBy<FieldName extends string>({
  who,
  by,
}: SparedCalls<FieldName>): Limit<Context, unknown, FieldName> {
  return {
    describe: () => `${perMinute} by ${who}, or by address without one, on each node`,
    countsBy: "address",
    spares: by,
    take: async (ctx, { body }) => {
      const value = body[by.field];
      const whose = typeof value === "string" ? await by.prove(ctx, value) : undefined;
      return countRead(ctx, whose ?? addressBlock(ctx.request.address));
    },
  };
}

function countRead(ctx: Context, whose: string): undefined {
  if (!ctx.config.rateLimits) return;
  const counts = ceilings(ctx);
  const now = ctx.now().getTime();
  const known = counts.get(whose);
  const bucket = known && known.resetsAt > now ? known : { count: 0, resetsAt: now + ceiling.within };
  bucket.count += 1;
  counts.set(whose, bucket);
  if (counts.size > 10_000) forgetOver(counts, now);
  if (bucket.count > ceiling.most) throw new Throttled(bucket.resetsAt - now);
}

function forgetOver(counts: Map<string, { resetsAt: number }>, now: number): void {
  for (const [block, { resetsAt }] of counts) if (resetsAt <= now) counts.delete(block);
  // Still full: so many addresses at once are a flood, and the oldest are the least likely to come back.
  for (const block of counts.keys()) {
    if (counts.size <= 10_000) break;
    counts.delete(block);
  }
}
