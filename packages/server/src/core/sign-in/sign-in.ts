/**
 * The one door into an account. Whatever proved who someone is ends here, so a rule about signing in is written
 * once and holds for every method.
 */

import { ApiError } from "../../platform/http/errors.ts";
import { type Account, accountsIn } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { event, record } from "../events/events.ts";
import { enqueueMail } from "../mail/outbox.ts";
import { openSession, type Session } from "../sessions/sessions.ts";
import { type TokenPair, writeTokens } from "../tokens/tokens.ts";
import { accountSubject, knownDevice, rememberDeviceOf } from "./device.ts";
import { CredentialsInvalid, passGates, type SignInAttempt, type SignInMethod } from "./gates.ts";
import { newDeviceMail } from "./mail.ts";
import { notePlace } from "./places.ts";

export const signedInEvent = event<{ method: string; session: string; device: "known" | "new" }>(
  "sign_in.succeeded",
);

export interface SignedIn {
  readonly account: Account;
  readonly session: Session;
  readonly tokens: TokenPair;
}

/** How a sign-in was proved. */
export interface Proof {
  readonly method: SignInMethod;
  /** The password hash that the proof rested on: no session if it is another meanwhile. */
  readonly unchangedHash: string | null;
  /** The hash to keep from now on; asked for once every gate has let the person through. */
  readonly newHash: () => Promise<string | null>;
}

/**
 * Opens a session for an account that somebody proved to be theirs, once every gate has let them through. Undefined when
 * the account was disabled, deleted or given another hash meanwhile: then the proof has to be made anew.
 */
export async function signIn(ctx: Context, account: Account, proof: Proof): Promise<SignedIn | undefined> {
  await passGatesWithProof(ctx, { account, method: proof.method });
  const device = knownDevice(ctx, accountSubject(account)) ? "known" : "new";
  const newHash = await proof.newHash();
  const session = await ctx.transaction(async (ctx) => {
    if (!(await markSignedIn(ctx, account, proof.unchangedHash, newHash))) return undefined;
    const session = await openSession(ctx, account.id, { methods: [proof.method] });
    await record(ctx, signedInEvent, account.id, { method: proof.method, session: session.id, device });
    const isNews = (await notePlace(ctx, account.id)) && device === "new" && account.lastSignInAt !== null;
    if (isNews) await enqueueMail(ctx, newDeviceMail, account.email, {});
    return session;
  });
  if (!session) return undefined;
  rememberDeviceOf(ctx, account);
  return { account, session, tokens: await writeTokens(ctx, account, session) };
}

/** Right, but refused: no wrong guess. It would count as one only where nobody may tell it from one. */
async function passGatesWithProof(ctx: Context, attempt: SignInAttempt): Promise<void> {
  try {
    await passGates(ctx, attempt);
  } catch (error) {
    if (error instanceof ApiError && !(error instanceof CredentialsInvalid)) error.isWrongGuess = false;
    throw error;
  }
}

/**
 * Takes the account's row, if it still is what the proof was made against: a reset or a disabling at the same moment
 * either comes first, and this sign-in fails, or comes after, and ends the session that this one opens.
 */
async function markSignedIn(
  ctx: Context,
  account: Account,
  unchangedHash: string | null,
  newHash: string | null,
): Promise<boolean> {
  const marked = await accountsIn(ctx)
    .updateTable("accounts")
    .set({ last_sign_in_at: ctx.now().getTime(), password_hash: newHash })
    .where("id", "=", account.id)
    .where("disabled_at", "is", null)
    .where("password_hash", unchangedHash === null ? "is" : "=", unchangedHash)
    .returning("id")
    .executeTakeFirst();
  return marked !== undefined;
}
