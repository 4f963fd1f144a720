/** What a mail is opened for: its code and its link. */

/** The six digits of a mail, without their gap; they stand on a line of their own. */
export function codeIn(text: string): string | null {
  return /^(\d{3}) (\d{3})$/m.exec(text)?.slice(1).join("") ?? null;
}

/** The address that a mail's button leads to; it stands on a line of its own. */
export function linkIn(text: string): string | null {
  return /^https?:\/\/\S+$/m.exec(text)?.[0] ?? null;
}
