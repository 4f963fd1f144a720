/** Where a mailed link leads: to your front end if it has the page, else to ours; never to where a request came from. */

import type { Context } from "../context.ts";

export function mailedLink(ctx: Context, page: "verify-email" | "reset-password", token: string): string {
  return `${ctx.config.frontendUrl ?? ctx.config.publicUrl}/${page}/${token}/`;
}
