/** How many mails of one kind an address gets, whoever asks for them: enough for its owner, too few for a nuisance. */

import { days, hours, minutes } from "../../platform/duration.ts";
import type { Context } from "../context.ts";
import type { Allowance } from "../limits/limits.ts";
import { isGuessedDead } from "../one-time-tokens/codes.ts";
import { findRecentToken } from "../one-time-tokens/one-time-tokens.ts";

export const mailBudget: readonly Allowance[] = [
  { most: 5, within: hours(1) },
  { most: 10, within: days(1) },
];

export const aMinute = minutes(1);

/** For a mail that says nothing new the second time, and holds nothing that could stop working: one a minute. */
export const calmMailBudget: readonly Allowance[] = [{ most: 1, within: aMinute }, ...mailBudget];

/**
 * Whether the link that an account was mailed within the last minute still works: then another mail helps nobody, and
 * would only replace the code that is just arriving. Once it does not work any more, because it was used,
 * ended or guessed at, a new one is not kept waiting.
 */
export async function hasFreshLink(
  ctx: Context,
  purpose: string,
  accountId: string,
  within = aMinute,
): Promise<boolean> {
  if (!ctx.config.rateLimits) return false;
  const recent = await findRecentToken(ctx, purpose, accountId, within);
  return recent !== undefined && !(await isGuessedDead(ctx, recent));
}
