/** Tells a database whose secret is another one now, before anything is read or written with the wrong key. */

import type { Context } from "../context.ts";
import { resealKeys } from "./ring.ts";
import { purposeKeys } from "./secrets.ts";

export const factsIn = (ctx: Context) => ctx.db.$extendTables<{ facts: { name: string; value: string } }>();

/** SECRET_KEY is not the one this database was made with, and no fallback is either. */
export class SecretMismatch extends Error {
  override readonly name = "SecretMismatch";

  constructor(stored: string, configured: string) {
    super(
      `This database was made with secret ${stored}, the configured one is ${configured}. ` +
        "Restore SECRET_KEY (or data/secret.key), or name the earlier one in SECRET_KEY_FALLBACKS. Nothing was changed.",
    );
  }
}

/**
 * Notes which secret a new database is made with; throws SecretMismatch for one that was made with another. Where the
 * other one is a fallback, what was sealed with it for good is sealed anew.
 */
export async function checkSecret(ctx: Context): Promise<void> {
  const prints = purposeKeys(ctx, "fingerprint").map((key) => key.export().toString("hex").slice(0, 8));
  const current = prints[0] ?? "";
  await factsIn(ctx)
    .insertInto("facts")
    .values({ name: "secret", value: current })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .execute();
  const fact = await factsIn(ctx)
    .selectFrom("facts")
    .select("value")
    .where("name", "=", "secret")
    .executeTakeFirst();
  if (!fact || fact.value === current) return;
  if (!prints.includes(fact.value)) throw new SecretMismatch(fact.value, current);
  await resealKeys(ctx);
  await factsIn(ctx).updateTable("facts").set({ value: current }).where("name", "=", "secret").execute();
}
