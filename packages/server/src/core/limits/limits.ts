/** How often something may be done: counted in the database, exact under parallel calls, shared by every node. */

import { sql } from "kysely";
import type { Config } from "../../config.ts";
import { toBase64Url } from "../../platform/encoding.ts";
import { addressBlocks } from "../../platform/http/client-address.ts";
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
  /** When nothing was left: the moment from which more may be taken. */
  readonly emptyUntil?: Date;
}

/** An allowance, or the setting that says it. */
export type Allowed = Allowance | ((config: Config) => Allowance);

export const spell = ({ most, within }: Allowance, what = "") => `${most}${what} in ${within / 60_000} min`;

/** Takes one from what is left, if anything is. */
export async function takeOne(ctx: Context, bucket: string, { most, within }: Allowance): Promise<Taken> {
  return takeOfEach(ctx, [{ bucket, most }], within);
}

interface Share {
  readonly bucket: string;
  readonly most: number;
}

/**
 * Takes one of each, or of none when one of them is empty, in one statement; tells of the first. Buckets that others
 * take of too stand last: so each statement takes their rows in the same order, and none waits in a circle.
 */
async function takeOfEach(
  ctx: Context,
  shares: readonly [Share, ...Share[]],
  within: number,
): Promise<Taken> {
  const now = ctx.now().getTime();
  const buckets = shares.map(({ bucket, most }) => ({ key: bucketKey(ctx, bucket), most }));
  const [key = ""] = buckets.map((bucket) => bucket.key);
  // A window that ends later than any could was counted by a clock that has been set back since.
  const isOver = sql`(limits.resets_at <= ${now} or limits.resets_at > ${now + 2 * within})`;
  const mosts = buckets.map((bucket) => sql`when ${bucket.key} then cast(${bucket.most} as integer)`);
  const isFull = sql`limits.count >= case limits.key ${sql.join(mosts, sql` `)} end`;
  const keys = sql.join(buckets.map((bucket) => bucket.key));
  const wanted = buckets.map((bucket) => sql`(cast(${bucket.key} as text))`).toReversed();
  // A refused call writes nothing, so a flood costs the database one read each.
  const { rows: taken } = await sql<LimitRow>`
    insert into "limits" (key, count, resets_at)
    select wanted.column1, 1, cast(${now + within} as bigint) from (values ${sql.join(wanted)}) as wanted
    where not exists (select 1 from limits where key in (${keys}) and not ${isOver} and ${isFull})
    on conflict (key) do update set
      count = case when ${isOver} then 1 else limits.count + 1 end,
      resets_at = case when ${isOver} then excluded.resets_at else limits.resets_at end
    where ${isOver} or not ${isFull}
    returning key, count, resets_at`.execute(ctx.db);
  const own = taken.find((row) => row.key === key);
  if (own && taken.length === buckets.length) {
    return { key, resetsAt: own.resets_at };
  }
  // Another call took the last of one of them while the statement ran.
  for (const row of taken) await putBack(ctx, { key: row.key, resetsAt: row.resets_at });
  const { rows: full } = await sql<LimitRow>`
    select key, count, resets_at from "limits" where key in (${keys}) and not ${isOver} and ${isFull}`.execute(
    ctx.db,
  );
  const resetsAt = full.length > 0 ? Math.max(...full.map((row) => row.resets_at)) : now + 1000;
  return { key, resetsAt, emptyUntil: new Date(Math.min(resetsAt, now + within)) };
}

/**
 * Puts one back, since what was counted turned out to be no guess; not into a window that began since, which never
 * counted it. Never throws: the work itself is done.
 */
