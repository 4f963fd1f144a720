/** The people and tokens that were there before every recorded exchange, in the tables of ours. */

import { pbkdf2Sync } from "node:crypto";
import {
  type AccountRow,
  accountsIn,
  canonicalUsername,
  toColumns,
} from "../../packages/server/src/core/accounts/accounts.ts";
import type { Context } from "../../packages/server/src/core/context.ts";
import { issueOneTimeToken } from "../../packages/server/src/core/one-time-tokens/one-time-tokens.ts";
import { endSession } from "../../packages/server/src/core/sessions/sessions.ts";
import { readToken } from "../../packages/server/src/core/tokens/tokens.ts";
import { verificationPurpose } from "../../packages/server/src/features/email-verification/mail.ts";
import { resetPurpose } from "../../packages/server/src/features/password-reset/mail.ts";
import { refreshTokens } from "../../packages/server/src/features/token-refresh/flow.ts";
import { parseDuration } from "../../packages/server/src/platform/duration.ts";
import { sha256Hex } from "../../packages/server/src/platform/encoding.ts";
import { canonicalEmail, storedEmail } from "../../packages/server/src/platform/http/email-address.ts";
import { type DatabaseStep, readOriginal } from "./exchanges.ts";
import { mintToken } from "./tokens.ts";

interface FixtureUser {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly is_verified: boolean;
  readonly is_active: boolean;
  readonly verification_token?: string;
  readonly verification_token_expires_at?: string;
  readonly password?: "unusable";
}

interface Fixtures {
  readonly signing_key_utf8: string;
  readonly frontend_url: string;
  readonly default_from_email: string;
  readonly users: Readonly<Record<string, FixtureUser>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly password_reset_tokens: readonly {
    readonly token: string;
    readonly user: string;
    readonly expires_at: string;
    readonly is_used: boolean;
  }[];
  readonly outstanding_refresh_tokens: { readonly blacklisted: readonly string[] };
}

export const fixtures = readOriginal<Fixtures>("fixtures.json");

/** The id of a fixture user. */
export function idOf(user: string): string {
  const found = fixtures.users[user];
  if (!found) throw new Error(`No fixture user is called ${user}`);
  return found.id;
}

const ownTables = (ctx: Context) =>
  ctx.db.$extendTables<{
    one_time_tokens: {
      hash: string;
      account_id: string;
      purpose: string;
      expires_at: number;
      used_at: number | null;
    };
    outbox: { id: string };
    audit: { id: string };
    limits: { key: string };
  }>();

/** Empties the tables and puts everybody back. */
export async function restoreWorld(ctx: Context): Promise<void> {
  const tables = ownTables(ctx);
  await accountsIn(ctx).deleteFrom("accounts").execute();
  for (const table of ["outbox", "audit", "limits"] as const) await tables.deleteFrom(table).execute();
  await accountsIn(ctx)
    .insertInto("accounts")
    .values(Object.values(fixtures.users).map((user) => toAccountRow(ctx, user)))
    .execute();
  await addOneTimeTokens(ctx);
  for (const name of fixtures.outstanding_refresh_tokens.blacklisted) await endExchanged(ctx, name);
}

function toAccountRow(ctx: Context, user: FixtureUser): AccountRow {
  const now = ctx.now().getTime();
  return {
    id: user.id,
    email: storedEmail(user.email),
    email_canonical: canonicalEmail(user.email),
    username: user.username,
    username_canonical: canonicalUsername(user.username),
    password_hash: user.password === "unusable" ? "!no-password" : (hashes[user.username] ?? null),
    verified_at: user.is_verified ? now : null,
    unconfirmed_until: null,
    disabled_at: user.is_active ? null : now,
    tokens_valid_from: null,
    last_sign_in_at: null,
    device_epoch: 0,
    created_at: now,
    updated_at: now,
    ...toColumns(ctx, { ...fixtures.defaults, ...user }),
  };
}

/** As Django writes them, but of few rounds: what hashing costs is no matter here. */
const hashes: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(fixtures.users).map((name) => {
    const [rounds, salt] = [2, "0123456789abcdefABCDEF"];
    const key = pbkdf2Sync(`Str0ngPass!${name}`, salt, rounds, 32, "sha256").toString("base64");
    return [name, `pbkdf2_sha256$${rounds}$${salt}$${key}`];
  }),
);

async function addOneTimeTokens(ctx: Context): Promise<void> {
  for (const user of Object.values(fixtures.users)) {
    const { verification_token: token, verification_token_expires_at: expires = "" } = user;
    if (token) await addToken(ctx, verificationPurpose, token, user.id, expires);
  }
  for (const { token, user, expires_at, is_used } of fixtures.password_reset_tokens) {
    await addToken(ctx, resetPurpose, token, idOf(user), expires_at);
    // Not as a use of ours, which would end the others of the same person.
    if (is_used) await markUsed(ctx, token);
  }
}

/** Issues a token that is known beforehand: it is what the system draws when asked for random bytes. */
async function addToken(ctx: Context, purpose: string, token: string, accountId: string, expires: string) {
  const drawn = Buffer.from(token.replaceAll("-", ""), "hex");
  await issueOneTimeToken({ ...ctx, randomBytes: () => drawn }, purpose, accountId, timeLeft(expires));
}

async function markUsed(ctx: Context, token: string): Promise<void> {
  await ownTables(ctx)
    .updateTable("one_time_tokens")
    .set({ used_at: ctx.now().getTime() })
    .where("hash", "=", sha256Hex(token))
    .execute();
}

/** Milliseconds until a moment written as "now + 24 h". */
function timeLeft(text: string): number {
  const [, sign, span = ""] = /^now ([+-]) (.+)$/.exec(text) ?? [];
  const length = parseDuration(span.replace(" ", ""));
  if (length === undefined) throw new Error(`Not a moment: ${text}`);
  return sign === "-" ? -length : length;
}

/** A token that the original had blacklisted is one that was exchanged for a session which has ended. */
async function endExchanged(ctx: Context, name: string): Promise<void> {
  const { access } = await refreshTokens(ctx, mintToken(name, ctx.now()));
  const { claims } = await readToken(ctx, access, "access");
  if (!claims?.sessionId) throw new Error(`The token ${name} was not exchanged`);
  await endSession(ctx, claims.userId, claims.sessionId, "logout");
}

/** Makes a change in the tables of ours that means what the step meant in those of the original. */
export async function applyStep(ctx: Context, step: DatabaseStep): Promise<void> {
  const id = idOf(step.user);
  if (step.op === "delete_user") {
    await accountsIn(ctx).deleteFrom("accounts").where("id", "=", id).execute();
    return;
  }
  for (const [name, value] of Object.entries(step.fields)) await setField(ctx, id, name, value);
}

async function setField(ctx: Context, id: string, name: string, value: unknown): Promise<void> {
  if (name === "verification_token_expires_at") {
    const tokens = ownTables(ctx).updateTable("one_time_tokens").where("account_id", "=", id);
    await tokens
      .where("purpose", "=", verificationPurpose)
      .set({ expires_at: Number(value) })
      .execute();
    return;
  }
  const now = ctx.now().getTime();
  const columns: Record<string, unknown> =
    name === "is_active"
      ? { disabled_at: value ? null : now }
      : name === "is_verified"
        ? { verified_at: value ? now : null }
        : { [name]: value };
  await accountsIn(ctx).updateTable("accounts").set(columns).where("id", "=", id).execute();
}
