/**
 * Who registered an address that nobody has verified yet, with which password: kept until somebody shows that the
 * mailbox is theirs, so that a stranger who registers it before or after its owner leaves no password behind.
 */

import { canonicalEmail } from "../../platform/http/email-address.ts";
import type { FieldErrors } from "../../platform/http/errors.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { knownDevice, rememberDevice } from "../sign-in/device.ts";
import { type Account, type AccountRow, accountsIn, toColumns, usernameColumns } from "./accounts.ts";
import { writableDefaults } from "./fields.ts";
import { addTakenErrors } from "./username.ts";

interface AttemptRow {
  id: string;
  account_id: string;
  username: string;
  password_hash: string;
  /** The declared fields that were sent, as JSON. */
  fields: string;
  created_at: number;
}

/** Attempts kept for one address; a stranger who makes more only pushes out strangers' and the owner's, not mail. */
const mostAttempts = 20;

const attemptsIn = (ctx: Context) => ctx.db.$extendTables<{ registration_attempts: AttemptRow }>();

export interface Attempt {
  readonly username: string;
  readonly passwordHash: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * What the device token of a browser is bound to that registers an address: the address itself, so that to look whether
 * a caller registered it tells nothing of whether it has an account.
 */
const registrantOf = (email: string) => `registration ${canonicalEmail(email)}`;

/** Remembers the browser that asks as one that registered the address, and gives the id that its attempt is kept under. */
export function rememberRegistrant(ctx: Context, email: string): string {
  return rememberDevice(ctx, registrantOf(email)) ?? randomUuid(ctx.randomBytes);
}

/** The browser that asks, if it registered this address, whoever's it is. */
export function findRegistrant(ctx: Context, email: string): string | undefined {
  return knownDevice(ctx, registrantOf(email));
}

/**
 * Keeps an attempt under the id of the browser that made it, of which the last attempt counts. For a verified account the
 * same statements keep nothing, so that the time they take does not tell which it is.
 */
export async function keepAttempt(
  ctx: Context,
  id: string,
  accountId: string,
  attempt: Attempt,
): Promise<void> {
  await attemptsIn(ctx)
    .$extendTables<{ accounts: AccountRow }>()
    .insertInto("registration_attempts")
    .columns(["id", "account_id", "username", "password_hash", "fields", "created_at"])
    .expression((query) =>
      query
        .selectFrom("accounts")
        .select((row) => [
          row.val(id).as("id"),
          "accounts.id as account_id",
          row.val(attempt.username).as("username"),
          row.val(attempt.passwordHash).as("password_hash"),
          row.val(JSON.stringify(attempt.fields)).as("fields"),
          row.val(ctx.now().getTime()).as("created_at"),
        ])
        .where("accounts.id", "=", accountId)
        .where("accounts.verified_at", "is", null),
    )
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet((row) => ({
        username: row.ref("excluded.username"),
        password_hash: row.ref("excluded.password_hash"),
        fields: row.ref("excluded.fields"),
        created_at: row.ref("excluded.created_at"),
      })),
    )
    .execute();
  const kept = attemptsIn(ctx)
    .selectFrom("registration_attempts")
    .select("id")
    .where("account_id", "=", accountId)
    .orderBy("created_at", "desc")
    .limit(mostAttempts);
  await attemptsIn(ctx)
    .deleteFrom("registration_attempts")
    .where("account_id", "=", accountId)
    .where("id", "not in", kept)
    .execute();
}

/**
 * Counts an address as its owner's from now on, and forgets every attempt at it. Where it was registered with more than
 * one password, what counts is the attempt of the browser that asks now; without one, the mailbox is proved and nothing
 * else, since nobody can tell whether its owner or a stranger came first: no password, and nothing that was typed, stays
 * (pre-hijacking; Sudhodanan and Paverd, 2022). Whether the account has a password.
 */
export async function confirmAddress(ctx: Context, account: Account): Promise<boolean> {
  const isDisputed = account.passwordHash === null;
  const own = isDisputed ? await findOwnAttempt(ctx, account) : undefined;
  if (own) await adoptAttempt(ctx, account, own);
  // What an operator typed, or came along from elsewhere, is no stranger's.
  else if (isDisputed && account.unconfirmedUntil) await forgetWhatWasTyped(ctx, account);
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({ verified_at: ctx.now().getTime(), unconfirmed_until: null })
    .where("id", "=", account.id)
    .execute();
  await attemptsIn(ctx).deleteFrom("registration_attempts").where("account_id", "=", account.id).execute();
  return !isDisputed || own !== undefined;
}

/** The attempt that was made in the browser which asks now, if one was. */
async function findOwnAttempt(ctx: Context, account: Account): Promise<Attempt | undefined> {
  const own = await attemptsIn(ctx)
    .selectFrom("registration_attempts")
    .selectAll()
    .where("id", "=", findRegistrant(ctx, account.email) ?? "")
    .where("account_id", "=", account.id)
    .executeTakeFirst();
  return own && { username: own.username, passwordHash: own.password_hash, fields: JSON.parse(own.fields) };
}

/**
 * Gives an account what one attempt asked for, and nothing that another attempt did. A username, or another value that
 * only one account can have, was free when it was asked for; if somebody took it since, the account goes without.
 */
async function adoptAttempt(ctx: Context, account: Account, attempt: Attempt): Promise<void> {
  const taken: FieldErrors = {};
  await addTakenErrors(ctx, { username: attempt.username, ...attempt.fields }, taken, account.id);
  const stillFree = Object.entries(attempt.fields).filter(([name]) => !taken[name]);
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({
      password_hash: attempt.passwordHash,
      ...usernameColumns(taken.username ? neutralUsername(ctx) : attempt.username),
      ...toColumns(ctx, { ...writableDefaults(ctx.additions.fields), ...Object.fromEntries(stillFree) }),
    })
    .where("id", "=", account.id)
    .execute();
}

async function forgetWhatWasTyped(ctx: Context, account: Account): Promise<void> {
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({
      ...usernameColumns(neutralUsername(ctx)),
      ...toColumns(ctx, writableDefaults(ctx.additions.fields)),
    })
    .where("id", "=", account.id)
    .execute();
}

/** Says nothing of its owner, and is nobody else's: of 2^64, none is drawn twice. */
const neutralUsername = (ctx: Context) => `user-${Buffer.from(ctx.randomBytes(8)).toString("hex")}`;
