/** Creates an account for an address, whose owner then proves by mail that it is theirs. */

import {
  type Account,
  accountsIn,
  canonicalUsername,
  findAccount,
  findAccountByEmail,
  insertAccount,
} from "../../core/accounts/accounts.ts";
import { type Attempt, keepAttempt, rememberRegistrant } from "../../core/accounts/registration-attempts.ts";
import { takenErrors } from "../../core/accounts/username.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { hashPassword, verifyPassword } from "../../core/passwords/passwords.ts";
import { UniqueViolation } from "../../platform/database/dialect.ts";
import { after } from "../../platform/duration.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { sendVerification } from "../email-verification/flow.ts";
import { unconfirmedTime } from "./expiry.ts";
import { alreadyRegisteredMail } from "./mail.ts";

export const registrationRequested = event<{ address: "new" | "unverified" | "known" }>(
  "registration.requested",
);

export interface Registration {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  /** The declared fields that were sent. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Registers an address. Whether it was known shows in nothing but the mail that its owner gets: in every case one
 * hash is checked and one made, one event and one mail are written, and the device is remembered. Throws
 * FieldsInvalid when somebody took the username, or another value that must be unique, meanwhile.
 */
export async function register(ctx: Context, registration: Registration): Promise<void> {
  const known = await findAccountByEmail(ctx, registration.email);
  // Of a verified account too, though nothing follows: a stop-watch would find its hash here other than at sign-in.
  const isRight = await verifyPassword(ctx, registration.password, known ?? { email: registration.email });
  const isSamePassword = isRight && !known?.verifiedAt;
  const attempt: Attempt = {
    username: registration.username,
    passwordHash: await hashPassword(ctx, registration.password),
    fields: registration.fields,
  };
  const attemptId = rememberRegistrant(ctx, registration.email);
  const isThere = known && (await registerKnown(ctx, known, isSamePassword, attempt, attemptId));
  if (!isThere) await registerNew(ctx, registration, attempt, attemptId);
}

async function registerNew(
  ctx: Context,
  registration: Registration,
  attempt: Attempt,
  attemptId: string,
): Promise<void> {
  try {
    await ctx.transaction(async (ctx) => {
      const id = await insertAccount(ctx, {
        ...registration,
        passwordHash: attempt.passwordHash,
        unconfirmedUntil: after(ctx.now(), unconfirmedTime),
      });
      await keepAttempt(ctx, attemptId, id, attempt);
      await record(ctx, registrationRequested, id, { address: "new" });
      await sendVerification(ctx, registration.email);
    });
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error;
    // Somebody was faster: with the same address, which makes it known, or with a value that only one can have.
    const winner = await findAccountByEmail(ctx, registration.email);
    if (!winner) throw new FieldsInvalid(takenErrors(error.columns));
    // A form sent twice at once is the usual reason: the same password is no dispute.
    const isSamePassword = await verifyPassword(ctx, registration.password, winner);
    await registerKnown(ctx, winner, isSamePassword, attempt, attemptId);
  }
}

/**
 * An address registered before. Verified: its owner is told. Not verified, with the same password: a fresh mail.
 * With another password: from now on neither is believed, since one of the two is a stranger's. The statements are
 * the same in each case, and as many as for a new address. False, and nothing written, when it waited to be verified
 * and is gone by now: its time was up.
 */
async function registerKnown(
  ctx: Context,
  account: Account,
  isSamePassword: boolean,
  attempt: Attempt,
  attemptId: string,
): Promise<boolean> {
  return ctx.transaction(async (ctx) => {
    const isPending = await touchPending(ctx, account.id, isSamePassword);
    if (!isPending && !account.verifiedAt && !(await findAccount(ctx, account.id))) return false;
    await keepAttempt(ctx, attemptId, account.id, attempt);
    await record(ctx, registrationRequested, account.id, { address: isPending ? "unverified" : "known" });
    await (isPending
      ? sendVerification(ctx, account.email)
      : enqueueMail(ctx, alreadyRegisteredMail, account.email, {}));
    return true;
  });
}

/**
 * Whether the account waits for its verification at this moment, and takes its password away if that is disputed.
 * One statement, since its owner may verify it while a hash is computed here: then it is theirs, and stays as it is.
 */
async function touchPending(ctx: Context, accountId: string, isSamePassword: boolean): Promise<boolean> {
  const pending = await accountsIn(ctx)
    .updateTable("accounts")
    .set((row) => ({
      updated_at: ctx.now().getTime(),
      unconfirmed_until: row
        .case()
        .when("unconfirmed_until", "is", null)
        .then(row.ref("unconfirmed_until"))
        .else(row.val(after(ctx.now(), unconfirmedTime).getTime()))
        .end(),
      ...(isSamePassword ? {} : { password_hash: null }),
    }))
    .where("id", "=", accountId)
    .where("verified_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  return pending !== undefined;
}

/**
 * Whether a username that is taken is taken by the same person's own unverified registration, who knows its password.
 * One hash is computed whatever the answer, so that the time tells nobody whose username it is.
 */
export async function isOwnPendingRegistration(
  ctx: Context,
  registration: Pick<Registration, "email" | "username" | "password">,
): Promise<boolean> {
  const { email, username, password } = registration;
  const account = await findAccountByEmail(ctx, email);
  // The hash is the account's that the address has, whosever the username is: for one address always the same.
  const isRight = await verifyPassword(ctx, password, account ?? { email });
  const isPending = account !== undefined && !account.verifiedAt;
  return isRight && isPending && canonicalUsername(account.username) === canonicalUsername(username);
}
