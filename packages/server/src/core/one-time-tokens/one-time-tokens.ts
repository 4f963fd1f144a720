/** Tokens that work once, for one purpose, for one account: stored as fingerprints, taken by one statement. */

import { after } from "../../platform/duration.ts";
import { isSameSecret, sha256Hex } from "../../platform/encoding.ts";
import { randomDigits, randomUuidShapedToken } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { macFor } from "../keys/secrets.ts";

interface OneTimeTokenRow {
  hash: string;
  purpose: string;
  account_id: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  code_mac: string | null;
  code_expires_at: number | null;
  code_tries: number;
}

const tokensIn = (ctx: Context) => ctx.db.$extendTables<{ one_time_tokens: OneTimeTokenRow }>();

/** Wrong tries that a mailed code forgives; after them it is dead. */
const codeTries = 5;

/** Makes a token of 128 random bits that nothing but its mail will ever hold. */
export async function issueOneTimeToken(
  ctx: Context,
  purpose: string,
  accountId: string,
  ttl: number,
): Promise<string> {
  const token = randomUuidShapedToken(ctx.randomBytes);
  const now = ctx.now();
  await tokensIn(ctx)
    .insertInto("one_time_tokens")
    .values({
      hash: sha256Hex(token),
      purpose,
      account_id: accountId,
      created_at: now.getTime(),
      expires_at: after(now, ttl).getTime(),
      used_at: null,
      code_mac: null,
      code_expires_at: null,
      code_tries: 0,
    })
    .execute();
  return token;
}

/** Gives a token a code of six digits to be typed instead; earlier codes of the purpose die, their links do not. */
export async function issueCode(
  ctx: Context,
  purpose: string,
  accountId: string,
  token: string,
  ttl: number,
): Promise<string> {
  const code = randomDigits(ctx.randomBytes, 6);
  await tokensIn(ctx)
    .updateTable("one_time_tokens")
    .set({ code_mac: null })
    .where("account_id", "=", accountId)
    .where("purpose", "=", purpose)
    .execute();
  await tokensIn(ctx)
    .updateTable("one_time_tokens")
    .set({ code_mac: codeMac(ctx, accountId, code), code_expires_at: after(ctx.now(), ttl).getTime() })
    .where("hash", "=", sha256Hex(token))
    .execute();
  return code;
}

const codeMac = (ctx: Context, accountId: string, code: string) =>
  macFor(ctx, "mail-code", `${accountId} ${code}`).toString("hex");

/** Whether a token made so lately still works, with its code if it was given one. */
export async function hasRecentToken(
  ctx: Context,
  purpose: string,
  accountId: string,
  within: number,
): Promise<boolean> {
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
    .where("code_tries", "<", codeTries)
    .executeTakeFirst();
  return recent !== undefined;
}

/** Uses a token up. Of two at the same moment, one gets the account; undefined for any token that is no longer good. */
export async function takeOneTimeToken(
  ctx: Context,
  purpose: string,
  token: string,
): Promise<string | undefined> {
  const now = ctx.now().getTime();
  const taken = await tokensIn(ctx)
    .updateTable("one_time_tokens")
    .set({ used_at: now, code_mac: null })
    .where("hash", "=", sha256Hex(token))
    .where("purpose", "=", purpose)
    .where("used_at", "is", null)
    .where("expires_at", ">", now)
    .returning("account_id")
    .executeTakeFirst();
  return taken?.account_id;
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

/**
 * Uses up the token that this code stands for; whether it did. A try is counted before the code is looked at, in one
 * statement, so that a thousand guesses at once still are five (OWASP ASVS 6.6.3).
 */
export async function takeCode(
  ctx: Context,
  purpose: string,
  accountId: string,
  code: string,
): Promise<boolean> {
  const now = ctx.now().getTime();
  const tried = await tokensIn(ctx)
    .updateTable("one_time_tokens")
    .set((row) => ({ code_tries: row("code_tries", "+", 1) }))
    .where("account_id", "=", accountId)
    .where("purpose", "=", purpose)
    .where("code_mac", "is not", null)
    .where("code_expires_at", ">", now)
    .where("expires_at", ">", now)
    .where("code_tries", "<", codeTries)
    .where("used_at", "is", null)
    .returning(["hash", "code_mac"])
    .executeTakeFirst();
  if (!tried?.code_mac || !isSameSecret(tried.code_mac, codeMac(ctx, accountId, code))) return false;
  const taken = await tokensIn(ctx)
    .updateTable("one_time_tokens")
    .set({ used_at: now, code_mac: null })
    .where("hash", "=", tried.hash)
    .where("used_at", "is", null)
    .returning("hash")
    .executeTakeFirst();
  return taken !== undefined;
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
