/** The one way to another password: what the one before had opened ends with it. */

import { sql } from "kysely";
import { type Account, accountsIn } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { endOneTimeTokens } from "../one-time-tokens/one-time-tokens.ts";
import { endAllSessions } from "../sessions/sessions.ts";
import { forgetPasswordGuesses } from "./guesses.ts";
import { passwordPurposes } from "./passwords.ts";

/**
 * Gives an account another password, if it still has the hash it was found with. Every session ends but the one to keep,
 * and with them every device token and every open link to a new password; the counts of guesses begin anew. Gives the
 * account as it is then.
 */
export async function replacePassword(
  ctx: Context,
  account: Account,
  hash: string,
  keepSession?: string,
): Promise<Account | undefined> {
  const replaced = await accountsIn(ctx)
    .updateTable("accounts")
    .set({
      password_hash: hash,
      device_epoch: sql`device_epoch + 1`,
      updated_at: ctx.now().getTime(),
    })
    .where("id", "=", account.id)
    .where("password_hash", account.passwordHash === null ? "is" : "=", account.passwordHash)
    .returning("device_epoch")
    .executeTakeFirst();
  if (!replaced) return undefined;
  await endAllSessions(ctx, account.id, "password", keepSession);
  await endOneTimeTokens(ctx, account.id, passwordPurposes);
  await forgetPasswordGuesses(ctx, account);
  return { ...account, passwordHash: hash, deviceEpoch: replaced.device_epoch };
}
