/** The code of six digits in the newest verification mail to an address. */

import type { TestAuth } from "./test-auth.ts";

export async function mailedCode(t: TestAuth, to: string): Promise<string> {
  const mail = (await t.mailbox()).findLast((one) => one.mail === "verify-email" && one.to === to);
  const code = /^(\d{3}) (\d{3}) /.exec(mail?.subject ?? "");
  if (!code) throw new Error(`No code in a mail to ${to}`);
  return `${code[1]}${code[2]}`;
}

/** A code that is not this one. */
export const otherCode = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");
