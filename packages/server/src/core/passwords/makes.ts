/** Which part of the accounts has a password hash of an old make: counted now and then, by one node for all of them. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { days, hours, minutes } from "../../platform/duration.ts";
import { parseJson } from "../../platform/json.ts";
import { accountsIn } from "../accounts/accounts.ts";
import { type Context, perSystem } from "../context.ts";
import { readFact, writeFact } from "../facts.ts";
import type { Job } from "../feature.ts";
import { makeOf, makeOfArgon2id } from "./formats.ts";

/** A make other than today's: hashes that came from Django, and ours from before ARGON2 was changed. */
export interface MakeShare {
  /** As `makeOf` names it. */
  readonly make: string;
  /** The part of all password hashes that are of it. */
  readonly share: number;
  /** The part of all addresses that could draw it; together they are one. */
  readonly width: number;
}

interface Count {
  readonly countedAt: number;
  /** The make that was not counted as an old one. */
  readonly today: string;
  readonly makes: readonly MakeShare[];
}

const factName = "password makes";
/** How long a count is good: accounts are upgraded over weeks. */
const goodFor = hours(1);
/** How long one is that found no old make, unless one is met before that. */
const emptyGoodFor = days(1);
/** How long a node goes on with what it last read. */
const knownFor = minutes(1);
/** Rows that one statement reads: SQLite's only thread is held for a few milliseconds. */
const batch = 200;

/** Two nodes may count at once: they find the same. */
export const countingMakes: Job = { name: "password makes", every: minutes(10), run: keepCount };

/** Counts, unless some node has lately. */
async function keepCount(ctx: Context): Promise<void> {
  const last = await readCount(ctx);
  if (!last || !isGood(ctx, last)) await countMakes(ctx);
}

function isGood(ctx: Context, { countedAt, today, makes }: Count): boolean {
  if (today !== todaysMake(ctx)) return false;
  const { met } = cache(ctx);
  if (met !== undefined && !hasMake(makes, met)) return false;
  const age = Math.abs(ctx.now().getTime() - countedAt);
  return age < (makes.some(({ share }) => share > 0) ? goodFor : emptyGoodFor);
}

const hasMake = (makes: readonly MakeShare[], make: string) =>
  makes.some((one) => one.make === make && one.share > 0);

/** Tells that a hash of this make was met: if the last count found none, accounts were imported since. */
export function noteMake(ctx: Context, make: string): void {
  const known = cache(ctx);
  if (make !== todaysMake(ctx) && !hasMake(known.makes, make)) known.met = make;
}

/** What a hash is made like now. */
export function todaysMake(ctx: Context): string {
  return makeOfArgon2id(ctx.config.passwords.argon2);
}

/** Counts the makes of all accounts, a few at a time, and keeps what it finds for every node. */
export async function countMakes(ctx: Context): Promise<void> {
  const countedAt = ctx.now().getTime();
  cache(ctx).met = undefined;
  const today = todaysMake(ctx);
  const counts = new Map<string, number>();
  for await (const hashes of listHashes(ctx)) {
    for (const make of hashes.map(makeOf)) {
      if (make !== undefined) counts.set(make, (counts.get(make) ?? 0) + 1);
    }
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  counts.delete(today);
  const shares = new Map([...counts].map(([make, count]) => [make, count / total]));
  const last = await readCount(ctx);
  await writeCount(ctx, { countedAt, today, makes: layOut(shares, last?.makes ?? []) });
}

/**
 * Keeps the widths of the last count while no make has outgrown its own: only then does no address move from one old
 * make to another, as no account ever does. They are laid out anew when accounts were imported.
 */
function layOut(shares: ReadonlyMap<string, number>, last: readonly MakeShare[]): MakeShare[] {
  const widths = new Map(last.map(({ make, width }) => [make, width]));
  // A tenth, for what little a share grows when accounts of other makes are deleted.
  const isOutgrown = [...shares].some(([make, share]) => share > 1.1 * (widths.get(make) ?? 0));
  if (!isOutgrown) return last.map((one) => ({ ...one, share: shares.get(one.make) ?? 0 }));
  const sum = [...shares.values()].reduce((one, other) => one + other, 0);
  return [...shares].map(([make, share]) => ({ make, share, width: share / sum }));
}

async function* listHashes(ctx: Context): AsyncGenerator<(string | null)[]> {
  for (let after = ""; ; await nextTurn()) {
    const rows = await accountsIn(ctx)
      .selectFrom("accounts")
      .select(["id", "password_hash"])
      .where("id", ">", after)
      .orderBy("id")
      .limit(batch)
      .execute();
    yield rows.map((row) => row.password_hash);
    if (rows.length < batch) return;
    after = rows.at(-1)?.id ?? "";
  }
}

const cache = perSystem(() => ({
  makes: [] as readonly MakeShare[],
  reading: Promise.resolve<readonly MakeShare[]>([]),
  readAt: Number.NEGATIVE_INFINITY,
  /** An old make that an account was found to have. */
  met: undefined as string | undefined,
}));

/** The old makes there are, as some node counted them; read from the database once a minute, for all who ask. */
export async function knownMakes(ctx: Context): Promise<readonly MakeShare[]> {
  const now = ctx.now().getTime();
  const known = cache(ctx);
  if (Math.abs(now - known.readAt) >= knownFor)
    Object.assign(known, { readAt: now, reading: readMakes(ctx) });
  return known.reading;
}

async function readMakes(ctx: Context): Promise<readonly MakeShare[]> {
  const known = cache(ctx);
  try {
    known.makes = (await readCount(ctx))?.makes ?? [];
    return known.makes;
  } catch (error) {
    known.readAt = Number.NEGATIVE_INFINITY;
    throw error;
  }
}

async function readCount(ctx: Context): Promise<Count | undefined> {
  const fact = await readFact(ctx, factName);
  return fact === undefined ? undefined : (parseJson(fact) as Count);
}

const writeCount = (ctx: Context, count: Count) => writeFact(ctx, factName, JSON.stringify(count));
