/** What must hold at every sign-in, whatever proved who it is; a feature adds gates of its own to these. */

import { defineFormError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";
import type { Account } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";

/** How somebody proved who they are, in RFC 8176's words where it has one. */
export type SignInMethod = "pwd";

export interface SignInAttempt {
  readonly account: Account;
  readonly method: SignInMethod;
}

/** Returns, or throws what the caller is told; "one more step" is an error too, so that old clients fail closed. */
export type SignInGate = (ctx: Context, attempt: SignInAttempt) => Promise<void>;

/** One answer for a wrong password, no such account and a disabled one. */
export class CredentialsInvalid extends defineFormError(
  "invalid_credentials",
  sentence(
    "Unable to log in with provided credentials.",
    "Não foi possível entrar com as credenciais informadas.",
  ),
) {}

export class EmailNotVerified extends defineFormError(
  "email_not_verified",
  sentence("Please verify your email before logging in.", "Confirme seu e-mail antes de entrar."),
) {}

export const accountIsEnabled: SignInGate = async (_ctx, { account }) => {
  if (account.disabledAt) throw new CredentialsInvalid();
};

export const emailIsVerified: SignInGate = async (_ctx, { account }) => {
  if (!account.verifiedAt) throw new EmailNotVerified();
};

/** The gates that no list of features can leave out. */
const standingGates: readonly SignInGate[] = [accountIsEnabled, emailIsVerified];

/** Asks every gate, the standing ones first; throws what the first that refuses says. */
export async function passGates(ctx: Context, attempt: SignInAttempt): Promise<void> {
  for (const gate of [...standingGates, ...ctx.additions.gates]) await gate(ctx, attempt);
}
