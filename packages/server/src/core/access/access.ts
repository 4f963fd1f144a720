/** Who may call: anyone, or somebody who is signed in right now. */

import { sql } from "kysely";
import type { Access } from "../../platform/http/endpoint.ts";
import { type Account, type AccountRow, accountsIn, toAccount } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { selectLivingKey } from "../keys/ring.ts";
import type { Claims } from "../tokens/claims.ts";
import {
  BearerInvalid,
  bearerErrors,
  HeaderMalformed,
  NotAuthenticated,
  UserInactive,
  UserNotFound,
} from "../tokens/errors.ts";
import { readToken } from "../tokens/tokens.ts";

/** Somebody who is signed in. */
export interface Caller {
  readonly account: Account;
  /** Undefined for a token of simplejwt, which belongs to no session of ours. */
  readonly sessionId: string | undefined;
}

/** Open to everybody; a token that happens to be sent is not looked at, so a stale one blocks nothing. */
export const anyone: Access<Context, undefined> = {
  check: async () => undefined,
  needsToken: false,
  errors: [],
};

/** Open to whoever's session lives and whose account is enabled, at this very moment. */
export const signedIn: Access<Context, Caller> = {
  check: authenticate,
  needsToken: true,
  errors: bearerErrors,
};

async function authenticate(ctx: Context): Promise<Caller> {
  const read = await readToken(ctx, bearerToken(ctx), "access");
  if (!read.claims)
    throw read.problem === "unknown_user" ? new UserNotFound() : new BearerInvalid(read.problem);
  const { account, isEnded } = await findHolder(ctx, read.claims);
  if (!account) throw new UserNotFound();
  if (account.disabledAt) throw new UserInactive();
  if (isEnded) throw new BearerInvalid();
  return { account, sessionId: read.claims.sessionId };
}

/** The token of the Authorization header (RFC 6750, 2.1), told apart as the original does. */
export function bearerToken(ctx: Context): string {
  const [scheme, token, ...rest] = (ctx.request.headers.get("authorization") ?? "").trim().split(/\s+/);
  if (scheme !== "Bearer") throw new NotAuthenticated();
  if (token === undefined || rest.length > 0) throw new HeaderMalformed();
  return token;
}

interface SessionState {
  readonly sessionEndedAt: number | null;
  readonly sessionExpiresAt: number | null;
  readonly livingKeyId: string | null;
}

/**
 * Whose token it is and whether it was ended, in one query: disabling, logout, reset and the end of a key act on the
 * next request.
 */
export async function findHolder(
  ctx: Context,
  claims: Claims,
): Promise<{ readonly account: Account | undefined; readonly isEnded: boolean }> {
  const { sessionId, userId, keyId } = claims;
  if (!sessionId) return findHolderWithoutSession(ctx, claims);
  const livingKeyId = keyId === undefined ? sql`null` : selectLivingKey(ctx, keyId);
  // Written out, as nearly every call asks it. Names in capitals, since no field of a user can have such a one.
  const { rows } = await sql<AccountRow & SessionState>`
    select accounts.*, sessions.ended_at as "sessionEndedAt", sessions.idle_expires_at as "sessionExpiresAt",
      ${livingKeyId} as "livingKeyId"
    from accounts
    left join sessions on sessions.account_id = accounts.id and sessions.id = ${sessionId}
    where accounts.id = ${userId}`.execute(ctx.db);
  const [row] = rows;
  if (!row) return { account: undefined, isEnded: true };
  const isEnded =
    row.sessionEndedAt !== null ||
    (row.sessionExpiresAt ?? 0) <= ctx.now().getTime() ||
    (keyId !== undefined && row.livingKeyId !== keyId);
  return { account: toAccount(ctx, row), isEnded };
}

async function findHolderWithoutSession(ctx: Context, claims: Claims) {
  const row = await accountsIn(ctx)
    .selectFrom("accounts")
    .selectAll()
    .where("id", "=", claims.userId)
    .executeTakeFirst();
  if (!row) return { account: undefined, isEnded: true };
  return { account: toAccount(ctx, row), isEnded: isOlderThan(claims, row.tokens_valid_from) };
}

/** A token of simplejwt counts its birth in whole seconds: one born in the second of the change is still believed dead. */
export function isOlderThan(claims: Claims, validFrom: number | null): boolean {
  return validFrom !== null && (claims.issuedAt?.getTime() ?? 0) <= validFrom;
}
