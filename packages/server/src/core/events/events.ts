/** Something happened: one call gives the audit row, in the same commit, and what follows from it afterwards. */

import { sql } from "kysely";
import { hours } from "../../platform/duration.ts";
import { describeError } from "../../platform/log.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Context } from "../context.ts";

/** Plain facts about an event; never a secret. */
export type EventDetails = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** A kind of event, named in the past tense as `password.reset`. */
export interface EventKind<Details extends EventDetails> {
  readonly name: string;
  /** Only there for the type. */
  readonly details?: Details;
}

export interface RecordedEvent {
  readonly name: string;
  /** Whose account it concerns, if anybody's. */
  readonly accountId: string | null;
  readonly details: EventDetails;
}

/** What follows once something happened; a failing one is logged and undoes nothing. */
export interface Reaction {
  readonly event: EventKind<EventDetails>;
  readonly react: (ctx: Context, happened: RecordedEvent) => Promise<void>;
}

export interface AuditRow {
  id: string;
  at: number;
  event: string;
  account_id: string | null;
  address: string;
  user_agent: string;
  request_id: string;
  details: string;
}

export const auditIn = (ctx: Context) => ctx.db.$extendTables<{ audit: AuditRow }>();

export function event<Details extends EventDetails = Readonly<Record<never, never>>>(
  name: string,
): EventKind<Details> {
  return { name };
}

/** Writes the event into the audit trail of the transaction at hand, and gives its id; reactions run once it commits. */
export async function record<Details extends EventDetails>(
  ctx: Context,
  kind: EventKind<Details>,
  accountId: string | null,
  details: Details,
): Promise<string> {
  const id = randomUuid(ctx.randomBytes);
  const happened: RecordedEvent = { name: kind.name, accountId, details };
  await auditIn(ctx)
    .insertInto("audit")
    .values({
      id,
      at: ctx.now().getTime(),
      event: kind.name,
      account_id: accountId,
      address: ctx.request.address,
      user_agent: ctx.request.userAgent,
      request_id: ctx.request.id,
      details: JSON.stringify(details),
    })
    .execute();
  ctx.afterCommit((ctx) => runReactions(ctx, happened));
  return id;
}

/**
 * Notes afterwards whose account an event concerns: of one that was recorded alike for every address, so that no answer
 * and no time could tell which of them have an account.
 */
export async function attributeEvent(ctx: Context, id: string, accountId: string): Promise<void> {
  await auditIn(ctx)
    .updateTable("audit")
    .set({ account_id: accountId })
    .where("id", "=", id)
    .where("account_id", "is", null)
    .execute();
}

function runReactions(ctx: Context, happened: RecordedEvent): void {
  ctx.log("info", happened.name, { event: happened.name, user: happened.accountId, ref: ctx.request.id });
  for (const { event, react } of ctx.additions.reactions) {
    if (event.name !== happened.name) continue;
    void runReaction(ctx, react, happened);
  }
}

async function runReaction(ctx: Context, react: Reaction["react"], happened: RecordedEvent): Promise<void> {
  try {
    await react(ctx, happened);
  } catch (error) {
    ctx.log("error", "a reaction failed", { event: happened.name, error: describeError(error) });
  }
}

/** Takes from an account's trail what tells where a person was; what happened, and when, stays. */
export async function forgetWhereabouts(ctx: Context, accountId: string): Promise<void> {
  await auditIn(ctx)
    .updateTable("audit")
    .set({ address: "", user_agent: "" })
    .where("account_id", "=", accountId)
    .execute();
}

/** Removes some events older than AUDIT_RETENTION; how many. */
export async function removeOldEvents(ctx: Context, most: number): Promise<number> {
  const old = auditIn(ctx)
    .selectFrom("audit")
    .select("id")
    .where("at", "<", ctx.now().getTime() - ctx.config.auditRetention)
    .orderBy("at")
    .limit(most)
    .forUpdate()
    .skipLocked();
  const removed = await auditIn(ctx).deleteFrom("audit").where("id", "in", old).executeTakeFirst();
  return Number(removed.numDeletedRows);
}

/** Events of one kind that an account keeps: months of a busy person, hours of a program that runs wild. */
const mostOfAKind = 10_000;
/** Accounts that nothing happened to of late cannot have too many; longer than housekeeping ever waits. */
const ofLate = hours(1);

/**
 * Removes some events of accounts that have too many of one kind, the oldest of that kind; how many. Others of the same
 * account stay: whoever signs in ten thousand times hides nothing else by it.
 */
export async function removeSurplusEvents(ctx: Context, most: number): Promise<number> {
  const crowded = await auditIn(ctx)
    .selectFrom("audit as recent")
    .select(["account_id", "event"])
    .where("at", ">", ctx.now().getTime() - ofLate)
    .where("account_id", "is not", null)
    .groupBy(["account_id", "event"])
    .having(
      sql<boolean>`exists (select 1 from audit where account_id = recent.account_id and event = recent.event
        order by at desc limit 1 offset ${mostOfAKind})`,
    )
    .limit(most)
    .execute();
  let removed = 0;
  for (const { account_id, event } of crowded) {
    const ofKind = auditIn(ctx)
      .selectFrom("audit")
      .where("account_id", "=", account_id)
      .where("event", "=", event);
    // The newest of those that are too many.
    const surplus = await ofKind
      .select("at")
      .orderBy("at", "desc")
      .limit(1)
      .offset(mostOfAKind)
      .executeTakeFirst();
    if (!surplus) continue;
    const oldest = ofKind
      .select("id")
      .where("at", "<=", surplus.at)
      .orderBy("at")
      .limit(most)
      .forUpdate()
      .skipLocked();
    const answer = await auditIn(ctx).deleteFrom("audit").where("id", "in", oldest).executeTakeFirst();
    removed += Number(answer.numDeletedRows);
  }
  return removed;
}
