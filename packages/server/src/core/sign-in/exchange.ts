/** Takes in a live refresh token of the original, once, and opens a session of ours for it. */

import { after, minutes } from "../../platform/duration.ts";
import { ApiError } from "../../platform/http/errors.ts";
import { type Account, accountsIn, findAccount } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { event, record } from "../events/events.ts";
import { openSession, type Session } from "../sessions/sessions.ts";
import type { Claims } from "../tokens/claims.ts";
import { tokenFingerprint } from "../tokens/tokens.ts";
import { passGates } from "./gates.ts";
import { notePlace } from "./places.ts";

export const foreignTokenExchanged = event<{ session: string }>("session.exchanged");

/**
 * A session for the token's account; undefined when the account is gone, disabled, refused by a gate, or has ended
 * its sessions since the token was made. Throws UniqueViolation (of `sessions`) when the token was exchanged before.
 */
export async function exchangeForeignToken(
  ctx: Context,
  claims: Claims,
  retryKey: string | null,
): Promise<{ readonly account: Account; readonly session: Session } | undefined> {
  const account = await findAccount(ctx, claims.userId);
  if (!account || !(await isLetThrough(ctx, account))) return undefined;
  return ctx.transaction(async (ctx) => {
    if (!(await isStillGood(ctx, claims))) return undefined;
    const session = await openSession(ctx, account.id, {
      methods: ["pwd"],
      authTime: claims.issuedAt ?? ctx.now(),
      exchanged: { token: tokenFingerprint(claims), until: after(claims.expiresAt, minutes(1)), retryKey },
    });
    await notePlace(ctx, account.id);
    await record(ctx, foreignTokenExchanged, account.id, { session: session.id });
    return { account, session };
  });
}

/** What a gate wants to be told, it is told at the next sign-in: at this door there is nobody to ask. */
async function isLetThrough(ctx: Context, account: Account): Promise<boolean> {
  try {
    await passGates(ctx, { account, method: "pwd" });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) return false;
    throw error;
  }
}

/** Takes the account's row while it looks, for the same reason as a sign-in does. */
async function isStillGood(ctx: Context, claims: Claims): Promise<boolean> {
  const issuedAt = claims.issuedAt?.getTime() ?? 0;
  const taken = await accountsIn(ctx)
    .updateTable("accounts")
    .set({ last_sign_in_at: ctx.now().getTime() })
    .where("id", "=", claims.userId)
    .where("disabled_at", "is", null)
    .where((row) => row.or([row("tokens_valid_from", "is", null), row("tokens_valid_from", "<", issuedAt)]))
    .returning("id")
    .executeTakeFirst();
  return taken !== undefined;
}
