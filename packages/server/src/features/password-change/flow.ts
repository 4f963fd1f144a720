/** Changes the password of somebody who is signed in and knows the current one. */

import type { Caller } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { endOneTimeTokens } from "../../core/one-time-tokens/one-time-tokens.ts";
import { passwordChangedMail } from "../../core/passwords/mail.ts";
import {
  actWithPassword,
  hashPassword,
  passwordPurposes,
  replacePasswordHash,
} from "../../core/passwords/passwords.ts";
import { endAllSessions } from "../../core/sessions/sessions.ts";
import { CurrentPasswordWrong } from "./errors.ts";

export const passwordWasChanged = event("password.changed");

/**
 * Sets the new password, signs every other device out and ends open reset links. Throws CurrentPasswordWrong, also
 * when somebody else gave the account another one while this call was being judged.
 */
export async function changePassword(
  ctx: Context,
  { account, sessionId }: Caller,
  currentPassword: string,
  newPassword: string,
): Promise<void> {
  const isDone = await actWithPassword(ctx, currentPassword, account, async (account) => {
    const hash = await hashPassword(ctx, newPassword);
    return ctx.transaction(async (ctx) => {
      if (!(await replacePasswordHash(ctx, account, hash))) return undefined;
      await endAllSessions(ctx, account.id, "password", sessionId);
      await endOneTimeTokens(ctx, account.id, passwordPurposes);
      await record(ctx, passwordWasChanged, account.id, {});
      await enqueueMail(ctx, passwordChangedMail, account.email, {});
      return true;
    });
  });
  if (!isDone) throw new CurrentPasswordWrong();
}
