/** Tells whether a password is one that guessing begins with. */

import { readFileSync } from "node:fs";
import { filterHas } from "./common-filter.ts";

let filter: Uint8Array | undefined;

/**
 * Whether the password is on a list of the most used ones (about 54,000; common-passwords.md says which), in any
 * case and with any white space around. One password in 40,000 that is on no list is refused with them.
 * The whole password is compared, never a part (NIST SP 800-63B-4, 3.1.1.2). The list is read at the first call.
 */
export function isCommonPassword(password: string): boolean {
  filter ??= readFileSync(new URL("common-passwords.bin", import.meta.url));
  return filterHas(filter, commonForm(password));
}

/** The form in which passwords are compared with the list, and in which the list is compiled. */
export function commonForm(password: string): string {
  return password.normalize("NFKC").toLowerCase().trim();
}
