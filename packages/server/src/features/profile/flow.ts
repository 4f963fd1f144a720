/** Changes what somebody says of themself: the fields that were declared for them to write, and their username. */

import {
  type Account,
  accountsIn,
  canonicalUsername,
  getAccount,
  toColumns,
} from "../../core/accounts/accounts.ts";
import { takenErrors } from "../../core/accounts/username.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { UniqueViolation } from "../../platform/database/dialect.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";

export const profileWasChanged = event<{ fields: string }>("profile.changed");

/** Changes the named fields and gives the account as it is then. Throws FieldsInvalid for a value another has. */
export async function changeProfile(
  ctx: Context,
  accountId: string,
  changes: Readonly<Record<string, unknown>>,
): Promise<Account> {
  const { username } = changes;
  const columns = {
    ...toColumns(ctx, changes),
    ...(typeof username === "string"
      ? { username: username.normalize("NFKC"), username_canonical: canonicalUsername(username) }
      : {}),
  };
  if (Object.keys(columns).length === 0) return getAccount(ctx, accountId);
  try {
    return await ctx.transaction(async (ctx) => {
      await accountsIn(ctx)
        .updateTable("accounts")
        .set({ ...columns, updated_at: ctx.now().getTime() })
        .where("id", "=", accountId)
        .execute();
      await record(ctx, profileWasChanged, accountId, { fields: Object.keys(changes).join(" ") });
      return getAccount(ctx, accountId);
    });
  } catch (error) {
    if (error instanceof UniqueViolation) throw new FieldsInvalid(takenErrors(error.columns));
    throw error;
  }
}