export async function putBack(
  ctx: Context,
  { key, resetsAt }: Pick<Taken, "key" | "resetsAt">,
): Promise<void> {
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

function throwIfEmpty(ctx: Context, taken: Taken): Taken {
  if (taken.emptyUntil) throw new Throttled(taken.emptyUntil.getTime() - ctx.now().getTime());
  return taken;
}

/**
 * Whoever has a /64 of IPv6 often has a /56 or a /48, with 256 or 65,536 of them: each of the wider blocks has a ceiling
 * of its own, of so many times as much. There are people of several homes in one, so it is more; and a stranger who has a
 * /48 to himself gets no further than that.
 */
const timesAsMuch = [1, 4, 16] as const;

/** What an allowance by address comes to for each block that the caller is in, the narrowest first. */
function sharesOf(ctx: Context, name: string, most: number): readonly [Share, ...Share[]] {
  const share = (block: string, index: number): Share => ({
    bucket: `${name} ${block}`,
    most: most * (timesAsMuch[index] ?? 1),
  });
  const [narrowest, ...wider] = addressBlocks(ctx.request.address);
  return [share(narrowest, 0), ...wider.map((block, index) => share(block, index + 1))];
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
      const { most, within } = allowed(ctx);
      throwIfEmpty(ctx, await takeOfEach(ctx, sharesOf(ctx, `${name} address`, most), within));
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

/**
 * So many calls by whoever is signed in to one account, and so many by all accounts from one address, whatever comes of
 * them. One account cannot use up what its address has: a call beyond its own is not counted.
 */
export function callsByCaller(
  name: string,
  { most, within, fromAddress }: Allowance & { readonly fromAddress: number },
): Limit<Context, { readonly account: { readonly id: string } }> {
  return {
    describe: () => `${spell({ most, within })} by account, ${fromAddress} by address`,
    countsBy: "caller",
    take: async (ctx, { caller }) => {
      if (!ctx.config.rateLimits) return undefined;
      const own = { bucket: `${name} account ${caller.account.id}`, most };
      const others = sharesOf(ctx, `${name} address`, fromAddress);
      throwIfEmpty(ctx, await takeOfEach(ctx, [own, ...others], within));
      return undefined;
    },
  };
}

const ceilings = perSystem(() => new Map<string, { count: number; resetsAt: number }>());
const ceiling: Allowance = { most: 600, within: 60_000 };
const perMinute = `${ceiling.most} a minute`;

/** For calls that guess nothing: 600 a minute by address, in this node's memory, so that no read costs a write. */
export const readsOnly: Limit<Context, unknown> = {
  describe: () => `${perMinute} by address, on each node`,
  countsBy: "address",
  take: async (ctx) => countReads(ctx, readsOfAddress(ctx)),
};

/** As many, by whoever is signed in: what others do behind the same address counts for nothing. */
export const readsByCaller: Limit<Context, { readonly account: { readonly id: string } }> = {
  describe: () => `${perMinute} by account, on each node`,
  countsBy: "caller",
  take: async (ctx, { caller }) => countReads(ctx, [ownShare(`account ${caller.account.id}`)]),
};

/** As many, by whose call the body proves it is; by address without that. */
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
      return countReads(ctx, whose === undefined ? readsOfAddress(ctx) : [ownShare(whose)]);
    },
  };
}

const readsOfAddress = (ctx: Context) => sharesOf(ctx, "address", ceiling.most);
const ownShare = (bucket: string): Share => ({ bucket, most: ceiling.most });

/** How many counts a node keeps in memory: so many addresses at once are a flood, and whoever is forgotten begins anew. */
const mostCounts = 10_000;

/** Counts a call in each of its buckets, or in none when one of them is empty. */
function countReads(ctx: Context, shares: readonly Share[]): undefined {
  if (!ctx.config.rateLimits) return;
  const counts = ceilings(ctx);
  const now = ctx.now().getTime();
  const full: number[] = [];
  const buckets = shares.map(({ bucket, most }) => {
    const known = counts.get(bucket);
    const count = known && known.resetsAt > now ? known : { count: 0, resetsAt: now + ceiling.within };
    if (count.count >= most) full.push(count.resetsAt);
    // To the end: whoever was asked about last is forgotten last.
    counts.delete(bucket);
    counts.set(bucket, count);
    return count;
  });
  for (const bucket of counts.keys()) {
    if (counts.size <= mostCounts) break;
    counts.delete(bucket);
  }
  if (full.length > 0) throw new Throttled(Math.max(...full) - now);
  for (const bucket of buckets) bucket.count += 1;
}
