/** Shows somebody where they are signed in, and signs one of these places out. */

import type { Caller } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { endSession, listSessions, type Session, type SessionsPage } from "../../core/sessions/sessions.ts";
import { NotFound } from "../../platform/http/errors.ts";

export const deviceWasSignedOut = event<{ session: string }>("session.revoked");

/** The caller's sessions that live, the one used last first: all, or a page of them. */
export async function listDevices(
  ctx: Context,
  { account }: Caller,
  page?: SessionsPage,
): Promise<Session[]> {
  return listSessions(ctx, account.id, page);
}

/** Ends one of the caller's sessions at once. Throws NotFound for one that is over, unknown or somebody else's. */
export async function endDevice(ctx: Context, { account }: Caller, sessionId: string): Promise<void> {
  await ctx.transaction(async (ctx) => {
    if (!(await endSession(ctx, account.id, sessionId, "revoked"))) throw new NotFound();
    await record(ctx, deviceWasSignedOut, account.id, { session: sessionId });
  });
}
