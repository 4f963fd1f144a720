/** A clock that stands still until a test moves it, or lets it go. */

import { parseDuration } from "../platform/duration.ts";

export interface TestClock {
  readonly now: () => Date;
  /** Moves on by "30s", "15m", "24h" or "7d", or by so many milliseconds. */
  readonly advance: (span: string | number) => void;
  /** Goes on by itself from now: for what runs beside the test, and waits for its time to come. */
  readonly start: () => void;
}

export function createTestClock(start = new Date("2026-11-24T12:00:00Z")): TestClock {
  let time = start.getTime();
  let startedAt: number | undefined;
  return {
    now: () => new Date(time + (startedAt === undefined ? 0 : Date.now() - startedAt)),
    start: () => void (startedAt ??= Date.now()),
    advance: (span) => {
      const milliseconds = typeof span === "number" ? span : parseDuration(span);
      if (milliseconds === undefined) throw new Error(`Not a span of time: ${span}`);
      time += milliseconds;
    },
  };
}
