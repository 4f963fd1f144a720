/** An account as its owner sees it: the user object of the API. */

import type { Context } from "../context.ts";
import type { Account } from "./accounts.ts";
import { baseCount, visibleFields } from "./fields.ts";

/** The user object, its keys in their order. Links are full addresses, or as they are stored when `links` says so. */
export function presentUser(
  ctx: Context,
  account: Account,
  links: "full" | "stored",
): Record<string, unknown> {
  const declared = visibleFields(ctx.additions.fields).map(([name, field]): [string, unknown] => [
    name,
    field.type === "link" ? linkTo(ctx, account.fields[field.of], links) : account.fields[name],
  ]);
  return {
    id: account.id,
    email: account.email,
    username: account.username,
    ...Object.fromEntries(declared.slice(0, baseCount)),
    is_verified: account.verifiedAt !== null,
    ...Object.fromEntries(declared.slice(baseCount)),
  };
}

function linkTo(ctx: Context, stored: unknown, links: "full" | "stored"): string | null {
  if (typeof stored !== "string" || stored === "") return null;
  if (links === "stored") return stored;
  // The original completed it from the address of the profile, so a bare name is found beside it.
  const url = URL.parse(stored, `${ctx.config.publicUrl}/api/auth/profile/`);
  if (!url || !["http:", "https:"].includes(url.protocol)) return null;
  return /^https?:\/\//i.test(stored) ? asciiOf(stored) : url.href;
}

/** A full address as it was stored, with what no address can hold escaped. */
function asciiOf(address: string): string {
  return address.replace(/[^%[\]]+/g, encodeURI);
}
