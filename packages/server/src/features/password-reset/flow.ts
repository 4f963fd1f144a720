/** Sets a new password for someone who can read the account's mailbox but no longer knows the old one. */

import { findAccount, getAccount, holdAccount } from "../../core/accounts/accounts.ts";
import { confirmAddress } from "../../core/accounts/registration-attempts.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { type Asked, askForMail } from "../../core/mail/pace.ts";
import {
  endOneTimeTokens,
  findOneTimeToken,
  issueOneTimeToken,
  takeOneTimeToken,
} from "../../core/one-time-tokens/one-time-tokens.ts";
import { passwordChangedMail } from "../../core/passwords/mail.ts";
import {
  findPasswordErrors,
  hashPassword,
  ownerOf,
  passwordPurposes,
} from "../../core/passwords/passwords.ts";
import { replacePassword } from "../../core/passwords/replace.ts";
import { rememberDeviceOf } from "../../core/sign-in/device.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { ResetLinkInvalid } from "./errors.ts";
import { resetMail } from "./mail.ts";

export const resetRequested = event("password.reset_requested");
export const passwordWasReset = event("password.reset");

/**
 * Mails a reset link, if the address has an account. What is written down here is the same for every address: the
 * worker finds out whose it is, so neither the answer nor its time can tell.
 */
export async function requestPasswordReset(ctx: Context, email: string): Promise<void> {
  await ctx.transaction(async (ctx) => {
    const event = await record(ctx, resetRequested, null, {});
    await enqueueMail(ctx, resetMail, email, { event });
  });
}

/** Mails it as a caller may ask for it on our page: not again before a minute is over. Says the same of every address. */
export async function requestByCaller(ctx: Context, email: string): Promise<Asked> {
  return ctx.transaction(async (ctx) => {
    const asked = await askForMail(ctx, resetMail.name, email);
    if (!asked.isEarly) await requestPasswordReset(ctx, email);
    return asked;
  });
}

/**
 * Spends the link, sets the password and signs every device out: all of it or none of it. The address counts as
 * verified from then on, and the caller's device as known, and no other. Throws FieldsInvalid for a password that the
 * policy refuses, ResetLinkInvalid for a link that is unknown, used, replaced or too old.
 */
export async function completePasswordReset(
  ctx: Context,
  token: string,
  password: string,
  field = "new_password",
): Promise<void> {
  const link = await findPasswordLink(ctx, token);
  const account = link && (await findAccount(ctx, link.accountId));
  const errors = findPasswordErrors(ctx, field, password, account ? ownerOf(account) : {});
  if (errors) throw new FieldsInvalid(errors);
  if (!link || !account) throw new ResetLinkInvalid();
  const hash = await hashPassword(ctx, password, account);
  const reset = await ctx.transaction(async (ctx) => {
    const held = await holdAccount(ctx, account.id);
    const isTaken = (await takeOneTimeToken(ctx, link.purpose, token)) !== undefined;
    if (!held || !isTaken) throw new ResetLinkInvalid();
    // First, since of a disputed registration it takes away what was typed, a password too.
    if (!held.verifiedAt) await confirmAddress(ctx, held);
    const reset = await replacePassword(ctx, await getAccount(ctx, held.id), hash);
    if (!reset) throw new ResetLinkInvalid();
    await endOneTimeTokens(ctx, account.id, ["verify-email"]);
    await record(ctx, passwordWasReset, account.id, {});
    await enqueueMail(ctx, passwordChangedMail, account.email, {});
    return reset;
  });
  // So its owner signs in at once, also while a stranger uses up what everybody else may guess.
  rememberDeviceOf(ctx, reset);
}

/** A token for somebody who has just shown that the mailbox is theirs, and whose account has no password yet. */
export async function offerFirstPassword(ctx: Context, accountId: string): Promise<string> {
  return issueOneTimeToken(ctx, "first-password", accountId, ctx.config.resetTtl);
}

/** Whose password a token may still set, and what it was issued for. */
export async function findPasswordLink(ctx: Context, token: string) {
  for (const purpose of passwordPurposes) {
    const link = await findOneTimeToken(ctx, purpose, token);
    if (link && !link.isUsed) return { accountId: link.accountId, purpose };
  }
  return undefined;
}
