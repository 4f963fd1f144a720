/** Judges exchanges: as recorded, or as the table of differences says, and nothing in between. */

import { findDifferences } from "./compare.ts";
import { differenceOf } from "./differences.ts";
import type { Exchange, Expected } from "./exchanges.ts";
import { type Adjustment, play, type Target } from "./play.ts";
import { idOf } from "./world.ts";

/** What the original answered, as far as a client can build on it: body, and these headers. */
export function recordedAnswer({ response }: Exchange): Expected {
  const { status, json, text = "", headers: recorded = {} } = response;
  const always = ["WWW-Authenticate", "Retry-After"].map((name) => [name, recorded[name] ?? null]);
  const ifThere = [
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Vary",
    ...(json === undefined ? [] : ["Content-Type"]),
  ];
  const alsoAllow = status === 405 ? ["Allow"] : [];
  const others = [...ifThere, ...alsoAllow].flatMap((name) =>
    recorded[name] === undefined ? [] : [[name, recorded[name]]],
  );
  const headers = Object.fromEntries([...always, ...others]) as Record<string, string | null>;
  return json === undefined ? { status, text, headers } : { status, json, headers };
}

/** What we are to answer. */
export function wantedAnswer(exchange: Exchange, difference = differenceOf(exchange.id)): Expected {
  return difference?.ours ?? recordedAnswer(exchange);
}

/** Plays a recorded exchange and says what was otherwise than wanted; nothing when all was well. */
export async function judge(target: Target, exchange: Exchange): Promise<string[]> {
  const difference = differenceOf(exchange.id);
  return judgeAs(target, exchange, wantedAnswer(exchange, difference), difference);
}

/** Whether we answer exactly as the original did, if nothing is adjusted for us. */
export async function isAsRecorded(target: Target, exchange: Exchange): Promise<boolean> {
  return (await judgeAs(target, exchange, recordedAnswer(exchange))).length === 0;
}

/** Plays an exchange and says what was otherwise than this answer. */
export async function judgeAs(
  target: Target,
  exchange: Exchange,
  wanted: Expected,
  adjustment: Adjustment = {},
): Promise<string[]> {
  const { given, variables, problems } = await play(target, exchange, adjustment);
  const isStored = exchange.request.path.includes("/preferences");
  return [...problems, ...findDifferences(wanted, given, { idOf, variables, isStored })];
}
