/** How often something was tried, counted in the database: for what must be counted whoever does it and whatever it is. */

import { sql } from "kysely";
import type { Context } from "../context.ts";
import { bucketKey, limitsIn } from "./limits.ts";

/**
 * Counts one more and says how many that makes within the span. Whatever was counted before, one statement writes one
 * row: what it costs tells nobody what it counts.
 */
export async function countOne(ctx: Context, bucket: string, within: number): Promise<number> {
  const now = ctx.now().getTime();
  const isOver = sql<boolean>`limits.resets_at <= ${now}`;
  const counted = await limitsIn(ctx)
    .insertInto("limits")
    .values({ key: bucketKey(ctx, bucket), count: 1, resets_at: now + within })
    .onConflict((conflict) =>
      conflict.column("key").doUpdateSet({
        count: sql`case when ${isOver} then 1 else limits.count + 1 end`,
        resets_at: sql`case when ${isOver} then ${now + within} else limits.resets_at end`,
      }),
    )
    .returning("count")
    .executeTakeFirstOrThrow();
  return counted.count;
}

/** How many were counted so far. */
export async function countSoFar(ctx: Context, bucket: string): Promise<number> {
  const counted = await limitsIn(ctx)
    .selectFrom("limits")
    .select("count")
    .where("key", "=", bucketKey(ctx, bucket))
    .where("resets_at", ">", ctx.now().getTime())
    .executeTakeFirst();
  return counted?.count ?? 0;
}
