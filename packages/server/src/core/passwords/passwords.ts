/** Passwords: checked, hashed and verified, never more of them at once than the machine has cores. */

import { availableParallelism } from "node:os";
import { addressBlocks } from "../../platform/http/client-address.ts";
import type { FieldErrors } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";
import { type Account, findAccount } from "../accounts/accounts.ts";
import { type Context, perSystem } from "../context.ts";
import { accountSubject, knownDevice } from "../sign-in/device.ts";
import { drawDecoy } from "./decoys.ts";
import { encodeArgon2id, isOutdated, makeOf, verifyEncoded } from "./formats.ts";
import { createHashQueue, type HashOrder } from "./hash-queue.ts";
import { noteMake, todaysMake } from "./makes.ts";
import { passwordProblems } from "./policy.ts";

/** Half a second or so of waiting on two cores; beyond it, refusing at once serves people better. */
const waitingAtMost = 100;
/** Of these, places that no stranger can have. */
const keptForKnownDevices = 20;

/** What a one-time token may be for that sets a password; a new password ends them all. */
export const passwordPurposes = ["password-reset", "first-password"] as const;

/** Passwords that came along from the original may be longer than a new one can be. */
export const oldPasswordMaxLength = 4096;

/** The hashes of this system: how many were begun is how tests know that known and unknown cost the same. */
export const hashQueue = perSystem(() =>
  createHashQueue({ atOnce: availableParallelism(), waiting: waitingAtMost, kept: keptForKnownDevices }),
);

/**
 * Hashes a new password, for an account if there is one yet. Slow: call it before a transaction opens. Throws TooBusy
 * (503) rather than queue for long.
 */
export async function hashPassword(ctx: Context, password: string, account?: DeviceOwner): Promise<string> {
  const work = () => encodeArgon2id(password, ctx.config.passwords.argon2, ctx.randomBytes(16));
  return hashQueue(ctx).run(work, orderFor(ctx, todaysMake(ctx), account));
}

/** What a device token is bound to. */
type DeviceOwner = Pick<Account, "id" | "deviceEpoch">;

/** An address without an account waits as one of a stranger's does: the place in the queue tells nobody which it is. */
function orderFor(ctx: Context, make: string | undefined, owner: DeviceOwner | undefined): HashOrder {
  return {
    ...(make !== undefined && { make }),
    source: addressBlocks(ctx.request.address).toReversed(),
    isKnown: owner !== undefined && knownDevice(ctx, accountSubject(owner)) !== undefined,
  };
}

/** Whose password it should be: an account, or an address that may have none. */
export type PasswordHolder =
  | (DeviceOwner & Pick<Account, "email" | "passwordHash">)
  | { readonly email: string };

/**
 * Whether the password is the holder's. Where there is none to check, the hash that is computed all the same is of
 * the make that an account would have had, so that the time tells nobody which it was (OWASP, Authentication Cheat
 * Sheet). Throws TooBusy.
 */
export async function verifyPassword(
  ctx: Context,
  password: string,
  holder: PasswordHolder,
): Promise<boolean> {
  const account = "id" in holder ? holder : undefined;
  const passwordHash = account?.passwordHash;
  const decoy = await drawDecoy(ctx, holder.email);
  const make = makeOf(passwordHash);
  if (make) noteMake(ctx, make);
  const encoded = make ? passwordHash : decoy;
  const work = () => verifyEncoded(password, encoded);
  const isRight = await hashQueue(ctx).run(work, orderFor(ctx, makeOf(encoded), account));
  return isRight && make !== undefined;
}

/** Other writers of one hash that a judgement may meet, one after the other, before it is given up. */
const mostJudgements = 5;

/**
 * Does what only an account's password allows. `act` gives undefined when the hash that was judged is not the account's
 * any more: then what is there now is judged, since it may be the same password that was hashed anew beside it, and an
 * upgrade is nobody's business but its own. Undefined for a wrong password, and when the account is gone. Throws
 * TooBusy, and whatever `act` throws.
 */
export async function actWithPassword<T>(
  ctx: Context,
  password: string,
  holder: Account | { readonly email: string },
  act: (account: Account) => Promise<T | undefined>,
): Promise<T | undefined> {
  let judged: Account | { readonly email: string } | undefined = holder;
  for (let time = 0; time < mostJudgements && judged; time += 1) {
    const isRight = await verifyPassword(ctx, password, judged);
    if (!isRight || !("id" in judged)) return undefined;
    const done = await act(judged);
    if (done !== undefined) return done;
    judged = await findAccount(ctx, judged.id);
  }
  return undefined;
}

/** A hash at today's cost for a password just proved right, if the account's is of another make; else its own. */
export async function upgradedHash(ctx: Context, account: Account, password: string): Promise<string | null> {
  const { passwordHash } = account;
  if (!passwordHash || !isOutdated(passwordHash, ctx.config.passwords.argon2)) return passwordHash;
  return hashPassword(ctx, password, account);
}

export interface PasswordOwner {
  readonly email?: string;
  readonly username?: string;
  readonly firstName?: string;
  readonly lastName?: string;
}

/** What an account tells that its password should not resemble. */
export function ownerOf(account: Account): PasswordOwner {
  const text = (name: string) => {
    const value = account.fields[name];
    return typeof value === "string" ? value : "";
  };
  return {
    email: account.email,
    username: account.username,
    firstName: text("first_name"),
    lastName: text("last_name"),
  };
}

/** Everything the policy has against a new password, under the name of its field; undefined when nothing. */
export function findPasswordErrors(
  ctx: Context,
  field: string,
  password: string,
  about: PasswordOwner,
): FieldErrors | undefined {
  const { minLength } = ctx.config.passwords;
  const problems = passwordProblems(password, { minLength, appName: ctx.config.appName, about });
  return problems.length > 0 ? { [field]: problems } : undefined;
}

/** The rule of a form that asks for a password twice. */
export function findMismatch(field: string, one: string, again: string): FieldErrors | undefined {
  if (one === again) return undefined;
  return { [field]: [sentence("Password fields didn't match.", "As senhas não conferem.")] };
}
