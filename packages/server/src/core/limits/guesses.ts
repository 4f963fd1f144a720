/** Limits of guesses: what turns out to be right is not counted. */

import { canonicalEmail } from "../../platform/http/email-address.ts";
import type { Counted, Limit } from "../../platform/http/endpoint.ts";
import type { Context } from "../context.ts";
import { type Allowance, bucketKey, limitsIn, putBack, spell, takeOrThrow } from "./limits.ts";

/** An allowance of guesses, under the name of what is guessed. */
export interface Guesses extends Allowance {
  readonly name: string;
}

export interface GuessesByEmail {
  /**
   * Names the allowance of a device that signed in to the account before, so that a stranger who uses up everybody
   * else's cannot lock the owner out (OWASP, "device cookies").
   */
  readonly knownDevice?: (ctx: Context, email: string) => Promise<string | undefined>;
  /** Runs with the last guess that everybody else has, before it is known to be wrong: for whatever address alike. */
  readonly whenUsedUp?: (ctx: Context, email: string) => Promise<void>;
}

const guessBucket = (name: string, email: string) => `${name} email ${canonicalEmail(email)}`;

/** So many guesses at one account, by the e-mail that the body names; a call that succeeds is not counted. */
export function guessesByEmail<FieldName extends string>(
  { name, most, within }: Guesses,
  field: FieldName,
  { knownDevice, whenUsedUp }: GuessesByEmail = {},
): Limit<Context, unknown, FieldName> {
  return {
    describe: () => `${spell({ most, within }, " failures")} by ${field}`,
    countsBy: { field },
    take: async (ctx, { body }: Counted<unknown>) => {
      const email = String(body[field]);
      const device = await knownDevice?.(ctx, canonicalEmail(email));
      const bucket = device ? `${name} device ${device}` : guessBucket(name, email);
      const taken = await takeOrThrow(ctx, bucket, { most, within });
      if (taken?.isLast && !device) await whenUsedUp?.(ctx, email);
      return taken && (() => putBack(ctx, taken));
    },
  };
}

/** Whether nobody but a known device has a guess left at this moment. */
export async function isOutOfGuesses(ctx: Context, { name, most }: Guesses, email: string): Promise<boolean> {
  const full = await limitsIn(ctx)
    .selectFrom("limits")
    .select("key")
    .where("key", "=", bucketKey(ctx, guessBucket(name, email)))
    .where("count", ">=", most)
    .where("resets_at", ">", ctx.now().getTime())
    .executeTakeFirst();
  return full !== undefined;
}

/** So many guesses by whoever is signed in to one account; a call that succeeds is not counted. */
export function guessesByCaller(
  name: string,
  most: number,
  within: number,
): Limit<Context, { readonly account: { readonly id: string } }> {
  return {
    describe: () => `${spell({ most, within }, " failures")} by account`,
    countsBy: "caller",
    take: async (ctx, { caller }) => {
      const taken = await takeOrThrow(ctx, `${name} account ${caller.account.id}`, { most, within });
      return taken && (() => putBack(ctx, taken));
    },
  };
}
