/** Lets only so much hashing run at once and so much wait; the rest is refused rather than kept waiting for ever. */

import { defineError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";

/** More sign-ins at this moment than this machine can hash; trying again in a second is worth it. */
export class TooBusy extends defineError(
  503,
  "too_busy",
  sentence(
    "The server is busy. Please try again in a moment.",
    "O servidor está ocupado. Tente novamente em instantes.",
  ),
) {
  override isWrongGuess = false;
}

export interface HashQueue {
  /**
   * What the work gives, once its turn has come; `make` says what is hashed. Throws TooBusy at once when the queue is
   * full.
   */
  run<T>(work: () => Promise<T>, make?: string): Promise<T>;
  /** How many works have begun since the start. */
  readonly started: number;
  /** How many of them were of each make. */
  readonly startedByMake: ReadonlyMap<string, number>;
  /** How many wait for their turn now. */
  readonly waiting: number;
}

/**
 * A queue in which `atOnce` works run and `waiting` more wait, first come first served.
 * Each hash takes its memory and a core: without a bound, a flood of sign-ins would take the whole process down
 * (CWE-770).
 */
export function createHashQueue(limits: { readonly atOnce: number; readonly waiting: number }): HashQueue {
  const turns: (() => void)[] = [];
  let running = 0;
  let started = 0;
  const startedByMake = new Map<string, number>();

  async function takePlace(): Promise<void> {
    if (running < limits.atOnce) {
      running++;
      return;
    }
    if (turns.length >= limits.waiting) throw new TooBusy({ headers: { "Retry-After": "1" } });
    await new Promise<void>((resolve) => turns.push(resolve));
  }

  function leavePlace(): void {
    const next = turns.shift();
    // The place is handed over, not freed, so that nobody who comes in between can take it.
    if (next) next();
    else running--;
  }

  return {
    async run(work, make = "") {
      await takePlace();
      started++;
      startedByMake.set(make, (startedByMake.get(make) ?? 0) + 1);
      try {
        return await work();
      } finally {
        leavePlace();
      }
    },
    get started() {
      return started;
    },
    get startedByMake() {
      return startedByMake;
    },
    get waiting() {
      return turns.length;
    },
  };
}
