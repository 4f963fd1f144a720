/** Deletes an account, and everything that hangs on it, for somebody who knows its password. */

import type { Caller } from "../../core/access/access.ts";
import { accountsIn } from "../../core/accounts/accounts.ts";
import type { Context } from "../../core/context.ts";
import { event, forgetWhereabouts, record } from "../../core/events/events.ts";
import { forgetMailTo } from "../../core/mail/outbox.ts";
import { verifyPassword } from "../../core/passwords/passwords.ts";
import { PasswordWrong } from "./errors.ts";

export const accountWasDeleted = event("account.deleted");

/** Deletes the caller's account, once and for all. Throws PasswordWrong. */
export async function deleteAccount(ctx: Context, { account }: Caller, password: string): Promise<void> {
  if (!(await verifyPassword(ctx, password, account.passwordHash))) throw new PasswordWrong();
  await ctx.transaction(async (ctx) => {
    const deleted = await accountsIn(ctx)
      .deleteFrom("accounts")
      .where("id", "=", account.id)
      .where("password_hash", "=", account.passwordHash)
      .returning("id")
      .executeTakeFirst();
    if (!deleted) throw new PasswordWrong();
    await record(ctx, accountWasDeleted, account.id, {});
    await forgetWhereabouts(ctx, account.id);
    await forgetMailTo(ctx, account.email);
  });
}
