/** Reads the audit trail: what happened, to whom, when, and who did it. */

import { sql } from "kysely";
import type { AccountRow } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { type AuditRow, auditIn, type EventDetails } from "./events.ts";

export interface TrailEntry {
  readonly id: string;
  readonly at: Date;
  readonly event: string;
  readonly accountId: string | null;
  /** The account's address now; null when it is gone, or the event concerns none. */
  readonly email: string | null;
  /** Who did it: the address of a request, or `cli:user@host` for a command; "" once it is forgotten. */
  readonly by: string;
  readonly userAgent: string;
  /** The request's id. */
  readonly ref: string;
  readonly details: EventDetails;
}

export interface TrailFilter {
  /** An event's name, in which `*` stands for anything: `password.*`. */
  readonly event?: string | undefined;
  readonly accountId?: string | undefined;
  readonly since?: Date | undefined;
  readonly limit: number;
}

/** The newest events that match, the oldest of them first. */
export async function listTrail(ctx: Context, filter: TrailFilter): Promise<TrailEntry[]> {
  let query = auditIn(ctx)
    .$extendTables<{ accounts: AccountRow }>()
    .selectFrom("audit")
    .leftJoin("accounts", "accounts.id", "audit.account_id")
    .selectAll("audit")
    .select("accounts.email as email")
    .orderBy("audit.at", "desc")
    .orderBy("audit.id", "desc");
  if (filter.event !== undefined) {
    const pattern = filter.event.replaceAll(/[\\%_]/g, "\\$&").replaceAll("*", "%");
    query = query.where(sql<boolean>`audit.event like ${pattern} escape '\\'`);
  }
  if (filter.accountId !== undefined) query = query.where("audit.account_id", "=", filter.accountId);
  if (filter.since !== undefined) query = query.where("audit.at", ">=", filter.since.getTime());
  return (await query.limit(filter.limit).execute()).map(toEntry).toReversed();
}

function toEntry(row: AuditRow & { email: string | null }): TrailEntry {
  return {
    id: row.id,
    at: new Date(row.at),
    event: row.event,
    accountId: row.account_id,
    email: row.email,
    // The id of a request holds no colon (it is ours, or checked), so no request passes itself off as a command. Its
    // user agent could.
    by: row.address || (isRequestId(row.request_id) ? "" : row.request_id),
    userAgent: row.user_agent,
    ref: row.request_id,
    details: JSON.parse(row.details) as EventDetails,
  };
}

const isRequestId = (id: string) => /^[A-Za-z0-9._-]*$/.test(id);
