/** Shows that an address belongs to whoever registered it: by the link that was mailed there, or its code. */

import { type Account, findAccount, findAccountByEmail, holdAccount } from "../../core/accounts/accounts.ts";
import { confirmAddress, findRegistrant } from "../../core/accounts/registration-attempts.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import type { AskedFor } from "../../core/mail/asked-event.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { type Asked, askForMail } from "../../core/mail/pace.ts";
import { tryCode } from "../../core/one-time-tokens/codes.ts";
import {
  findOneTimeToken,
  hasLiveToken,
  takeOneTimeToken,
  useUp,
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

/** Notes that the caller had a verification mail sent to an address, by registering it or by asking. */
export async function askForVerification(ctx: Context, email: string): Promise<Asked> {
  return askForMail(ctx, verificationMail.name, email);
}

/** Mails it again as a caller may ask for it: not before a minute is over. Says the same of every address. */
export async function resendToCaller(ctx: Context, email: string): Promise<Asked> {
  return ctx.transaction(async (ctx) => {
    const asked = await askForVerification(ctx, email);
    if (!asked.isEarly) await resendVerification(ctx, email);
    return asked;
  });
}

export interface Verified {
  /** Whether its owner can sign in now; else a password has to be chosen first, and a link for that is mailed. */
  readonly hasPassword: boolean;
  /** A token to choose it with at once, for whoever has just shown that the mailbox is theirs. */
  readonly firstPassword?: string;
}

/**
 * Verifies an address with the token of a mailed link. A second call, with the same token or that of another mail, while
 * its time runs, answers alike and changes nothing: people tap twice. Throws VerificationLinkInvalid.
 */
export async function verifyEmail(ctx: Context, token: string): Promise<Verified> {
  return ctx.transaction(async (ctx) => {
    const link = await findOneTimeToken(ctx, verificationPurpose, token);
    const account = link && (await holdAccount(ctx, link.accountId));
    if (!account) throw new VerificationLinkInvalid();
    const isTaken = (await takeOneTimeToken(ctx, verificationPurpose, token)) !== undefined;
    if (isTaken) return markVerified(ctx, account);
    if (!account.verifiedAt) throw new VerificationLinkInvalid();
    return { hasPassword: account.passwordHash !== null };
  });
}

/** What pressing the button of a link's page would do now: verify, nothing more, or nothing at all. */
export async function lookAtLink(
  ctx: Context,
  token: string,
): Promise<"alive" | "dead" | Pick<Verified, "hasPassword">> {
  const link = await findOneTimeToken(ctx, verificationPurpose, token);
  const account = link && (await findAccount(ctx, link.accountId));
  if (!account) return "dead";
  if (account.verifiedAt) return { hasPassword: account.passwordHash !== null };
  return link.isUsed ? "dead" : "alive";
}

/** Whether a link that was mailed to an account could still verify it; one to a new password does so too. */
export async function awaitsVerification(ctx: Context, accountId: string): Promise<boolean> {
  return hasLiveToken(ctx, accountId, [verificationPurpose, ...passwordPurposes]);
}

/**
 * Verifies an address with the code that was mailed to it. Throws CodeInvalid for everything else alike. The browser that
 * registered the address has tries of its own, so that strangers cannot use up its owner's.
 */
export async function verifyEmailByCode(ctx: Context, email: string, code: string): Promise<Verified> {
  const account = await findAccountByEmail(ctx, email);
  const typed = code.replaceAll(/\s/g, "");
  const typist = findRegistrant(ctx, email) ? "registrant" : "anyone";
  const verified = await ctx.transaction(async (ctx) => {
    // The count of a wrong try must stay: so no error in here. Nor is the account held for one: that would be work which
    // is done for known addresses alone.
    const holder = { email, accountId: account?.id };
    const hash = await tryCode(ctx, verificationPurpose, holder, typed, typist);
    const held = account && hash ? await holdAccount(ctx, account.id) : undefined;
    if (!held || !hash || !(await useUp(ctx, verificationPurpose, hash))) return undefined;
    return markVerified(ctx, held);
  });
  if (!verified) throw new CodeInvalid();
  return verified;
}

/**
 * Lets an address count as its owner's, and settles which password is believed. Of an account that is held, so that
 * nobody registers its address again before this is done; of one that is verified already, nothing changes.
 */
export async function markVerified(ctx: Context, account: Account): Promise<Verified> {
  if (account.verifiedAt) return { hasPassword: account.passwordHash !== null };
  const hasPassword = await confirmAddress(ctx, account);
  await record(ctx, emailVerified, account.id, { password: hasPassword ? "kept" : "none" });
  if (!hasPassword) {
    await requestPasswordReset(ctx, account.email);
    return { hasPassword, firstPassword: await offerFirstPassword(ctx, account.id) };
  }
  // Not before there is a password: the account of somebody who cannot sign in yet is not ready.
  if (ctx.config.mail.welcome) await enqueueMail(ctx, welcomeMail, account.email, {});
  return { hasPassword };
}
