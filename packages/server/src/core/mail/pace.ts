/** How soon whoever asked for a mail may ask for it again: told by what they did themselves, never by whose address it is. */

import { addressBlock } from "../../platform/http/client-address.ts";
import { canonicalEmail } from "../../platform/http/email-address.ts";
import type { Context } from "../context.ts";
import { takeOne } from "../limits/limits.ts";
import { aMinute } from "./budget.ts";

export interface Asked {
  /** Whether the same caller asked less than a minute ago: then nothing is to be sent. */
  readonly isEarly: boolean;
  /** From when another can be asked for. */
  readonly resendAt: Date;
}

/**
 * Notes that this caller asks for a mail to an address. It counts by both: what others ask for the same address shows
 * nobody that somebody is registering it just now.
 */
export async function askForMail(ctx: Context, mail: string, email: string): Promise<Asked> {
  if (!ctx.config.rateLimits) return { isEarly: false, resendAt: ctx.now() };
  const caller = addressBlock(ctx.request.address);
  const bucket = `asked ${mail} ${canonicalEmail(email)} from ${caller}`;
  const { emptyUntil, resetsAt } = await takeOne(ctx, bucket, { most: 1, within: aMinute });
  return { isEarly: emptyUntil !== undefined, resendAt: emptyUntil ?? new Date(resetsAt) };
}

/** Whole seconds until then, as people are told to wait. */
export function secondsUntil(ctx: Context, { resendAt }: Asked): number {
  return Math.max(1, Math.ceil((resendAt.getTime() - ctx.now().getTime()) / 1000));
}
