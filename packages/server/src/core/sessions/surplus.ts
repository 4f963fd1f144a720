/** Keeps the sessions of one account to a number, and tells its owner when one more ended others. */

import { sql } from "kysely";
import { findAccount } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { event, record } from "../events/events.ts";
import { enqueueMail } from "../mail/outbox.ts";
import { sessionsFullMail } from "./mail.ts";
import { type EndReason, sessionsIn } from "./rows.ts";

export const surplusWasEnded = event<{ session: string; ended: number }>("session.surplus_ended");

/** Rows of ended sessions that an account keeps; older ones tell nobody anything. */
const keptEnded = 100;
/** More than one statement has to take; SQLite knows no offset without a limit. */
const all = 100_000;

/**
 * Ends the sessions that are too many beside a new one: first those never used since they were opened, so that a program
 * that signs in again and again ends its own; then those not used for longest. Of the ended ones it keeps the last.
 */
export async function endSurplus(ctx: Context, accountId: string, newId: string): Promise<void> {
  const now = ctx.now().getTime();
  const reason: EndReason = "surplus";
  const surplus = sessionsIn(ctx)
    .selectFrom("sessions")
    .select("id")
    .where("account_id", "=", accountId)
    .where("ended_at", "is", null)
    .where("idle_expires_at", ">", now)
    .where("id", "!=", newId)
    .orderBy(sql`case when counter = 0 then 1 else 0 end`)
    .orderBy("last_used_at", "desc")
    .orderBy("id")
    .limit(all)
    .offset(ctx.config.tokens.sessionsPerAccount - 1);
  const ended = await sessionsIn(ctx)
    .updateTable("sessions")
    .set({ ended_at: now, ended_reason: reason })
    .where("id", "in", surplus)
    .where("ended_at", "is", null)
    .returning("id")
    .execute();
  await removeLongEnded(ctx, accountId);
  if (ended.length === 0) return;
  await record(ctx, surplusWasEnded, accountId, { session: newId, ended: ended.length });
  const account = await findAccount(ctx, accountId);
  if (account) await enqueueMail(ctx, sessionsFullMail, account.email, {});
}

async function removeLongEnded(ctx: Context, accountId: string): Promise<void> {
  const now = ctx.now().getTime();
  const longEnded = sessionsIn(ctx)
    .selectFrom("sessions")
    .select("id")
    .where("account_id", "=", accountId)
    .where("ended_at", "is not", null)
    // Without its row a token of the original could be exchanged again.
    .where((row) => row.or([row("exchanged_until", "is", null), row("exchanged_until", "<", now)]))
    .orderBy("ended_at", "desc")
    .limit(all)
    .offset(keptEnded);
  await sessionsIn(ctx).deleteFrom("sessions").where("id", "in", longEnded).execute();
}
