/** Sends what is in the outbox: each mail by one worker at a time, again after a while if it fails, visibly to its end. */

import { setTimeout as pause } from "node:timers/promises";
import { seconds } from "../../platform/duration.ts";
import { describeError } from "../../platform/log.ts";
import type { Context } from "../context.ts";
import { createBell } from "./delivery/bell.ts";
import { claimMail, domainOf, listLapsedLeases, takeOver } from "./delivery/claim.ts";
import { watchDatabase } from "./delivery/database-watch.ts";
import { type Delivery, deliver, type Finding } from "./delivery/deliver.ts";
import { watchServer } from "./delivery/server-state.ts";
import { mailAlarm, type OutboxRow, outboxIn } from "./outbox.ts";
import type { Transport } from "./transports/transport.ts";

export type { Delivery } from "./delivery/deliver.ts";

/**
 * Sends one mail that is due, or whose worker lost it. False when none was, or the mail server takes none. The lease is
 * not renewed on the way. `delivered` is told of what left.
 */
export async function sendNextMail(
  ctx: Context,
  transport: Transport,
  delivered: (delivery: Delivery) => void = () => undefined,
): Promise<boolean> {
  const [lapsed] = await listLapsedLeases(ctx);
  const row = (lapsed && (await takeOver(ctx, lapsed))) ?? (await claimMail(ctx, { busy: [], rest: 0 }));
  if (!row) return false;
  const never = new AbortController().signal;
  const { watch } = watchDatabase(ctx);
  const finding = await deliver(ctx, row, {
    ...{ transport, delivered, watch, stop: never, end: never },
    renewEvery: 2 ** 31 - 1,
  });
  return finding.server !== "down";
}

export interface MailWorker {
  /**
   * Takes on nothing more, and finishes what is being sent if that takes no longer than five seconds; what takes longer is
   * given back, for another worker to send at once. Eight seconds at the most.
   */
  readonly stop: () => Promise<void>;
}

export interface Pace {
  /**
   * How long a mail lies at the least, in milliseconds; the worker wakes up to a quarter of a second after that. To write
   * it at once would hold up the very answer that ordered it, and only where there is something to write: a stop-watch
   * would see which addresses are known.
   */
  readonly rest: number;
  /** How often it looks for mail that another process put into the outbox, or whose time has come. */
  readonly lookEvery: number;
  /** How often the lease of a mail that is being sent is renewed. */
  readonly renewEvery: number;
  /** How long what is being sent may take once the worker is stopped. */
  readonly stopWithin: number;
}

const usualPace: Pace = { rest: 120, lookEvery: seconds(2), renewEvery: seconds(5), stopWithin: seconds(5) };
/** What was given back then has this long to be noted. */
const endWithin = seconds(3);
/** Mails under way at once from this process: a stalled server holds up a few, not all. */
const lanes = 3;
/** Of those to one domain: some mail servers ask the recipient's before they answer, and one that is slow must not stop all. */
const lanesPerDomain = 2;

/** Sends mail as it comes, until stopped. */
export function startMailWorker(
  ctx: Context,
  transport: Transport,
  delivered: (delivery: Delivery) => void = () => undefined,
  pace: Partial<Pace> = {},
): MailWorker {
  const { rest, lookEvery, renewEvery, stopWithin } = { ...usualPace, ...pace };
  const bell = createBell();
  mailAlarm(ctx).onRing(() => setTimeout(bell.ring, rest + 1 + (ctx.randomBytes(1)[0] ?? 0)).unref());
  const database = watchDatabase(ctx);
  const server = watchServer(ctx);
  const [stop, end] = [new AbortController(), new AbortController()];
  const carrier = {
    ...{ transport, delivered, renewEvery, watch: database.watch },
    ...{ stop: stop.signal, end: end.signal },
  };
  const underWay = new Map<string, { readonly sending: Promise<void>; readonly domain: string }>();
  let isStopping = false;
  const tell = (error: unknown) => {
    if (!end.signal.aborted)
      ctx.log("error", "the mail worker was interrupted", { error: describeError(error) });
  };
  const send = (row: OutboxRow) => {
    const sending = deliver(ctx, row, carrier)
      .then(learn)
      .catch(tell)
      .finally(() => {
        underWay.delete(row.id);
        bell.ring();
      });
    underWay.set(row.id, { sending, domain: domainOf(row.recipient) });
  };
  const learn = async (finding: Finding) => {
    if (finding.server === "down") {
      server.failed(finding.said);
      await tellWaitingMail(ctx, finding.said);
    } else if (finding.server === "well" && server.answered()) {
      await makeDue(ctx);
    }
  };
  const claim = async () => {
    const mostUnderWay = server.isDown() ? 1 : lanes;
    if (underWay.size >= mostUnderWay || !server.mayTry()) return undefined;
    const domains = [...underWay.values()].map(({ domain }) => domain);
    const isBusy = (domain: string) => domains.filter((one) => one === domain).length >= lanesPerDomain;
    const busy = [...new Set(domains)].filter(isBusy);
    return (await claimLapsed(busy)) ?? (await database.watch(() => claimMail(ctx, { busy, rest })));
  };
  /** Only leases that had lapsed while the database was well: those of an outage are their holders' for a while. */
  const claimLapsed = async (busy: readonly string[]) => {
    if (!database.isCalm()) return undefined;
    const lapsed = await database.watch(() => listLapsedLeases(ctx));
    // Nor our own, after the whole process stood still.
    const [next] = lapsed.filter(
      ({ id, recipient }) => !underWay.has(id) && !busy.includes(domainOf(recipient)),
    );
    return next && database.isCalm() ? database.watch(() => takeOver(ctx, next)) : undefined;
  };
  const work = async () => {
    while (!isStopping) {
      const rings = bell.rings();
      const row = await claim().catch(tell);
      if (row) send(row);
      else if (!isStopping) await bell.heard(rings, lookEvery);
    }
    await Promise.all([...underWay.values()].map(({ sending }) => sending));
  };
  const working = work();
  return {
    stop: async () => {
      isStopping = true;
      bell.ring();
      await waitAtMost(stopWithin, working);
      stop.abort();
      await waitAtMost(endWithin, working);
      end.abort();
    },
  };
}

/** While the mail server is down, all that waits says why; a mail that is being sent will say so itself. */
async function tellWaitingMail(ctx: Context, said: string): Promise<void> {
  const others = outboxIn(ctx)
    .selectFrom("outbox")
    .select("id")
    .where("finished_at", "is", null)
    .where("lease", "is", null)
    .where((row) => row.or([row("reply", "is", null), row("reply", "<>", said)]))
    .forUpdate()
    .skipLocked();
  await outboxIn(ctx).updateTable("outbox").set({ reply: said }).where("id", "in", others).execute();
}

/** What broke off as the mail server went is due now that it is back. What only waited for it has been due all along. */
async function makeDue(ctx: Context): Promise<void> {
  const cutOff = outboxIn(ctx)
    .selectFrom("outbox")
    .select("id")
    .where("finished_at", "is", null)
    .where("lease", "is", null)
    .where("cut_off", "=", 1)
    .forUpdate()
    .skipLocked();
  await outboxIn(ctx)
    .updateTable("outbox")
    .set({ due_at: ctx.sharedNow(), cut_off: 0 })
    .where("id", "in", cutOff)
    .execute();
}

async function waitAtMost(time: number, work: Promise<void>): Promise<void> {
  const timeOver = new AbortController();
  const wait = pause(time, undefined, { signal: timeOver.signal }).catch(() => undefined);
  await Promise.race([work, wait]);
  timeOver.abort();
}
