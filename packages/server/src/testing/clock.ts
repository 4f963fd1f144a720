/** A clock that stands still until a test moves it. */

import { parseDuration } from "../platform/duration.ts";

export interface TestClock {
  readonly now: () => Date;
  /** Moves on by "30s", "15m", "24h" or "7d", or by so many milliseconds. */
  readonly advance: (span: string | number) => void;
}

export function createTestClock(start = new Date("2026-11-24T12:00:00Z")): TestClock {
  let time = start.getTime();
  return {
    now: () => new Date(time),
    advance: (span) => {
      const milliseconds = typeof span === "number" ? span : parseDuration(span);
      if (milliseconds === undefined) throw new Error(`Not a span of time: ${span}`);
      time += milliseconds;
    },
  };
}
