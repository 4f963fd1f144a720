/** Whether the mail server can be used: while it cannot, one mail asks now and then, and no mail pays for it. */

import { seconds } from "../../../platform/duration.ts";
import type { Context } from "../../context.ts";

/** Waiting before it is asked again, and again, …; then the last of them for as long as it takes. */
const waits = [seconds(5), seconds(10), seconds(20), seconds(30)];
const longest = seconds(30);

export interface ServerState {
  /** Whether a mail may be sent; of those that only ask, one at a time. */
  readonly mayTry: () => boolean;
  /** While it cannot be used: whether one mail is to ask now, and nobody else until that is answered. */
  readonly isDown: () => boolean;
  /** It did not take any mail, with these words. */
  readonly failed: (said: string) => void;
  /** It spoke of a mail, whatever it said. True when that is news. */
  readonly answered: () => boolean;
}

export function watchServer({ now, log }: Pick<Context, "now" | "log">): ServerState {
  let down: { readonly since: number; askAt: number; asked: number; said: string } | undefined;
  const isTime = () => {
    const left = (down?.askAt ?? 0) - now().getTime();
    // More than there can be: the clock was set back.
    return left <= 0 || left > longest;
  };
  const tell = (said: string) => log("error", "the mail server cannot be used", { error: said });
  return {
    isDown: () => down !== undefined,
    mayTry: () => down === undefined || isTime(),
    failed: (said) => {
      const time = now().getTime();
      if (!down) down = { since: time, askAt: 0, asked: 0, said };
      else if (!isTime()) return; // Another mail that was under way when it went.
      if (down.asked === 0 || down.said !== said) tell(said);
      down.said = said;
      down.askAt = time + (waits[down.asked] ?? longest);
      down.asked += 1;
    },
    answered: () => {
      if (!down) return false;
      const forSeconds = Math.round((now().getTime() - down.since) / 1000);
      log("info", "the mail server can be used again", { seconds: forSeconds });
      down = undefined;
      return true;
    },
  };
}
