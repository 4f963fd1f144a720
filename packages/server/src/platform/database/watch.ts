/** Notices that the database goes, and that it is back: each change of its state is told once. */

import { type DatabaseBusy, DatabaseRefused, DatabaseUnreachable, DatabaseUnwritable } from "./dialect.ts";

/** Told by a database how its statements fare. */
export interface DatabaseWatch {
  /** A statement or a connection failed. */
  readonly failed: (error: DatabaseBusy) => void;
  /** A statement was answered. */
  readonly answered: () => void;
  /** A change was written for good. */
  readonly wrote: () => void;
}

export interface WatchOptions {
  readonly now: () => Date;
  /** It went, or is away for another reason than before. */
  readonly gone: (error: DatabaseBusy) => void;
  /** It is back, after so many milliseconds. */
  readonly back: (milliseconds: number) => void;
}

/**
 * One that was never there has not gone: whoever starts says so. A single call that was refused is not the state. Of a database that takes no changes, an answer to a question
 * proves nothing: it is back with the first change that is written.
 */
export function createWatch({ now, gone, back }: WatchOptions): DatabaseWatch {
  let wasThere = false;
  let trouble: { readonly error: DatabaseBusy; readonly since: Date } | undefined;
  const recover = () => {
    wasThere = true;
    if (!trouble) return;
    const { since } = trouble;
    trouble = undefined;
    back(now().getTime() - since.getTime());
  };
  return {
    failed: (error) => {
      if (!wasThere || !isState(error) || trouble?.error.name === error.name) return;
      trouble = { error, since: trouble?.since ?? now() };
      gone(error);
    },
    answered: () => {
      if (!(trouble?.error instanceof DatabaseUnwritable)) recover();
    },
    wrote: recover,
  };
}

function isState(error: DatabaseBusy): boolean {
  return (
    error instanceof DatabaseUnreachable ||
    error instanceof DatabaseUnwritable ||
    error instanceof DatabaseRefused
  );
}
