/** Changes the password of somebody who is signed in and knows the current one. */

import type { Caller } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { passwordChangedMail } from "../../core/passwords/mail.ts";
import { actWithPassword, hashPassword } from "../../core/passwords/passwords.ts";
import { replacePassword } from "../../core/passwords/replace.ts";
import { rememberDeviceOf } from "../../core/sign-in/device.ts";
import { CurrentPasswordWrong } from "./errors.ts";

export const passwordWasChanged = event("password.changed");

/**
 * Sets the new password, signs every other device out and ends open reset links. The caller's device is known from then
 * on, and no other. Throws CurrentPasswordWrong, also
 * when somebody else gave the account another one while this call was being judged.
 */
export async function changePassword(
  ctx: Context,
  { account, sessionId }: Caller,
  currentPassword: string,
  newPassword: string,
): Promise<void> {
  const changed = await actWithPassword(ctx, currentPassword, account, async (account) => {
    const hash = await hashPassword(ctx, newPassword);
    return ctx.transaction(async (ctx) => {
      const changed = await replacePassword(ctx, account, hash, sessionId);
      if (!changed) return undefined;
      await record(ctx, passwordWasChanged, account.id, {});
      await enqueueMail(ctx, passwordChangedMail, account.email, {});
      return changed;
    });
  });
  if (!changed) throw new CurrentPasswordWrong();
  rememberDeviceOf(ctx, changed);
}
