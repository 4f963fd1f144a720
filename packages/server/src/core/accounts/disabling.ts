/** Shuts an account, and opens it again: whoever is signed in to a shut one is signed out at once. */

import type { Context } from "../context.ts";
import { event, record } from "../events/events.ts";
import { endOneTimeTokens } from "../one-time-tokens/one-time-tokens.ts";
import { endAllSessions } from "../sessions/sessions.ts";
import { accountsIn } from "./accounts.ts";

export const accountWasDisabled = event("account.disabled");
export const accountWasEnabled = event("account.enabled");

/** Ends every session, token and mailed link of an account, for good; false when it is disabled or gone already. */
export async function disableAccount(ctx: Context, accountId: string): Promise<boolean> {
  return ctx.transaction(async (ctx) => {
    const disabled = await accountsIn(ctx)
      .updateTable("accounts")
      .set({ disabled_at: ctx.now().getTime() })
      .where("id", "=", accountId)
      .where("disabled_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    if (!disabled) return false;
    await endAllSessions(ctx, accountId, "disabled");
    await endOneTimeTokens(ctx, accountId, "all");
    await record(ctx, accountWasDisabled, accountId, {});
    return true;
  });
}

/** Lets an account sign in again; nothing that was ended comes back. False when it is not disabled. */
export async function enableAccount(ctx: Context, accountId: string): Promise<boolean> {
  return ctx.transaction(async (ctx) => {
    const enabled = await accountsIn(ctx)
      .updateTable("accounts")
      .set({ disabled_at: null })
      .where("id", "=", accountId)
      .where("disabled_at", "is not", null)
      .returning("id")
      .executeTakeFirst();
    if (!enabled) return false;
    await record(ctx, accountWasEnabled, accountId, {});
    return true;
  });
}
