/**
 * Who registered an address that nobody has verified yet, with which password: kept until somebody shows that the
 * mailbox is theirs, so that a stranger who registers it before or after its owner leaves no password behind.
 */

import type { FieldErrors } from "../../platform/http/errors.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { knownDevice } from "../sign-in/device.ts";
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

/** What a browser's device token is bound to, so that it proves this attempt was made there. */
export const attemptSubject = (attemptId: string) => `registration ${attemptId}`;

/**
 * Keeps an attempt under the id that its device token names. For a verified account the same statements keep nothing,
 * so that the time they take does not tell which it is.
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

export const newAttemptId = (ctx: Context) => randomUuid(ctx.randomBytes);

/** The attempt that was made in the browser which asks now, if one was. */
export async function findOwnAttempt(ctx: Context, accountId: string): Promise<Attempt | undefined> {
  const rows = await attemptsIn(ctx)
    .selectFrom("registration_attempts")
    .selectAll()
    .where("account_id", "=", accountId)
    .orderBy("created_at", "desc")
    .execute();
  const own = rows.find((row) => knownDevice(ctx, attemptSubject(row.id)));
  return own && { username: own.username, passwordHash: own.password_hash, fields: JSON.parse(own.fields) };
}

/**
 * Gives an account what one attempt asked for, and nothing that another attempt did. A username, or another value that
 * only one account can have, was free when it was asked for; if somebody took it since, the account goes without.
 */
export async function adoptAttempt(ctx: Context, account: Account, attempt: Attempt): Promise<void> {
  const taken: FieldErrors = {};
  await addTakenErrors(ctx, { username: attempt.username, ...attempt.fields }, taken, account.id);
  const stillFree = Object.entries(attempt.fields).filter(([name]) => !taken[name]);
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({
      password_hash: attempt.passwordHash,
      ...(taken.username ? {} : usernameColumns(attempt.username)),
      ...toColumns(ctx, { ...writableDefaults(ctx.additions.fields), ...Object.fromEntries(stillFree) }),
    })
    .where("id", "=", account.id)
    .execute();
}

/** Counts an address as its owner's from now on, and forgets every attempt at it. */
export async function confirmAddress(ctx: Context, accountId: string): Promise<void> {
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({ verified_at: ctx.now().getTime(), unconfirmed_until: null })
    .where("id", "=", accountId)
    .execute();
  await attemptsIn(ctx).deleteFrom("registration_attempts").where("account_id", "=", accountId).execute();
}
