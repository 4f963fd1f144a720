/** Sessions: where somebody is signed in, for how long, and the one statement that moves each of them on. */

import { sql } from "kysely";
import { after, seconds } from "../../platform/duration.ts";
import { randomUuid } from "../../platform/random.ts";
import { accountsIn } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { type EndReason, type SessionRow, sessionsIn } from "./rows.ts";
import { endSurplus } from "./surplus.ts";

export interface Session {
  readonly id: string;
  readonly accountId: string;
  readonly counter: number;
  readonly createdAt: Date;
  readonly rotatedAt: Date;
  readonly lastUsedAt: Date;
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly endedReason: EndReason | null;
  readonly retryKey: string | null;
  readonly renewedAtCounter: number | null;
  readonly authTime: Date;
  /** How it was proved who this is: RFC 8176's words. */
  readonly methods: readonly string[];
  readonly address: string;
  readonly userAgent: string;
}

/** A session from its row. */
export function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    accountId: row.account_id,
    counter: row.counter,
    createdAt: new Date(row.created_at),
    rotatedAt: new Date(row.rotated_at),
    lastUsedAt: new Date(row.last_used_at),
    idleExpiresAt: new Date(row.idle_expires_at),
    expiresAt: new Date(row.expires_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
    endedReason: row.ended_reason as EndReason | null,
    retryKey: row.retry_key,
    renewedAtCounter: row.renewed_at_counter,
    authTime: new Date(row.auth_time),
    methods: row.methods.split(" "),
    address: row.address,
    userAgent: row.user_agent,
  };
}

/**
 * Opens a session; for `core/sign-in` alone, so that no way in goes past its rules. Its account's row is held, so that
 * of two at the same moment the second sees the first among those that may be too many.
 */
export async function openSession(
  ctx: Context,
  accountId: string,
  opening: {
    readonly methods: readonly string[];
    readonly authTime?: Date;
    /** The token of the original that it is opened for, and the key its request may be repeated with. */
    readonly exchanged?: { readonly token: string; readonly until: Date; readonly retryKey: string | null };
  },
): Promise<Session> {
  const now = ctx.now();
  const { sessionTtl } = ctx.config.tokens;
  const row: SessionRow = {
    id: randomUuid(ctx.randomBytes),
    account_id: accountId,
    counter: 0,
    created_at: now.getTime(),
    rotated_at: now.getTime(),
    last_used_at: now.getTime(),
    idle_expires_at: idleEnd(ctx, after(now, sessionTtl)),
    expires_at: after(now, sessionTtl).getTime(),
    ended_at: null,
    ended_reason: null,
    retry_key: opening.exchanged?.retryKey ?? null,
    recovered_at_counter: null,
    renewed_at_counter: null,
    exchanged_token: opening.exchanged?.token ?? null,
    exchanged_until: opening.exchanged?.until.getTime() ?? null,
    auth_time: (opening.authTime ?? now).getTime(),
    methods: opening.methods.join(" "),
    address: ctx.request.address,
    user_agent: ctx.request.userAgent,
  };
  await sessionsIn(ctx).insertInto("sessions").values(row).execute();
  await endSurplus(ctx, accountId, row.id);
  return toSession(row);
}

function idleEnd(ctx: Context, expiresAt: Date): number {
  return Math.min(after(ctx.now(), ctx.config.tokens.refreshTtl).getTime(), expiresAt.getTime());
}

/**
 * Moves a live session on by one, if it still stands where the caller thinks. Of any number of calls at the same
 * moment one gets the session back; whether account and lifetimes allow it is decided in the same statement.
 */
export async function advanceSession(
  ctx: Context,
  { id, accountId, counter }: Pick<Session, "id" | "accountId" | "counter">,
  retryKey: string | null,
): Promise<Session | undefined> {
  const now = ctx.now().getTime();
  const idleEnd = now + ctx.config.tokens.refreshTtl;
  const { rows } = await sql<SessionRow>`
    update sessions
    set counter = counter + 1, rotated_at = ${now}, last_used_at = ${now}, retry_key = ${retryKey},
      idle_expires_at = case when expires_at < ${idleEnd} then expires_at else ${idleEnd} end,
      address = ${ctx.request.address}, user_agent = ${ctx.request.userAgent}
    where id = ${id} and account_id = ${accountId} and counter = ${counter}
      and ended_at is null and idle_expires_at > ${now}
      and exists (select 1 from accounts where accounts.id = sessions.account_id and accounts.disabled_at is null)
    returning *`.execute(ctx.db);
  const [row] = rows;
  return row && toSession(row);
}

/**
 * Moves a live session on, whatever token it stands at, and ends every refresh token that it had: none of them gets the
 * new one, and none ends the session by being used again, since whoever replaced it may well have had it stolen.
 */
export async function renewSession(
  ctx: Context,
  accountId: string,
  id: string,
): Promise<Session | undefined> {
  const now = ctx.now().getTime();
  const idleEnd = now + ctx.config.tokens.refreshTtl;
  const { rows } = await sql<SessionRow>`
    update sessions
    set counter = counter + 1, renewed_at_counter = counter + 1, rotated_at = ${now}, last_used_at = ${now},
      retry_key = null,
      idle_expires_at = case when expires_at < ${idleEnd} then expires_at else ${idleEnd} end,
      address = ${ctx.request.address}, user_agent = ${ctx.request.userAgent}
    where id = ${id} and account_id = ${accountId} and ended_at is null and idle_expires_at > ${now}
    returning *`.execute(ctx.db);
  const [row] = rows;
  return row && toSession(row);
}

