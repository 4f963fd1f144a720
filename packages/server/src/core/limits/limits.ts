/** How often something may be done: counted in the database, exact under parallel calls, shared by every node. */

import { sql } from "kysely";
import type { Config } from "../../config.ts";
import { toBase64Url } from "../../platform/encoding.ts";
import { addressBlock } from "../../platform/http/client-address.ts";
import type { Counted, Limit } from "../../platform/http/endpoint.ts";
import { Throttled } from "../../platform/http/errors.ts";
import { describeError } from "../../platform/log.ts";
import { type Context, perSystem } from "../context.ts";
import { macFor } from "../keys/secrets.ts";

export interface LimitRow {
  key: string;
  count: number;
  resets_at: number;
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
  /** Whether this was the last that was left. */
  readonly isLast: boolean;
  /** When nothing was left: the moment from which more may be taken. */
  readonly emptyUntil?: Date;
}

/** An allowance, or the setting that says it. */
export type Allowed = Allowance | ((config: Config) => Allowance);

export const spell = ({ most, within }: Allowance, what = "") => `${most}${what} in ${within / 60_000} min`;

/** Takes one from what is left, if anything is. */
export async function takeOne(ctx: Context, bucket: string, { most, within }: Allowance): Promise<Taken> {
  const key = bucketKey(ctx, bucket);
  const now = ctx.now().getTime();
  // A window that ends later than any could was counted by a clock that has been set back since.
  const isOver = sql<boolean>`(limits.resets_at <= ${now} or limits.resets_at > ${now + 2 * within})`;
  const taken = await limitsIn(ctx)
    .insertInto("limits")
    .values({ key, count: 1, resets_at: now + within })
    .onConflict((conflict) =>
      conflict
        .column("key")
        .doUpdateSet({
          count: sql`case when ${isOver} then 1 else limits.count + 1 end`,
          resets_at: sql`case when ${isOver} then ${now + within} else limits.resets_at end`,
        })
        // A refused call writes nothing, so a flood costs the database one read each.
        .where(sql<boolean>`${isOver} or limits.count < ${most}`),
    )
    .returning(["count", "resets_at"])
    .executeTakeFirst();
  if (taken) return { key, resetsAt: taken.resets_at, isLast: taken.count >= most };
  const full = await limitsIn(ctx)
    .selectFrom("limits")
    .select("resets_at")
    .where("key", "=", key)
    .executeTakeFirst();
  const resetsAt = full?.resets_at ?? now + 1000;
  return { key, resetsAt, isLast: false, emptyUntil: new Date(Math.min(resetsAt, now + within)) };
}

/**
 * Puts one back, since what was counted turned out to be no guess; not into a window that began since, which never
 * counted it. Never throws: the work itself is done.
 */
export async function putBack(ctx: Context, { key, resetsAt }: Taken): Promise<void> {
  try {
    await limitsIn(ctx)
      .updateTable("limits")
      .set({ count: sql`count - 1` })
      .where("key", "=", key)
      .where("resets_at", "=", resetsAt)
      .where("count", ">", 0)
      .execute();
  } catch (error) {
    ctx.log("warn", "a limit could not be given back", { error: describeError(error) });
  }
}

/** Buckets are stored under a keyed fingerprint: the table tells nobody which addresses were tried. */
export function bucketKey(ctx: Context, bucket: string): string {
  return toBase64Url(macFor(ctx, "limit-key", bucket).subarray(0, 18));
}

async function takeOrThrow(ctx: Context, bucket: string, allowance: Allowance): Promise<Taken | undefined> {
  if (!ctx.config.rateLimits) return undefined;
  const taken = await takeOne(ctx, bucket, allowance);
  if (taken.emptyUntil) throw new Throttled(taken.emptyUntil.getTime() - ctx.now().getTime());
  return taken;
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
      await takeOrThrow(ctx, `${name} address ${addressBlock(ctx.request.address)}`, allowed(ctx));
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
