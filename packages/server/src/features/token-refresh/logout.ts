/** Signs out: this session, the others, or all of them. */

import { findHolder } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { endAllSessions, endSession } from "../../core/sessions/sessions.ts";
import type { Claims } from "../../core/tokens/claims.ts";
import { readToken } from "../../core/tokens/tokens.ts";

export const signedOut = event<{ session: string; scope: SignOutScope }>("session.signed_out");

export const signOutScopes = ["this", "others", "all"] as const;
export type SignOutScope = (typeof signOutScopes)[number];

/**
 * Ends the session that a refresh or access token belongs to; with another scope, the account's other sessions, or
 * all. A token that is dead already is answered alike: who signs out wants to be signed out. Only a token that still
 * works ends sessions other than its own.
 */
export async function signOut(ctx: Context, token: string, scope: SignOutScope): Promise<void> {
  const { claims } = await readToken(ctx, token, "any");
  if (!claims) return;
  const { account, isEnded } = await findHolder(ctx, claims);
  if (!account || isEnded) return;
  await ctx.transaction(async (ctx) => {
    await endScope(ctx, account.id, claims, scope);
    await record(ctx, signedOut, account.id, { session: claims.sessionId ?? "", scope });
  });
}

async function endScope(ctx: Context, accountId: string, claims: Claims, scope: SignOutScope): Promise<void> {
  if (scope === "all") return endAllSessions(ctx, accountId, "logout");
  if (scope === "others") return endAllSessions(ctx, accountId, "logout", claims.sessionId);
  // A token of the original belongs to no session: all that can be ended is what was issued until now.
  if (claims.sessionId === undefined) return endAllSessions(ctx, accountId, "logout");
  await endSession(ctx, accountId, claims.sessionId, "logout");
}
