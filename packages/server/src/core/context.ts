/** Everything a flow may touch that is not its arguments, and the transactions it runs in. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Expression, Kysely } from "kysely";
import type { Config } from "../config.ts";
import { type NoTables, TransactionConflict } from "../platform/database/dialect.ts";
import type { RequestInfo } from "../platform/http/request.ts";
import type { Log } from "../platform/log.ts";
import type { RandomBytes } from "../platform/random.ts";
import type { Additions } from "./feature.ts";

export interface Context {
  readonly config: Config;
  /** A file says which tables it reads: `ctx.db.$extendTables<{ … }>()`. */
  readonly db: Kysely<NoTables>;
  /** Returns if the database takes changes at this moment; throws with its cause if not. */
  readonly checkWritable: () => Promise<void>;
  readonly now: () => Date;
  /**
   * The time in milliseconds inside a statement, by the clock that all nodes share: what one node writes and another
   * compares, such as a lease, goes by it. A clock that was handed to the system, as by a test, rules here too.
   */
  readonly sharedNow: () => Expression<number>;
  readonly randomBytes: RandomBytes;
  readonly log: Log;
  /** Who is asking, for the audit trail and the limits; a quiet one for the command line and jobs. */
  readonly request: RequestInfo;
  readonly additions: Additions;
  /**
   * Runs `work` in one transaction; the context it is handed reads and writes inside it. Nested ones join. It runs
   * again, from its first statement, if the database undid it for the sake of another transaction.
   */
  transaction<T>(work: (ctx: Context) => Promise<T>): Promise<T>;
  /** Runs after the outermost transaction commits; never if it rolls back. */
  afterCommit(task: AfterCommit): void;
}

/** It is handed a context outside of any transaction; the one it was asked for in has no connection any more. */
export type AfterCommit = (ctx: Context) => void;

export type ContextParts = Omit<Context, "transaction" | "afterCommit">;

const insideTransaction = new AsyncLocalStorage<true>();

/** A context outside any transaction. */
export function createContext(parts: ContextParts): Context {
  const outer: Context = {
    ...parts,
    // Waiting for the only connection while holding it would hang for ever; on PostgreSQL it would read stale rows.
    get db() {
      if (insideTransaction.getStore())
        throw new Error("Inside a transaction, use the context it handed you.");
      return parts.db;
    },
    async transaction(work) {
      if (insideTransaction.getStore())
        throw new Error("Inside a transaction, use the context it handed you.");
      const { result, tasks } = await settleConflicts(async () => {
        const tasks: AfterCommit[] = [];
        const result = await parts.db
          .transaction()
          .execute((transaction) =>
            insideTransaction.run(true, () => work(createInnerContext(parts, transaction, tasks))),
          );
        return { result, tasks };
      });
      for (const task of tasks) task(outer);
      return result;
    },
    afterCommit: (task) => task(outer),
  };
  return outer;
}

/** Conflicts that one call may lose before it is told that the database is busy. */
const mostConflicts = 3;

async function settleConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let lost = 1; ; lost += 1) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof TransactionConflict) || lost === mostConflicts) throw error;
    }
  }
}

function createInnerContext(parts: ContextParts, db: Kysely<NoTables>, tasks: AfterCommit[]): Context {
  const inner: Context = {
    ...parts,
    db,
    transaction: (work) => work(inner),
    afterCommit: (task) => void tasks.push(task),
  };
  return inner;
}

/** One value for each running system, made when first asked for: nothing is global, so two systems can share a process. */
export function perSystem<T>(make: (ctx: Context) => T): (ctx: Context) => T {
  const made = new WeakMap<Config, T>();
  return (ctx) => {
    const known = made.get(ctx.config);
    if (known !== undefined) return known;
    const value = make(ctx);
    made.set(ctx.config, value);
    return value;
  };
}
