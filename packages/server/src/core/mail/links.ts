/** Where a mailed link leads: to your front end if it has the page, else to ours; never to where a request came from. */

import type { Context } from "../context.ts";
import type { MailButton } from "./message.ts";

export function mailedLink(ctx: Context, page: "verify-email" | "reset-password", token: string): string {
  const { verifyEmailUrl, resetPasswordUrl, frontendUrl, publicUrl } = ctx.config;
  const template = page === "verify-email" ? verifyEmailUrl : resetPasswordUrl;
  return template?.replace("{token}", () => token) ?? `${frontendUrl ?? publicUrl}/${page}/${token}/`;
}

/** A button to your front end; none where there is none, since we have no page to sign in on. */
export function linkToApp(ctx: Context, label: string): { readonly button?: MailButton } {
  const { frontendUrl } = ctx.config;
  return frontendUrl === undefined ? {} : { button: { label, url: frontendUrl } };
}
