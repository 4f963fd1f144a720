/** How often an account's password may be guessed at, and when that begins anew. */

import { minutes } from "../../platform/duration.ts";
import type { Account } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { forgetGuessesByCaller, forgetGuessesByEmail, type Guesses } from "../limits/guesses.ts";

/** By whoever wants to sign in: for all who never did on their device together, and for all who did. */
export const signInGuesses: Guesses = { name: "login", most: 10, within: minutes(15) };

/** By whoever is signed in and asked for it again. */
export const confirmationGuesses: Guesses = { name: "password", most: 10, within: minutes(15) };

/**
 * Begins every count anew, for an account that has another password: so its owner signs in at once, while a stranger
 * guesses. Nobody gains guesses by it who could not choose the password.
 */
export async function forgetPasswordGuesses(ctx: Context, { id, email }: Account): Promise<void> {
  await forgetGuessesByEmail(ctx, signInGuesses, email);
  await forgetGuessesByCaller(ctx, confirmationGuesses, id);
}
