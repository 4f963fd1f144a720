/** What is done with a mail while its lease is ours: the lease is renewed, and what became of the mail is noted. */

import { setTimeout as pause } from "node:timers/promises";
import { isBusy } from "../../../platform/database/dialect.ts";
import { seconds } from "../../../platform/duration.ts";
import { describeError } from "../../../platform/log.ts";
import type { Context } from "../../context.ts";
import { type OutboxRow, outboxIn } from "../outbox.ts";
import { leaseEnd } from "./claim.ts";
import type { DatabaseWatch } from "./database-watch.ts";
import type { Changes } from "./retry.ts";

export interface KeptLease extends Disposable {
  /** Aborted once another worker has the mail, since we stood still for longer than the lease. */
  readonly lost: AbortSignal;
}

/** Renews the lease until it is disposed of. A database that is away for a moment takes it from nobody. */
export function keepLease(ctx: Context, row: OutboxRow, every: number, { watch }: DatabaseWatch): KeptLease {
  const lost = new AbortController();
  let renewing = false;
  const renew = async () => {
    if (renewing) return;
    renewing = true;
    try {
      if (!(await watch(() => isRenewed(ctx, row)))) lost.abort();
    } catch (error) {
      ctx.log("debug", "a lease could not be renewed", { id: row.id, error: describeError(error) });
    } finally {
      renewing = false;
    }
  };
  const timer = setInterval(() => void renew(), every).unref();
  return { lost: lost.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

async function isRenewed(ctx: Context, row: OutboxRow): Promise<boolean> {
  const renewed = await outboxIn(ctx)
    .updateTable("outbox")
    .set({ leased_until: leaseEnd(ctx) })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .returning("id")
    .executeTakeFirst();
  return renewed !== undefined;
}

/** Tries, while the database fails with what is not a passing trouble, and is to be heard of. */
const mostTries = 6;

/**
 * Notes what became of a mail, and gives its lease back. What a mail server has taken must not be sent again because the
 * database is away: it is tried until it works, or the lease is another's. Until `end`, where the process has to go.
 */
export async function settle(
  ctx: Context,
  row: OutboxRow,
  changes: Changes,
  { watch, end }: DatabaseWatch & { readonly end: AbortSignal },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await watch(() =>
        outboxIn(ctx)
          .updateTable("outbox")
          .set({ ...changes, lease: null, leased_until: null })
          .where("id", "=", row.id)
          .where("lease", "=", row.lease)
          .execute(),
      );
      return;
    } catch (error) {
      if (end.aborted || (tries >= mostTries && !isBusy(error))) throw error;
      if (tries === 1)
        ctx.log("warn", "what became of a mail is noted once the database can be written to", { id: row.id });
      await pause(Math.min(250 * tries, seconds(1)), undefined, { signal: end });
    }
  }
}
