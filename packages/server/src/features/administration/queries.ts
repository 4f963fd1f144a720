/** Reads accounts in pages, the newest first. */

import { sql } from "kysely";
import { type Account, accountsIn, canonicalUsername, toAccount } from "../../core/accounts/accounts.ts";
import type { Context } from "../../core/context.ts";

/** The last account of a page: the next page begins behind it, even if it is deleted meanwhile. */
export interface Cursor {
  readonly createdAt: Date;
  readonly id: string;
}

export interface AccountFilter {
  /** A part of the e-mail address or the username. */
  readonly search?: string | undefined;
}

export async function listAccounts(
  ctx: Context,
  filter: AccountFilter & { readonly after?: Cursor | undefined; readonly limit: number },
): Promise<Account[]> {
  const { after, limit } = filter;
  let query = matching(ctx, filter).selectAll().orderBy("created_at", "desc").orderBy("id", "desc");
  if (after) {
    const createdAt = after.createdAt.getTime();
    query = query.where((row) =>
      row.or([
        row("created_at", "<", createdAt),
        row.and([row("created_at", "=", createdAt), row("id", "<", after.id)]),
      ]),
    );
  }
  return (await query.limit(limit).execute()).map((row) => toAccount(ctx, row));
}

export async function countAccounts(ctx: Context, filter: AccountFilter = {}): Promise<number> {
  const counted = await matching(ctx, filter)
    .select((row) => row.fn.countAll().as("count"))
    .executeTakeFirstOrThrow();
  return Number(counted.count);
}

function matching(ctx: Context, { search }: AccountFilter) {
  const query = accountsIn(ctx).selectFrom("accounts");
  if (!search) return query;
  // Each in the form that its column holds.
  const inEmail = containing(search.normalize("NFKC").toLowerCase());
  const inUsername = containing(canonicalUsername(search));
  return query.where(
    sql<boolean>`(email_canonical like ${inEmail} escape '\\' or username_canonical like ${inUsername} escape '\\')`,
  );
}

const containing = (text: string) => `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
