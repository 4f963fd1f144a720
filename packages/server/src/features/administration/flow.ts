/** What an operator does to other people's accounts: make, look up, shut, open, verify, set a password, delete. */

import {
  type Account,
  findAccount,
  findAccountByEmail,
  findAccountByUsername,
  getAccount,
  holdAccount,
  insertAccount,
} from "../../core/accounts/accounts.ts";
import { disableAccount, enableAccount } from "../../core/accounts/disabling.ts";
import { addTakenErrors, emailTaken, takenErrors } from "../../core/accounts/username.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { passwordChangedMail } from "../../core/passwords/mail.ts";
import { hashPassword } from "../../core/passwords/passwords.ts";
import { replacePassword } from "../../core/passwords/replace.ts";
import { UniqueViolation } from "../../platform/database/dialect.ts";
import { type FieldErrors, NotFound } from "../../platform/http/errors.ts";
import { removeAccount } from "../account-deletion/flow.ts";
import { markVerified, sendVerification } from "../email-verification/flow.ts";
import { ValuesTaken } from "./errors.ts";
import { type NewUser, readNewPassword } from "./form.ts";
import { type AccountFilter, type Cursor, countAccounts, listAccounts } from "./queries.ts";

export const accountWasCreated = event<{ verified: boolean }>("account.created");
export const passwordWasSet = event("password.set");

/**
 * Makes an account with values that `readNewUser` has judged. One that is not verified is mailed its link, as after a
 * registration. Throws ValuesTaken when another account has the address, the username or another unique value.
 */
export async function createUser(
  ctx: Context,
  user: NewUser,
  { isVerified }: { readonly isVerified: boolean },
): Promise<Account> {
  const errors: FieldErrors = {};
  if (await findAccountByEmail(ctx, user.email)) errors.email = [emailTaken];
  await addTakenErrors(ctx, { ...user.fields, username: user.username }, errors);
  if (Object.keys(errors).length > 0) throw new ValuesTaken(errors);
  const passwordHash = await hashPassword(ctx, user.password);
  try {
    return await ctx.transaction(async (ctx) => {
      const { email, username, fields } = user;
      const verified = isVerified ? { verifiedAt: ctx.now() } : {};
      const id = await insertAccount(ctx, { email, username, passwordHash, fields, ...verified });
      await record(ctx, accountWasCreated, id, { verified: isVerified });
      if (!isVerified) await sendVerification(ctx, email);
      return getAccount(ctx, id);
    });
  } catch (error) {
    if (error instanceof UniqueViolation) throw new ValuesTaken(takenErrors(error.columns));
    throw error;
  }
}

export interface UserPage {
  readonly users: readonly Account[];
  /** All that match, whatever the page. */
  readonly total: number;
  /** Where the next page begins; undefined on the last. */
  readonly next: Cursor | undefined;
}

/** A page of accounts, the newest first. */
export async function listUsers(
  ctx: Context,
  options: AccountFilter & { readonly after?: Cursor | undefined; readonly limit: number },
): Promise<UserPage> {
  const found = await listAccounts(ctx, { ...options, limit: options.limit + 1 });
  const users = found.slice(0, options.limit);
  const last = found.length > users.length ? users.at(-1) : undefined;
  return {
    users,
    total: await countAccounts(ctx, options),
    next: last && { createdAt: last.createdAt, id: last.id },
  };
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The account that an operator names by its id, its e-mail address or its username: in this order, since a stranger
 * may choose a username that looks like another's id or address.
 */
export async function findUser(ctx: Context, name: string): Promise<Account | undefined> {
  const byId = uuid.test(name) ? await findAccount(ctx, name) : undefined;
  const byEmail = byId ?? (name.includes("@") ? await findAccountByEmail(ctx, name) : undefined);
  return byEmail ?? findAccountByUsername(ctx, name);
}

/** Shuts an account and signs it out everywhere, at once. False when it was shut already. Throws NotFound. */
export async function disableUser(ctx: Context, id: string): Promise<boolean> {
  return (await disableAccount(ctx, id)) || isThere(ctx, id);
}

/** Lets an account sign in again. False when it was not shut. Throws NotFound. */
export async function enableUser(ctx: Context, id: string): Promise<boolean> {
  return (await enableAccount(ctx, id)) || isThere(ctx, id);
}

/** False, if there is such an account at all. */
async function isThere(ctx: Context, id: string): Promise<false> {
  if (!(await findAccount(ctx, id))) throw new NotFound();
  return false;
}

/**
 * Sets another password, signs the account out everywhere, ends open reset links and tells its owner by mail: all of
 * it or none of it. Throws FieldsInvalid for a password that the policy refuses, NotFound.
 */
export async function setUserPassword(ctx: Context, id: string, password: string): Promise<void> {
  const account = await findAccount(ctx, id);
  if (!account) throw new NotFound();
  const hash = await hashPassword(ctx, await readNewPassword(ctx, account, password));
  await ctx.transaction(async (ctx) => {
    const held = await holdAccount(ctx, id);
    if (!held || !(await replacePassword(ctx, held, hash))) throw new NotFound();
    await record(ctx, passwordWasSet, id, {});
    await enqueueMail(ctx, passwordChangedMail, held.email, {});
  });
}

/** Lets an address count as verified on the operator's word. False when it was already. Throws NotFound. */
export async function verifyUser(ctx: Context, id: string): Promise<boolean> {
  return ctx.transaction(async (ctx) => {
    const account = await holdAccount(ctx, id);
    if (!account) throw new NotFound();
    await markVerified(ctx, account);
    return account.verifiedAt === null;
  });
}

/** Deletes an account and all that hangs on it, as its owner could. Throws NotFound. */
export async function deleteUser(ctx: Context, id: string): Promise<void> {
  await ctx.transaction(async (ctx) => {
    const account = await holdAccount(ctx, id);
    if (!account || !(await removeAccount(ctx, account))) throw new NotFound();
  });
}
