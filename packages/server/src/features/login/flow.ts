/** Signs somebody in with their e-mail address and password. */

import { findAccountByEmail } from "../../core/accounts/accounts.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { actWithPassword, upgradedHash } from "../../core/passwords/passwords.ts";
import { CredentialsInvalid, EmailNotVerified } from "../../core/sign-in/gates.ts";
import { type SignedIn, signIn } from "../../core/sign-in/sign-in.ts";
import { describeError } from "../../platform/log.ts";

export const signInFailed = event<{ reason: string }>("sign_in.failed");

/**
 * Gives tokens for the right password of an enabled, verified account. Throws CredentialsInvalid alike for a wrong
 * password, an unknown address and a disabled account, after the same number of hashes; EmailNotVerified only to
 * somebody who knows the password.
 */
export async function login(ctx: Context, email: string, password: string): Promise<SignedIn> {
  const account = await findAccountByEmail(ctx, email);
  try {
    const signedIn = await actWithPassword(ctx, password, account ?? { email }, (account) =>
      signIn(ctx, account, {
        method: "pwd",
        unchangedHash: account.passwordHash,
        newHash: () => upgradeIfPossible(ctx, account, password),
      }),
    );
    if (!signedIn) throw new CredentialsInvalid();
    return signedIn;
  } catch (error) {
    // Whoever is refused leaves the same line in the trail, for whatever reason: neither time nor gaps tell it.
    if (error instanceof CredentialsInvalid || error instanceof EmailNotVerified) {
      await record(ctx, signInFailed, account?.id ?? null, { reason: error.code });
    }
    throw error;
  }
}

/** An upgrade that cannot be made now is made next time; it is no reason to keep somebody out. */
async function upgradeIfPossible(
  ctx: Context,
  account: Parameters<typeof upgradedHash>[1],
  password: string,
) {
  try {
    return await upgradedHash(ctx, account, password);
  } catch (error) {
    ctx.log("warn", "a password hash could not be upgraded", { error: describeError(error) });
    return account.passwordHash;
  }
}
