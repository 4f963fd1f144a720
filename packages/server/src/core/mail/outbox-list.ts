/** The outbox as an operator sees it: what waits, what failed and why, and another try for what can have one. */

import type { Context } from "../context.ts";
import { event, record } from "../events/events.ts";
import { type MailState, mailAlarm, type OutboxRow, outboxIn } from "./outbox.ts";

export const mailWasRetried = event<{ id: string; mail: string }>("mail.retried");

/** A mail without what it says. */
export interface ListedMail {
  readonly id: string;
  /** The template's name. */
  readonly mail: string;
  readonly to: string;
  readonly state: MailState;
  readonly attempts: number;
  readonly createdAt: Date;
  /** When it is tried next; null when it is not. */
  readonly dueAt: Date | null;
  readonly expiresAt: Date;
  readonly finishedAt: Date | null;
  /** What the mail server said last. */
  readonly reply: string | null;
  /** Whether what it says is still there, so that it can be sent. */
  readonly isKept: boolean;
}

/** Mails in one state or all, the newest first. */
export async function listMails(
  ctx: Context,
  { state, limit }: { readonly state?: MailState | undefined; readonly limit: number },
): Promise<ListedMail[]> {
  let query = outboxIn(ctx).selectFrom("outbox").selectAll().orderBy("created_at", "desc").orderBy("id");
  if (state) query = query.where("state", "=", state);
  return (await query.limit(limit).execute()).map(toListedMail);
}

/** Mails whose id begins so; the beginning must be of hexadecimal digits and hyphens. At most two. */
export async function findMailsById(ctx: Context, beginning: string): Promise<ListedMail[]> {
  const rows = await outboxIn(ctx)
    .selectFrom("outbox")
    .selectAll()
    .where("id", "like", `${beginning.replaceAll(/[^0-9a-f-]/g, "?")}%`)
    .limit(2)
    .execute();
  return rows.map(toListedMail);
}

function toListedMail(row: OutboxRow): ListedMail {
  return {
    id: row.id,
    mail: row.mail,
    to: row.recipient,
    state: row.state,
    attempts: row.attempts,
    createdAt: new Date(row.created_at),
    dueAt: row.state === "waiting" ? new Date(row.due_at) : null,
    expiresAt: new Date(row.expires_at),
    finishedAt: row.finished_at === null ? null : new Date(row.finished_at),
    reply: row.reply,
    isKept: row.payload !== null,
  };
}

/** How many mails there are in each state that has any. */
export async function countMails(ctx: Context): Promise<ReadonlyMap<MailState, number>> {
  const counted = await outboxIn(ctx)
    .selectFrom("outbox")
    .select(["state", (row) => row.fn.countAll().as("count")])
    .groupBy("state")
    .execute();
  return new Map(counted.map(({ state, count }) => [state, Number(count)]));
}

/**
 * Lets a mail that failed or waits be tried at once, as if for the first time. False, and nothing happens, when it
 * was sent, is being sent, is erased, or helps nobody any more.
 */
export async function retryMail(ctx: Context, id: string): Promise<boolean> {
  return ctx.transaction(async (ctx) => {
    const now = ctx.now().getTime();
    const retried = await outboxIn(ctx)
      .updateTable("outbox")
      .set({
        ...{ state: "waiting", attempts: 0, due_at: ctx.sharedNow(), cut_off: 0 },
        ...{ finished_at: null, lease: null, leased_until: null },
      })
      .where("id", "=", id)
      .where("state", "in", ["failed", "waiting"])
      .where("payload", "is not", null)
      .where("expires_at", ">", now)
      .where((row) => row.or([row("leased_until", "is", null), row("leased_until", "<=", ctx.sharedNow())]))
      .returning("mail")
      .executeTakeFirst();
    if (!retried) return false;
    await record(ctx, mailWasRetried, null, { id, mail: retried.mail });
    ctx.afterCommit(() => mailAlarm(ctx).ring());
    return true;
  });
}
