/** Signs out: this session, the others, or all of them. */

import { findHolder } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import {
  endAllSessions,
  endForeignTokens,
  endSession,
  findSession,
  findSessionByExchangedToken,
  isReplaced,
  isWithinGrace,
  type Session,
} from "../../core/sessions/sessions.ts";
import type { Claims } from "../../core/tokens/claims.ts";
import { readToken, tokenFingerprint } from "../../core/tokens/tokens.ts";

export const signedOut = event<{ session: string; scope: SignOutScope }>("session.signed_out");

export const signOutScopes = ["this", "others", "all"] as const;
export type SignOutScope = (typeof signOutScopes)[number];

/**
 * Ends the session that a refresh or access token belongs to; with another scope, the account's other sessions, or
 * all. A token that is dead already is answered alike: who signs out wants to be signed out. One whose time is over
 * still ends its own session; only one that still works ends others.
 */
export async function signOut(ctx: Context, token: string, scope: SignOutScope): Promise<void> {
  const read = await readToken(ctx, token, "any");
  const claims = read.claims ?? read.expired;
  if (!claims) return;
  const { account, isEnded } = await findHolder(ctx, claims);
  if (!account || isEnded) return;
  const session = await findSessionOf(ctx, claims);
  const isGood = read.claims !== undefined && stillWorks(ctx, claims, session);
  if (!isGood && !session) return;
  const reach = isGood ? scope : "this";
  await ctx.transaction(async (ctx) => {
    if (!(await endScope(ctx, account.id, session?.id, reach))) return;
    await record(ctx, signedOut, account.id, { session: session?.id ?? "", scope: reach });
  });
}

/** The session of a token; also the one that was opened for a token of the original. */
async function findSessionOf(ctx: Context, claims: Claims): Promise<Session | undefined> {
  return claims.sessionId === undefined
    ? findSessionByExchangedToken(ctx, tokenFingerprint(claims))
    : findSession(ctx, claims.sessionId);
}

/** Whether a refresh token is not used up; one that was exchanged a moment ago, by another tab, counts still. */
function stillWorks(ctx: Context, claims: Claims, session: Session | undefined): boolean {
  if (!session || claims.tokenType !== "refresh") return true;
  if (isReplaced(session, claims.sequence ?? -1)) return false;
  const behind = session.counter - (claims.sequence ?? -1);
  return behind === 0 || (behind === 1 && isWithinGrace(ctx, session));
}

/** False when somebody else has just ended what was to be ended. */
async function endScope(
  ctx: Context,
  accountId: string,
  sessionId: string | undefined,
  scope: SignOutScope,
): Promise<boolean> {
  if (scope === "this" && sessionId !== undefined) return endSession(ctx, accountId, sessionId, "logout");
  if (scope === "others") await endAllSessions(ctx, accountId, "logout", sessionId);
  else if (scope === "all") await endAllSessions(ctx, accountId, "logout");
  // A token of the original that belongs to no session yet: all that can be ended is what the original issued.
  else await endForeignTokens(ctx, accountId);
  return true;
}
