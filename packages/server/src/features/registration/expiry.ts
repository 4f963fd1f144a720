/** The end of registrations that nobody verified: they go, and their username is free again. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { accountsIn, findAccount } from "../../core/accounts/accounts.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import type { Job } from "../../core/feature.ts";
import { after, days, minutes } from "../../platform/duration.ts";
import { removeAccount } from "../account-deletion/flow.ts";
import { awaitsVerification } from "../email-verification/flow.ts";

export const registrationExpired = event("registration.expired");

/** How long a registration waits for its address to be verified; longer, if a link was mailed that still works. */
export const unconfirmedTime = days(7);

/** Registrations that are looked at in one go. */
const batch = 100;

export const removingUnconfirmed: Job = {
  name: "unconfirmed registrations",
  every: minutes(10),
  run: async (ctx) => {
    let due: readonly string[];
    do {
      due = await listDue(ctx);
      for (const id of due) {
        await removeUnconfirmed(ctx, id);
        // With SQLite nothing else in this process would have a turn until the last is gone.
        await nextTurn();
      }
    } while (due.length === batch);
  },
};

async function listDue(ctx: Context): Promise<readonly string[]> {
  const rows = await accountsIn(ctx)
    .selectFrom("accounts")
    .select("id")
    .where("unconfirmed_until", "<=", ctx.now().getTime())
    .orderBy("unconfirmed_until")
    .limit(batch)
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Removes an account whose time is up; one that was verified meanwhile stays. One whose owner may still open a link,
 * or that is shut, is looked at again tomorrow. Of two nodes, one does it.
 */
export async function removeUnconfirmed(ctx: Context, id: string): Promise<void> {
  await ctx.transaction(async (ctx) => {
    const isMine = await accountsIn(ctx)
      .updateTable("accounts")
      .set({ unconfirmed_until: after(ctx.now(), days(1)).getTime() })
      .where("id", "=", id)
      .where("unconfirmed_until", "<=", ctx.now().getTime())
      .returning("id")
      .executeTakeFirst();
    const account = isMine && (await findAccount(ctx, id));
    // One that an operator shut must not come back by registering the address anew.
    if (!account || account.disabledAt || (await awaitsVerification(ctx, id))) return;
    await record(ctx, registrationExpired, id, {});
    await removeAccount(ctx, account);
  });
}
