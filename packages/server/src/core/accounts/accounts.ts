/** The accounts table: who has an account, found and changed by statements that decide nothing. */

import { canonicalEmail, storedEmail } from "../../platform/http/email-address.ts";
import { parseJson } from "../../platform/json.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";
import { UserNotFound } from "../tokens/errors.ts";
import { defaultOf, type StoredField, storedFields } from "./fields.ts";

export interface AccountRow {
  id: string;
  email: string;
  email_canonical: string;
  username: string;
  username_canonical: string;
  password_hash: string | null;
  verified_at: number | null;
  unconfirmed_until: number | null;
  disabled_at: number | null;
  tokens_valid_from: number | null;
  last_sign_in_at: number | null;
  device_epoch: number;
  created_at: number;
  updated_at: number;
}

export interface Account {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  /** Null: no password is believed, so none signs in. */
  readonly passwordHash: string | null;
  readonly verifiedAt: Date | null;
  /** From when nobody is expected to verify a registration any more; null for an account that stays in any case. */
  readonly unconfirmedUntil: Date | null;
  readonly disabledAt: Date | null;
  /** Tokens from before this moment that name no session are dead. */
  readonly tokensValidFrom: Date | null;
  readonly lastSignInAt: Date | null;
  /** How often it was given another password: device tokens of before are dead. */
  readonly deviceEpoch: number;
  readonly createdAt: Date;
  /** The declared fields, by name. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export const accountsIn = (ctx: Context) => ctx.db.$extendTables<{ accounts: AccountRow }>();

/** The form that tells whether two usernames are the same: NFKC, then case folded. */
export function canonicalUsername(username: string): string {
  // Upper then lower case folds what lower case alone keeps apart, such as ß and ss, or final sigma; ẞ is in upper case
  // already, and folds only as ß.
  return username.normalize("NFKC").toLowerCase().toUpperCase().toLowerCase().normalize("NFKC");
}

/** A username as its columns hold it. */
export function usernameColumns(username: string): Pick<AccountRow, "username" | "username_canonical"> {
  return { username: username.normalize("NFKC"), username_canonical: canonicalUsername(username) };
}

export async function findAccountByEmail(ctx: Context, email: string): Promise<Account | undefined> {
  return findAccountWhere(ctx, "email_canonical", canonicalEmail(email));
}

export async function findAccountByUsername(ctx: Context, username: string): Promise<Account | undefined> {
  return findAccountWhere(ctx, "username_canonical", canonicalUsername(username));
}

export async function findAccount(ctx: Context, id: string): Promise<Account | undefined> {
  return findAccountWhere(ctx, "id", id);
}

/**
 * An account as it is now, and as it stays until the transaction ends. Whoever changes an account, or what hangs on
 * it, holds it first: so what is decided about it stays true, and of two who change it none waits for the other's row.
 */
export async function holdAccount(ctx: Context, id: string): Promise<Account | undefined> {
  const row = await accountsIn(ctx)
    .selectFrom("accounts")
    .selectAll()
    .where("id", "=", id)
    // Rows that refer to the account can still be inserted meanwhile, such as the token of a mail being written.
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row && toAccount(ctx, row);
}

export interface NewAccount {
  readonly email: string;
  readonly username: string;
  readonly passwordHash: string;
  /** Unsaid: not verified. */
  readonly verifiedAt?: Date;
  /** How long it waits for its address to be verified; unset: for ever. */
  readonly unconfirmedUntil?: Date;
  /** The declared fields that were said; the others get their defaults. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Makes an account and gives its id. Throws UniqueViolation when a value that only one can have is another's. */
export async function insertAccount(ctx: Context, account: NewAccount): Promise<string> {
  const id = randomUuid(ctx.randomBytes);
  const now = ctx.now().getTime();
  const { fields } = ctx.additions;
  const defaults = Object.fromEntries(storedFields(fields).map(([name, field]) => [name, defaultOf(field)]));
  await accountsIn(ctx)
    .insertInto("accounts")
    .values({
      id,
      email: storedEmail(account.email),
      email_canonical: canonicalEmail(account.email),
      ...usernameColumns(account.username),
      password_hash: account.passwordHash,
      verified_at: account.verifiedAt?.getTime() ?? null,
      unconfirmed_until: account.unconfirmedUntil?.getTime() ?? null,
      disabled_at: null,
      tokens_valid_from: null,
      last_sign_in_at: null,
      device_epoch: 0,
      created_at: now,
      updated_at: now,
      ...toColumns(ctx, { ...defaults, ...account.fields }),
    })
    .execute();
  return id;
}

/** Throws UserNotFound for an account that was deleted while the call went on. */
export async function getAccount(ctx: Context, id: string): Promise<Account> {
  const account = await findAccount(ctx, id);
  if (!account) throw new UserNotFound();
  return account;
}

async function findAccountWhere(
  ctx: Context,
  column: "id" | "email_canonical" | "username_canonical",
  value: string,
): Promise<Account | undefined> {
  const row = await accountsIn(ctx)
    .selectFrom("accounts")
    .selectAll()
    .where(column, "=", value)
    .executeTakeFirst();
  return row && toAccount(ctx, row);
}

/** An account from its row; the row may hold columns of other tables too. */
export function toAccount(ctx: Context, row: AccountRow): Account {
  const columns = row as unknown as Record<string, unknown>;
  const fields = storedFields(ctx.additions.fields).map(([name, field]) => [
    name,
    fromColumn(field, columns[name]),
  ]);
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    passwordHash: row.password_hash,
    verifiedAt: toDate(row.verified_at),
    unconfirmedUntil: toDate(row.unconfirmed_until),
    disabledAt: toDate(row.disabled_at),
    tokensValidFrom: toDate(row.tokens_valid_from),
    lastSignInAt: toDate(row.last_sign_in_at),
    deviceEpoch: row.device_epoch,
    createdAt: new Date(row.created_at),
    fields: Object.fromEntries(fields),
  };
}

const toDate = (milliseconds: number | null) => (milliseconds === null ? null : new Date(milliseconds));

function fromColumn(field: StoredField, value: unknown): unknown {
  if (value === null || value === undefined) return field.default ?? null;
  if (field.type === "json") return parseJson(value as string);
  return field.type === "boolean" ? value === 1 : value;
}

/** Declared fields as their columns hold them. */
export function toColumns(ctx: Context, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  for (const [name, field] of storedFields(ctx.additions.fields)) {
    if (Object.hasOwn(values, name) && values[name] !== undefined)
      columns[name] = toColumn(field, values[name]);
  }
  return columns;
}

/** The value of a declared field as its column holds it. */
export function toColumn(field: StoredField, value: unknown): string | number | null {
  // An empty text says nothing; of a unique field, any number of accounts may say nothing.
  if (value === null || (value === "" && field.unique)) return null;
  if (field.type === "json") return JSON.stringify(value);
  return field.type === "boolean" ? Number(value) : (value as string | number);
}
