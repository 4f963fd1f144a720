/** What a mail is opened for: its code and its link. */

import { isLinkable } from "../../platform/links.ts";

/** The six digits of a mail, without their gap; they stand on a line of their own. */
export function codeIn(text: string): string | null {
  return /^(\d{3}) (\d{3})$/m.exec(text)?.slice(1).join("") ?? null;
}

/** The address that a mail's button leads to, a page or an application's own; it stands on a line of its own. */
export function linkIn(text: string): string | null {
  return text.split("\n").find(isLinkable) ?? null;
}