/** Whether a refresh token of a session, by its number, was replaced together with the password. */
export function isReplaced({ renewedAtCounter }: Session, seq: number): boolean {
  return renewedAtCounter !== null && seq < renewedAtCounter;
}

export async function findSession(ctx: Context, id: string): Promise<Session | undefined> {
  const row = await sessionsIn(ctx)
    .selectFrom("sessions")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirst();
  return row && toSession(row);
}

export async function findSessionByExchangedToken(
  ctx: Context,
  fingerprint: string,
): Promise<Session | undefined> {
  const row = await sessionsIn(ctx)
    .selectFrom("sessions")
    .selectAll()
    .where("exchanged_token", "=", fingerprint)
    .executeTakeFirst();
  return row && toSession(row);
}

/** As many as an account can have: SESSIONS_PER_ACCOUNT is no more. */
const mostSessions = 1000;

/** Some sessions of a list. */
export interface SessionsPage {
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: Pick<Session, "lastUsedAt" | "id"> | undefined;
}

/** The sessions of an account that still live, the one used last first. */
export async function listSessions(
  ctx: Context,
  accountId: string,
  { limit, after }: SessionsPage = { limit: mostSessions },
): Promise<Session[]> {
  let query = sessionsIn(ctx)
    .selectFrom("sessions")
    .selectAll()
    .where("account_id", "=", accountId)
    .where("ended_at", "is", null)
    .where("idle_expires_at", ">", ctx.now().getTime())
    .orderBy("last_used_at", "desc")
    .orderBy("id")
    .limit(limit);
  if (after) {
    const at = after.lastUsedAt.getTime();
    query = query.where((row) =>
      row.or([
        row("last_used_at", "<", at),
        row.and([row("last_used_at", "=", at), row("id", ">", after.id)]),
      ]),
    );
  }
  return (await query.execute()).map(toSession);
}

export function isLive(ctx: Context, session: Session): boolean {
  return session.endedAt === null && session.idleExpiresAt > ctx.now();
}

/** Tabs that refresh at once, and retries: so long the token one behind is as good as the current one. */
const grace = seconds(30);

/** Whether the session moved on so lately that the token before the current one still counts. */
export function isWithinGrace(ctx: Context, session: Session): boolean {
  return ctx.now().getTime() - session.rotatedAt.getTime() <= grace;
}

/**
 * Lets the token one behind have the current one late, since its answer may have been lost; whether it may. Not twice
 * in a row: two who hold one token would walk on side by side for ever, each with the other's successor.
 */
export async function recoverSession(ctx: Context, { id, counter }: Session): Promise<boolean> {
  const recovered = await sessionsIn(ctx)
    .updateTable("sessions")
    .set({ recovered_at_counter: counter })
    .where("id", "=", id)
    .where("counter", "=", counter)
    .where("ended_at", "is", null)
    .where((row) =>
      row.or([row("recovered_at_counter", "is", null), row("recovered_at_counter", "!=", counter - 1)]),
    )
    .returning("id")
    .executeTakeFirst();
  return recovered !== undefined;
}

/** Ends one session of an account; whether it lived until now. */
export async function endSession(
  ctx: Context,
  accountId: string,
  id: string,
  reason: EndReason,
): Promise<boolean> {
  const ended = await sessionsIn(ctx)
    .updateTable("sessions")
    .set({ ended_at: ctx.now().getTime(), ended_reason: reason })
    .where("id", "=", id)
    .where("account_id", "=", accountId)
    .where("ended_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  return ended !== undefined;
}

/**
 * Ends every session of an account but one, and with them every token that names no session. The account's row is
 * taken first: a sign-in under way either commits before and is ended here, or finds the account changed.
 */
export async function endAllSessions(
  ctx: Context,
  accountId: string,
  reason: EndReason,
  except?: string,
): Promise<void> {
  const now = ctx.now().getTime();
  await endForeignTokens(ctx, accountId);
  let ending = sessionsIn(ctx)
    .updateTable("sessions")
    .set({ ended_at: now, ended_reason: reason })
    .where("account_id", "=", accountId)
    .where("ended_at", "is", null);
  if (except) ending = ending.where("id", "!=", except);
  await ending.execute();
}

/** Ends every token of an account that names no session: those of the original. */
export async function endForeignTokens(ctx: Context, accountId: string): Promise<void> {
  await accountsIn(ctx)
    .updateTable("accounts")
    .set({ tokens_valid_from: ctx.now().getTime() })
    .where("id", "=", accountId)
    .execute();
}

/**
 * Removes some sessions that nobody can ask about any more; how many. One that was opened for a token of the original
 * stays as long as that token lives: without its row it could be exchanged again.
 */
export async function removeOldSessions(ctx: Context, most: number): Promise<number> {
  const now = ctx.now().getTime();
  const old = sessionsIn(ctx)
    .selectFrom("sessions")
    .select("id")
    .where("expires_at", "<", now)
    .where((row) => row.or([row("exchanged_until", "is", null), row("exchanged_until", "<", now)]))
    .limit(most)
    .forUpdate()
    .skipLocked();
  const removed = await sessionsIn(ctx).deleteFrom("sessions").where("id", "in", old).executeTakeFirst();
  return Number(removed.numDeletedRows);
}
