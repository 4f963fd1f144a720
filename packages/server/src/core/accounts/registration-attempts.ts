/**
 * Who registered an address that nobody has verified yet, with which password: kept until somebody shows that the
 * mailbox is theirs, so that a stranger who registers it before or after its owner leaves no password behind.
 */

import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { knownDevice } from "../sign-in/device.ts";
import { type Account, accountsIn, canonicalUsername, toColumns } from "./accounts.ts";

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

const attemptsIn = (ctx: Context) => ctx.db.withTables<{ registration_attempts: AttemptRow }>();

export interface Attempt {
  readonly username: string;
  readonly passwordHash: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a browser's device token is bound to, so that it proves this attempt was made there. */
export const attemptSubject = (attemptId: string) => `registration ${attemptId}`;

/** Keeps an attempt under the id that its device token names. */
export async function keepAttempt(
  ctx: Context,
  id: string,
  accountId: string,
  attempt: Attempt,
): Promise<void> {
  await attemptsIn(ctx)
    .insertInto("registration_attempts")
    .values({
      id,
      account_id: accountId,
      username: attempt.username,
      password_hash: attempt.passwordHash,
      fields: JSON.stringify(attempt.fields),
      created_at: ctx.now().getTime(),
    })
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

/** Gives an account what one attempt asked for; its username only while that is free. */
export async function adoptAttempt(ctx: Context, account: Account, attempt: Attempt): Promise<void> {
  const canonical = canonicalUsername(attempt.username);
  const other = await accountsIn(ctx)
    .selectFrom("accounts")
    .select("id")
    .where("username_canonical", "=", canonical)
    .where("id", "!=", account.id)
    .executeTakeFirst();
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({
      password_hash: attempt.passwordHash,
      ...(other ? {} : { username: attempt.username, username_canonical: canonical }),
      ...toColumns(ctx, attempt.fields),
    })
    .where("id", "=", account.id)
    .execute();
}

/** Forgets every attempt at an address, now that it is known whose it is. */
export async function forgetAttempts(ctx: Context, accountId: string): Promise<void> {
  await attemptsIn(ctx).deleteFrom("registration_attempts").where("account_id", "=", accountId).execute();
}
