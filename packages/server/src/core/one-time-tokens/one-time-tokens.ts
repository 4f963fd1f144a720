/** Tokens that work once, for one purpose, for one account: stored as fingerprints, taken by one statement. */

import { after } from "../../platform/duration.ts";
import { sha256Hex, toBase64Url } from "../../platform/encoding.ts";
import { addressBlock } from "../../platform/http/client-address.ts";
import { randomUuidShapedToken } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { macFor } from "../keys/secrets.ts";

interface OneTimeTokenRow {
  hash: string;
  purpose: string;
  account_id: string;
  /** A fingerprint of the network that asked for it; null where the release before this one wrote it. */
  asked_from: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  code_mac: string | null;
  code_expires_at: number | null;
  /** Only the release before this one counts here. */
  code_tries: number;
}

export const tokensIn = (ctx: Context) => ctx.db.$extendTables<{ one_time_tokens: OneTimeTokenRow }>();

/** Tokens of one purpose that work side by side, of those that one network asked for. */
const mostAlive = 3;

/**
 * Makes a token of 128 random bits that nothing but its mail will ever hold. Of an account's unused ones for a purpose,
 * those that the same network asked for before the three newest go: asking again spoils no link that is just arriving,
 * and whoever asks from elsewhere can push out nobody's.
 */
export async function issueOneTimeToken(
  ctx: Context,
  purpose: string,
  accountId: string,
  ttl: number,
  askedFrom: string = ctx.request.address,
): Promise<string> {
  const token = randomUuidShapedToken(ctx.randomBytes);
  const now = ctx.now();
  const hash = sha256Hex(token);
  const network = fingerprintOf(ctx, askedFrom);
  await tokensIn(ctx)
    .insertInto("one_time_tokens")
    .values({
      hash,
      purpose,
      account_id: accountId,
      asked_from: network,
      created_at: now.getTime(),
      expires_at: after(now, ttl).getTime(),
      used_at: null,
      code_mac: null,
      code_expires_at: null,
      code_tries: 0,
    })
    .execute();
  const unused = tokensIn(ctx)
    .selectFrom("one_time_tokens")
    .select("hash")
    .where("account_id", "=", accountId)
    .where("purpose", "=", purpose)
    .where("asked_from", "=", network)
    .where("used_at", "is", null);
  // The new one is kept even where a clock that was set back makes it the oldest.
  const kept = unused
    .where("hash", "!=", hash)
    .orderBy("created_at", "desc")
    .limit(mostAlive - 1);
  await tokensIn(ctx)
    .deleteFrom("one_time_tokens")
    .where("hash", "in", unused)
    .where("hash", "!=", hash)
    .where("hash", "not in", kept)
    .execute();
  return token;
}

/** Which network an address is of, told to nobody who reads the database. */
function fingerprintOf(ctx: Context, address: string): string {
  return toBase64Url(macFor(ctx, "limit-key", `asked from ${addressBlock(address)}`).subarray(0, 18));
}

/** The fingerprint of a token made so lately that still works, if there is one. */
export async function findRecentToken(
  ctx: Context,
  purpose: string,
  accountId: string,
  within: number,
): Promise<string | undefined> {
  const now = ctx.now().getTime();
  const recent = await tokensIn(ctx)
    .selectFrom("one_time_tokens")
    .select("hash")
    .where("account_id", "=", accountId)
    .where("purpose", "=", purpose)
    .where("created_at", ">", now - within)
    // A clock that was set back by a day must not make it recent for a day.
    .where("created_at", "<=", now)
    .where("expires_at", ">", now)
    .where("used_at", "is", null)
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return recent?.hash;
}

/** Uses a token up, as `useUp` does; undefined for any token that is no longer good. */
export async function takeOneTimeToken(
  ctx: Context,
  purpose: string,
  token: string,
): Promise<string | undefined> {
  return useUp(ctx, purpose, sha256Hex(token));
}

/**
 * Uses up the token with this fingerprint and, in the same statement, every other of its purpose that its account has:
 * of two at the same moment, be they the same or two that were mailed one after the other, one gets the account.
 */
export async function useUp(ctx: Context, purpose: string, hash: string): Promise<string | undefined> {
  const now = ctx.now().getTime();
  const used = await tokensIn(ctx)
    .updateTable("one_time_tokens")
    .set({ used_at: now, code_mac: null })
    .where("purpose", "=", purpose)
    .where("used_at", "is", null)
    .where("account_id", "=", (query) =>
      query
        .selectFrom("one_time_tokens as given")
        .select("given.account_id")
        .where("given.hash", "=", hash)
        .where("given.purpose", "=", purpose)
        .where("given.used_at", "is", null)
        .where("given.expires_at", ">", now),
    )
    .returning(["hash", "account_id"])
    .execute();
  return used.find((row) => row.hash === hash)?.account_id;
}

/** Whose token it is while its time runs, used or not: for looking, never for letting in. */
export async function findOneTimeToken(
  ctx: Context,
  purpose: string,
  token: string,
): Promise<{ readonly accountId: string; readonly isUsed: boolean } | undefined> {
  const row = await tokensIn(ctx)
    .selectFrom("one_time_tokens")
    .select(["account_id", "used_at"])
    .where("hash", "=", sha256Hex(token))
    .where("purpose", "=", purpose)
    .where("expires_at", ">", ctx.now().getTime())
    .executeTakeFirst();
  return row && { accountId: row.account_id, isUsed: row.used_at !== null };
}

/** Whether an account has a token of one of these purposes that could still be used. */
export async function hasLiveToken(
  ctx: Context,
  accountId: string,
  purposes: readonly string[],
): Promise<boolean> {
  const live = await tokensIn(ctx)
    .selectFrom("one_time_tokens")
    .select("hash")
    .where("account_id", "=", accountId)
    .where("purpose", "in", purposes)
    .where("used_at", "is", null)
    .where("expires_at", ">", ctx.now().getTime())
    .executeTakeFirst();
  return live !== undefined;
}

/** Ends every token of these purposes, or of all, that an account still has. */
export async function endOneTimeTokens(
  ctx: Context,
  accountId: string,
  purposes: readonly string[] | "all",
): Promise<void> {
  let ending = tokensIn(ctx)
    .deleteFrom("one_time_tokens")
    .where("account_id", "=", accountId)
    .where("used_at", "is", null);
  if (purposes !== "all") ending = ending.where("purpose", "in", purposes);
  await ending.execute();
}

/** Removes some tokens whose time is up; how many. */
export async function removeExpiredTokens(ctx: Context, most: number): Promise<number> {
  const old = tokensIn(ctx)
    .selectFrom("one_time_tokens")
    .select("hash")
    .where("expires_at", "<", ctx.now().getTime())
    .limit(most)
    .forUpdate()
    .skipLocked();
  const removed = await tokensIn(ctx)
    .deleteFrom("one_time_tokens")
    .where("hash", "in", old)
    .executeTakeFirst();
  return Number(removed.numDeletedRows);
}
