/** What is true of the whole system, a row each: which secret its database was made with, how its passwords are made. */

import type { Context } from "./context.ts";

export const factsIn = (ctx: Context) => ctx.db.$extendTables<{ facts: { name: string; value: string } }>();

/** Undefined for a fact that nobody has noted yet. */
export async function readFact(ctx: Context, name: string): Promise<string | undefined> {
  const fact = await factsIn(ctx)
    .selectFrom("facts")
    .select("value")
    .where("name", "=", name)
    .executeTakeFirst();
  return fact?.value;
}

/** Notes a fact in the place of what was noted before. */
export async function writeFact(ctx: Context, name: string, value: string): Promise<void> {
  await factsIn(ctx)
    .insertInto("facts")
    .values({ name, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}
