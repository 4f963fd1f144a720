/** Something to wait for: heard by everybody who waits when it rings, or after a time. */

export interface Bell {
  /** How often it rang so far. */
  readonly rings: () => number;
  readonly ring: () => void;
  /** Waits for more rings than `known`: one that came while something else was done is not missed. */
  readonly heard: (known: number, atMost: number) => Promise<void>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  let rings = 0;
  return {
    rings: () => rings,
    ring: () => {
      rings += 1;
      for (const wake of waiting) wake();
    },
    heard: (known, atMost) =>
      new Promise<void>((resolve) => {
        if (rings !== known) return resolve();
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, atMost);
        waiting.add(wake);
      }),
  };
}
