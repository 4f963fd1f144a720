/** Removes what nobody can ask for any more, a little at a time, so that no table grows for ever. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { days, minutes } from "../platform/duration.ts";
import type { Context } from "./context.ts";
import { removeOldEvents, removeSurplusEvents } from "./events/events.ts";
import type { Job } from "./feature.ts";
import { limitsIn } from "./limits/limits.ts";
import { outboxIn } from "./mail/outbox.ts";
import { removeExpiredTokens } from "./one-time-tokens/one-time-tokens.ts";
import { removeOldSessions } from "./sessions/sessions.ts";
import { removeOldPlaces } from "./sign-in/places.ts";

/**
 * Removes at most so many rows of one kind; how many. Rows that somebody works with are left for the next time: so
 * nobody waits for housekeeping and it waits for nobody, in whatever order rows are taken.
 */
type Sweep = (ctx: Context, most: number) => Promise<number>;

/** Rows that one statement takes: it holds its locks, and SQLite's only thread, for a few milliseconds. */
const batch = 500;
/** Statements of one kind in one run; what is left then waits for the next. */
const mostBatches = 200;
/** How long it can still be seen what became of a mail. */
const finishedMailTime = days(7);

/** Any number of nodes may do this at once: what one has removed, the others do not find. */
export const housekeeping: Job = { name: "housekeeping", every: minutes(10), run: keepHouse };

/** Removes all that is over now. */
export async function keepHouse(ctx: Context): Promise<void> {
  const sweeps = [
    removeExpiredTokens,
    removeOldSessions,
    removeOldPlaces,
    removePastLimits,
    removeFinishedMail,
    erasePayloads,
    removeOldEvents,
    removeSurplusEvents,
  ];
  for (const sweep of sweeps) await repeat(ctx, sweep);
}

async function repeat(ctx: Context, sweep: Sweep): Promise<void> {
  for (let round = 0; round < mostBatches; round += 1) {
    if ((await sweep(ctx, batch)) < batch) return;
    await nextTurn();
  }
}

const removePastLimits: Sweep = async (ctx, most) => {
  const now = ctx.now().getTime();
  const past = limitsIn(ctx)
    .selectFrom("limits")
    .select("key")
    .where("resets_at", "<=", now)
    .limit(most)
    .forUpdate()
    .skipLocked();
  const removed = await limitsIn(ctx).deleteFrom("limits").where("key", "in", past).executeTakeFirst();
  return Number(removed.numDeletedRows);
};

const removeFinishedMail: Sweep = async (ctx, most) => {
  const old = ctx.now().getTime() - finishedMailTime;
  const finished = outboxIn(ctx)
    .selectFrom("outbox")
    .select("id")
    .where("state", "in", ["sent", "failed"])
    // No mail is finished before it is due, and this the index knows.
    .where("due_at", "<", old)
    .where("finished_at", "<", old)
    .limit(most)
    .forUpdate()
    .skipLocked();
  const removed = await outboxIn(ctx).deleteFrom("outbox").where("id", "in", finished).executeTakeFirst();
  return Number(removed.numDeletedRows);
};

/** A mail that could not be sent is kept to be sent by hand, as long as it is of any use; then its links go. */
const erasePayloads: Sweep = async (ctx, most) => {
  const useless = outboxIn(ctx)
    .selectFrom("outbox")
    .select("id")
    .where("state", "=", "failed")
    .where("payload", "is not", null)
    .where("expires_at", "<", ctx.now().getTime())
    .limit(most)
    .forUpdate()
    .skipLocked();
  const erased = await outboxIn(ctx)
    .updateTable("outbox")
    .set({ payload: null })
    .where("id", "in", useless)
    .executeTakeFirst();
  return Number(erased.numUpdatedRows);
};
