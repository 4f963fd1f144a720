/** Changes the password of somebody who is signed in and knows the current one. */

import type { Caller } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { passwordChangedMail } from "../../core/passwords/mail.ts";
import { actWithPassword, hashPassword } from "../../core/passwords/passwords.ts";
import { replacePassword } from "../../core/passwords/replace.ts";
import { renewSession } from "../../core/sessions/sessions.ts";
import { rememberDeviceOf } from "../../core/sign-in/device.ts";
import { BearerInvalid } from "../../core/tokens/errors.ts";
import { type TokenPair, writeTokens } from "../../core/tokens/tokens.ts";
import { CurrentPasswordWrong } from "./errors.ts";

export const passwordWasChanged = event("password.changed");

/**
 * Sets the new password, signs every other device out and ends open reset links. The caller's device is known from then
 * on, and no other. Gives new tokens of the caller's session, whose old refresh token ends; a token of the original
 * belongs to no session, and gets none. Throws CurrentPasswordWrong, also
 * when somebody else gave the account another one while this call was being judged.
 */
export async function changePassword(
  ctx: Context,
  { account, sessionId }: Caller,
  currentPassword: string,
  newPassword: string,
): Promise<TokenPair | undefined> {
  const done = await actWithPassword(ctx, currentPassword, account, async (account) => {
    const hash = await hashPassword(ctx, newPassword, account);
    return ctx.transaction(async (ctx) => {
      const changed = await replacePassword(ctx, account, hash, sessionId);
      if (!changed) return undefined;
      const session = sessionId === undefined ? undefined : await renewSession(ctx, account.id, sessionId);
      // Signed out while this call was being judged.
      if (sessionId !== undefined && !session) throw new BearerInvalid();
      await record(ctx, passwordWasChanged, account.id, {});
      await enqueueMail(ctx, passwordChangedMail, account.email, {});
      return { account: changed, session };
    });
  });
  if (!done) throw new CurrentPasswordWrong();
  rememberDeviceOf(ctx, done.account);
  return done.session && writeTokens(ctx, done.account, done.session);
}
