/** Shows that an address belongs to whoever registered it: by the link that was mailed there, or its code. */

import { type Account, findAccountByEmail, holdAccount } from "../../core/accounts/accounts.ts";
import { adoptAttempt, confirmAddress, findOwnAttempt } from "../../core/accounts/registration-attempts.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import type { AskedFor } from "../../core/mail/asked-event.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import {
  findOneTimeToken,
  hasLiveToken,
  takeCode,
  takeOneTimeToken,
} from "../../core/one-time-tokens/one-time-tokens.ts";
import { passwordPurposes } from "../../core/passwords/passwords.ts";
import { offerFirstPassword, requestPasswordReset } from "../password-reset/flow.ts";
import { CodeInvalid, VerificationLinkInvalid } from "./errors.ts";
import { verificationMail, verificationPurpose, welcomeMail } from "./mail.ts";

export const emailVerified = event<{ password: "kept" | "none" }>("email.verified");
export const verificationRequested = event("email.verification_requested");

/** Mails a link and a code to an address, if it has an account that is not verified yet. */
export async function sendVerification(ctx: Context, email: string, asked: AskedFor = {}): Promise<void> {
  await enqueueMail(ctx, verificationMail, email, asked);
}

/** Mails the link and the code again; earlier links stay good. Says nothing of whether there is such an account. */
export async function resendVerification(ctx: Context, email: string): Promise<void> {
  await ctx.transaction(async (ctx) => {
    const event = await record(ctx, verificationRequested, null, {});
    await sendVerification(ctx, email, { event });
  });
}

export interface Verified {
  /** A token to choose a password with, for an account that has none anybody could believe in. */
  readonly firstPassword?: string;
}

/**
 * Verifies an address with the token of a mailed link. A second call with the same token, while its time runs,
 * answers alike and changes nothing: people tap twice. Throws VerificationLinkInvalid.
 */
export async function verifyEmail(ctx: Context, token: string): Promise<Verified> {
  return ctx.transaction(async (ctx) => {
    const link = await findOneTimeToken(ctx, verificationPurpose, token);
    const account = link && (await holdAccount(ctx, link.accountId));
    if (!account) throw new VerificationLinkInvalid();
    const isTaken = (await takeOneTimeToken(ctx, verificationPurpose, token)) !== undefined;
    if (isTaken) return markVerified(ctx, account);
    if (!account.verifiedAt) throw new VerificationLinkInvalid();
    return {};
  });
}

/** Whether a link that was mailed to an account could still verify it; one to a new password does so too. */
export async function awaitsVerification(ctx: Context, accountId: string): Promise<boolean> {
  return hasLiveToken(ctx, accountId, [verificationPurpose, ...passwordPurposes]);
}

/** Verifies an address with the code that was mailed to it. Throws CodeInvalid for everything else alike. */
export async function verifyEmailByCode(ctx: Context, email: string, code: string): Promise<void> {
  const account = await findAccountByEmail(ctx, email);
  const isRight = await ctx.transaction(async (ctx) => {
    // A try against no account costs the same statements. The count of a wrong try must stay: so no error in here.
    const held = await holdAccount(ctx, account?.id ?? "");
    const isTaken = await takeCode(ctx, verificationPurpose, account?.id ?? "", code.replaceAll(/\s/g, ""));
    if (isTaken && held) await markVerified(ctx, held);
    return isTaken;
  });
  if (!isRight) throw new CodeInvalid();
}

/**
 * Lets an address count as its owner's, and settles which password is believed. Of an account that is held, so that
 * nobody registers its address again before this is done; of one that is verified already, nothing changes.
 */
export async function markVerified(ctx: Context, account: Account): Promise<Verified> {
  if (account.verifiedAt) return {};
  const hasPassword = await settlePassword(ctx, account);
  await confirmAddress(ctx, account.id);
  await record(ctx, emailVerified, account.id, { password: hasPassword ? "kept" : "none" });
  if (ctx.config.mail.welcome) await enqueueMail(ctx, welcomeMail, account.email, {});
  if (hasPassword) return {};
  await requestPasswordReset(ctx, account.email);
  return { firstPassword: await offerFirstPassword(ctx, account.id) };
}

/**
 * Which password counts, when the address was registered with more than one: that of the browser which asks now, if
 * it made one of the attempts. Otherwise the link has proved the mailbox and nothing else, and none does: it cannot
 * be told whether its owner or a stranger came first (pre-hijacking; Sudhodanan and Paverd, 2022).
 */
async function settlePassword(ctx: Context, account: Account): Promise<boolean> {
  if (account.passwordHash !== null) return true;
  const own = await findOwnAttempt(ctx, account.id);
  if (own) await adoptAttempt(ctx, account, own);
  return own !== undefined;
}
