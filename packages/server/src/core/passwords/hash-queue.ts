/** Lets only so much hashing run at once and so much wait, in turns; the rest is refused rather than kept waiting. */

import { defineError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";
import { createFairLine, type Source } from "./fair-line.ts";

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

/** What is hashed, and for whom. */
export interface HashOrder {
  readonly make?: string;
  /** Where the call comes from: sources take turns. */
  readonly source?: Source;
  /** Whether a device token proves that the call is no stranger's. */
  readonly isKnown?: boolean;
}

export interface HashQueue {
  /**
   * What the work gives, once its turn has come. Throws TooBusy when the queue is full and nobody has more waiting than
   * this source: at once, or later, when others come who have less.
   */
  run<T>(work: () => Promise<T>, order?: HashOrder): Promise<T>;
  /** How many works have begun since the start. */
  readonly started: number;
  /** How many of them were of each make. */
  readonly startedByMake: ReadonlyMap<string, number>;
  /** How many wait for their turn now. */
  readonly waiting: number;
}

export interface HashQueueLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** Of those that wait, how many places are kept for calls from known devices. */
  readonly kept: number;
}

interface Turn {
  readonly begin: () => void;
  readonly refuse: (error: TooBusy) => void;
}

/**
 * A queue in which `atOnce` works run and `waiting` more wait. Each hash takes its memory and a core: without a bound, a
 * flood of sign-ins would take the whole process down (CWE-770). Within the bound, no flood shuts anybody out: sources
 * take turns, whoever has most waiting is refused first, and strangers can neither have the places that are kept for
 * known devices nor more than every other turn while one of these waits.
 */
export function createHashQueue(limits: HashQueueLimits): HashQueue {
  const known = createFairLine<Turn>();
  const strangers = createFairLine<Turn>();
  let isKnownsTurn = true;
  let running = 0;
  let started = 0;
  const startedByMake = new Map<string, number>();

  async function takePlace({ source = [], isKnown = false }: HashOrder): Promise<void> {
    if (running < limits.atOnce) {
      running++;
      return;
    }
    await new Promise<void>((begin, refuse) => {
      (isKnown ? known : strangers).add(source, { begin, refuse });
      refuseSurplus();
    });
  }

  /** Known devices beyond the places that are kept for them wait with everybody else. */
  function refuseSurplus(): void {
    const moved = known.length > limits.kept ? known.takeLastOfMost() : undefined;
    if (moved) strangers.add(moved.source, moved.item);
    const refused = strangers.length > limits.waiting - limits.kept ? strangers.takeLastOfMost() : undefined;
    refused?.item.refuse(new TooBusy({ headers: { "Retry-After": "1" } }));
  }

  function leavePlace(): void {
    const [first, second] = isKnownsTurn ? [known, strangers] : [strangers, known];
    isKnownsTurn = !isKnownsTurn;
    const next = first.takeNext() ?? second.takeNext();
    // The place is handed over, not freed, so that nobody who comes in between can take it.
    if (next) next.item.begin();
    else running--;
  }

  return {
    async run(work, order = {}) {
      await takePlace(order);
      started++;
      const { make = "" } = order;
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
      return known.length + strangers.length;
    },
  };
}
