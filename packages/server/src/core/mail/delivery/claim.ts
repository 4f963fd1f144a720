/** Takes mail out of the outbox for one worker at a time, by a lease that ends by the clock that all nodes share. */

import type { Expression } from "kysely";
import { sql } from "kysely";
import { seconds } from "../../../platform/duration.ts";
import { randomUuid } from "../../../platform/random.ts";
import type { Context } from "../../context.ts";
import { type OutboxRow, outboxIn } from "../outbox.ts";

/**
 * Renewed while its mail is being sent, so it need not be longer than a mail takes: only as long as a worker that is alive
 * may be held up. Whoever starts after a crash has all mail under way again once it is over.
 */
export const leaseTime = seconds(15);

export const leaseEnd = (ctx: Context): Expression<number> => sql<number>`${ctx.sharedNow()} + ${leaseTime}`;

export interface Claim {
  /** Domains that get nothing more just now, with their `@`. */
  readonly busy: readonly string[];
  /** How long a mail must have been due. */
  readonly rest: number;
}

/** Takes the mail whose turn it is among those that are due; no other worker gets it while the lease lasts. */
export async function claimMail(ctx: Context, { busy, rest }: Claim): Promise<OutboxRow | undefined> {
  return outboxIn(ctx)
    .updateTable("outbox")
    .set((row) => ({
      ...{ lease: randomUuid(ctx.randomBytes), leased_until: leaseEnd(ctx) },
      attempts: row("attempts", "+", 1),
    }))
    .where("id", "=", (query) =>
      query
        .selectFrom("outbox")
        .select("id")
        .where("finished_at", "is", null)
        .where("lease", "is", null)
        .where("due_at", "<=", sql<number>`${ctx.sharedNow()} - ${rest}`)
        .where((row) => row.and(busy.map(isElsewhere)))
        .orderBy("priority")
        .orderBy("turn")
        .orderBy("due_at")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

export const domainOf = (recipient: string) => recipient.slice(recipient.lastIndexOf("@"));

const isElsewhere = (domain: string) =>
  sql<boolean>`recipient not like ${`%${domain.replace(/[\\%_]/g, "\\$&")}`} escape '\\'`;

/** A lease that nobody renewed in time: its worker is gone, or has stood still. */
export type LapsedLease = Pick<OutboxRow, "id" | "recipient" | "lease" | "leased_until">;

export async function listLapsedLeases(ctx: Context): Promise<LapsedLease[]> {
  return outboxIn(ctx)
    .selectFrom("outbox")
    .select(["id", "recipient", "lease", "leased_until"])
    .where("finished_at", "is", null)
    .where("leased_until", "<=", ctx.sharedNow())
    .orderBy("leased_until")
    .limit(20)
    .execute();
}

/** Takes a mail from a worker that lost it; undefined if it was taken, given back or renewed since the lease was seen. */
export async function takeOver(ctx: Context, seen: LapsedLease): Promise<OutboxRow | undefined> {
  return outboxIn(ctx)
    .updateTable("outbox")
    .set((row) => ({
      ...{ lease: randomUuid(ctx.randomBytes), leased_until: leaseEnd(ctx) },
      attempts: row("attempts", "+", 1),
    }))
    .where("id", "=", seen.id)
    .where("state", "=", "waiting")
    .where("lease", "=", seen.lease)
    .where("leased_until", "=", seen.leased_until)
    .returningAll()
    .executeTakeFirst();
}
