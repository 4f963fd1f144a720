/** Whether the database was well for long enough to take mail over from others, who may have an outage behind them. */

import { seconds } from "../../../platform/duration.ts";
import type { Context } from "../../context.ts";

/** How long nobody takes a mail over from somebody else after an outage. */
const calmTime = seconds(15);
/** The same after a start: there may have been an outage before it, but a crash is likelier, and its mail is waited for. */
const calmTimeAtStart = seconds(10);
/** A statement that took longer was no statement, but a wait for the database. */
const slow = seconds(2);

export interface DatabaseWatch {
  /** Runs it, and sees how the database does. */
  readonly watch: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface CalmWatch extends DatabaseWatch {
  readonly isCalm: () => boolean;
}

export function watchDatabase({ now }: Pick<Context, "now">): CalmWatch {
  let troubledAt = now().getTime() - (calmTime - calmTimeAtStart);
  return {
    watch: async (work) => {
      const startedAt = now().getTime();
      try {
        const result = await work();
        if (now().getTime() - startedAt > slow) troubledAt = now().getTime();
        return result;
      } catch (error) {
        troubledAt = now().getTime();
        throw error;
      }
    },
    isCalm: () => {
      // A clock that was set back does not make it wait for longer.
      troubledAt = Math.min(troubledAt, now().getTime());
      return now().getTime() - troubledAt >= calmTime;
    },
  };
}
