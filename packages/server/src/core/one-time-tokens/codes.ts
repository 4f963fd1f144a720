/** Codes of six digits that are mailed beside a link, to be typed instead: of an account's, the newest counts. */

import { after, hours } from "../../platform/duration.ts";
import { isSameSecret, sha256Hex } from "../../platform/encoding.ts";
import { canonicalEmail } from "../../platform/http/email-address.ts";
import { randomDigits } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { macFor } from "../keys/secrets.ts";
import { countOne, countSoFar } from "../limits/counts.ts";
import { tokensIn } from "./one-time-tokens.ts";

/** Wrong tries that a mailed code forgives; after them it is dead. */
const codeTries = 5;

/** Longer than a code lives, so that none gets its tries a second time. */
const triesKept = hours(24);

/** Gives a token a code of six digits; earlier codes of the purpose die, their links do not. */
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

/** Who types a code; whoever is named has tries of their own, so that strangers cannot use them up. */
export type Typist = "anyone" | "registrant";

export interface CodeHolder {
  readonly email: string;
  /** Undefined where nobody has an account of this address. */
  readonly accountId: string | undefined;
}

/**
 * The fingerprint of the token that this code stands for. A try is counted before it is known to be right, in one
 * statement, so that a thousand guesses at once still are five (OWASP ASVS 6.6.3). Whether an address waits for a code,
 * has none or is nobody's, the same statements read and write as many rows: the count is of the address where there is
 * no code.
 */
export async function tryCode(
  ctx: Context,
  purpose: string,
  { email, accountId = "" }: CodeHolder,
  code: string,
  typist: Typist,
): Promise<string | undefined> {
  const now = ctx.now().getTime();
  const waiting = await tokensIn(ctx)
    .selectFrom("one_time_tokens")
    .select(["hash", "code_mac"])
    .where("account_id", "=", accountId)
    .where("purpose", "=", purpose)
    .where("code_mac", "is not", null)
    .where("code_expires_at", ">", now)
    .where("expires_at", ">", now)
    .where("used_at", "is", null)
    .executeTakeFirst();
  const tried = waiting?.hash ?? `${purpose} ${canonicalEmail(email)}`;
  const count = await countOne(ctx, triesBucket(tried, typist), triesKept);
  const isRight = isSameSecret(waiting?.code_mac ?? noCode, codeMac(ctx, accountId, code));
  return isRight && count <= codeTries ? waiting?.hash : undefined;
}

/** As long as any other, and none that a code can have. */
const noCode = "-".repeat(64);

const triesBucket = (tried: string, typist: Typist) => `code tries ${typist} ${tried}`;

/** Whether strangers have guessed at the code of this token until it was dead. */
export async function isGuessedDead(ctx: Context, hash: string): Promise<boolean> {
  return (await countSoFar(ctx, triesBucket(hash, "anyone"))) >= codeTries;
}
