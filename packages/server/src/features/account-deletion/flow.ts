/** Deletes an account, and everything that hangs on it, for somebody who knows its password. */

import type { Caller } from "../../core/access/access.ts";
import { type Account, accountsIn } from "../../core/accounts/accounts.ts";
import type { Context } from "../../core/context.ts";
import { event, forgetWhereabouts, record } from "../../core/events/events.ts";
import { forgetMailTo } from "../../core/mail/outbox.ts";
import { actWithPassword } from "../../core/passwords/passwords.ts";
import { PasswordWrong } from "./errors.ts";

export const accountWasDeleted = event("account.deleted");

/** Deletes the caller's account, once and for all. Throws PasswordWrong. */
export async function deleteAccount(ctx: Context, { account }: Caller, password: string): Promise<void> {
  const isDone = await actWithPassword(ctx, password, account, (account) =>
    ctx.transaction(async (ctx) => (await removeAccount(ctx, account, account.passwordHash)) || undefined),
  );
  if (!isDone) throw new PasswordWrong();
}

/**
 * Removes an account, all that hangs on it and what tells where its owner was, in the transaction at hand. False when
 * it is gone already or, where a hash is given, when its password is another one by now.
 */
export async function removeAccount(
  ctx: Context,
  account: Account,
  passwordHash: string | null = null,
): Promise<boolean> {
  let deleting = accountsIn(ctx).deleteFrom("accounts").where("id", "=", account.id);
  if (passwordHash !== null) deleting = deleting.where("password_hash", "=", passwordHash);
  if (!(await deleting.returning("id").executeTakeFirst())) return false;
  await record(ctx, accountWasDeleted, account.id, {});
  await forgetWhereabouts(ctx, account.id);
  await forgetMailTo(ctx, account.email);
  return true;
}
