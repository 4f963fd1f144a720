/** An account as an operator sees it: everything but what could sign anybody in. */

import type { Account } from "../core/accounts/accounts.ts";
import { storedFields } from "../core/accounts/fields.ts";
import type { Context } from "../core/context.ts";

export function presentAccount(ctx: Context, account: Account): Record<string, unknown> {
  return {
    id: account.id,
    email: account.email,
    username: account.username,
    status: statusOf(account),
    has_password: account.passwordHash !== null,
    verified_at: account.verifiedAt,
    disabled_at: account.disabledAt,
    created_at: account.createdAt,
    last_sign_in_at: account.lastSignInAt,
    fields: Object.fromEntries(
      storedFields(ctx.additions.fields).map(([name]) => [name, account.fields[name]]),
    ),
  };
}

export type Status = "active" | "unverified" | "disabled";

export function statusOf({ disabledAt, verifiedAt }: Account): Status {
  return disabledAt ? "disabled" : verifiedAt ? "active" : "unverified";
}
