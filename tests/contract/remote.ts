/** Replays what needs nothing but calls on a server anywhere, and counts how it went. */

import { differenceOf } from "./differences.ts";
import type { Exchange } from "./exchanges.ts";
import { judge, wantedAnswer } from "./judge.ts";
import type { LineName } from "./lines.ts";
import type { Target } from "./play.ts";

export interface Report {
  readonly equal: number;
  /** As the table of differences says, by the line that allows it. */
  readonly listed: ReadonlyMap<LineName, number>;
  /** Otherwise, and how. */
  readonly failed: readonly { readonly id: string; readonly differences: readonly string[] }[];
  readonly skipped: number;
}

/** Names, ids and tokens of people whom a server far away does not know. */
const fixture = /alice|bob|carol|dave|erin|frank|grace|-4000-8000-|<tok:(?!garbage>|a\.b\.c>|dots>|empty>)/i;

/** Whether an exchange can be replayed on a server that nobody prepared, and leaves no account behind. */
export function isRemote(exchange: Exchange): boolean {
  const { profile, setup = [], request } = exchange;
  if (profile !== "main" || setup.length > 0) return false;
  return !fixture.test(JSON.stringify(request).normalize("NFKC")) && wantedAnswer(exchange).status !== 201;
}

/** Throws when the server cannot be reached at all. */
export async function replay(target: Target, exchanges: readonly Exchange[]): Promise<Report> {
  const remote = exchanges.filter(isRemote);
  const listed = new Map<LineName, number>();
  const failed: { id: string; differences: string[] }[] = [];
  let equal = 0;
  for (const exchange of remote) {
    const found = await judge(target, exchange);
    const line = differenceOf(exchange.id)?.line;
    if (found.length > 0) failed.push({ id: exchange.id, differences: found });
    else if (line) listed.set(line, (listed.get(line) ?? 0) + 1);
    else equal += 1;
  }
  return { equal, listed, failed, skipped: exchanges.length - remote.length };
}
