/** Runs Kysely's statements on `node:sqlite`: one connection, one user of it at a time, nothing converted unasked. */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import type { AroundStatement } from "./dialect.ts";
import { checkParameters, type Parameter } from "./parameters.ts";

const cachedStatements = 200;

export interface DriverOptions {
  /** Turns an error of SQLite into one that callers know. */
  readonly translate: (error: unknown) => unknown;
  /** For how many milliseconds another process that holds the file locked is waited for. */
  readonly patience: number;
  /** Told of each statement that succeeds. */
  readonly answered: () => void;
  /** Told of each change that is written for good. */
  readonly committed: () => void;
  readonly aroundStatement?: AroundStatement | undefined;
}

/** The connection must not wait for locks itself: it would hold up the whole process. */
export function createSqliteDriver(database: DatabaseSync, options: DriverOptions): Driver {
  const turns = createTurns();
  const line = createTurns();
  const waitForLock = createLockQueue(turns, line, options.patience);
  const prepare = cacheStatements(database);
  const around: AroundStatement = options.aroundStatement ?? ((_sql, work) => work());

  /** Inside a transaction the lock is ours. */
  const run = <Row>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> =>
    around(sql, async () => {
      try {
        const once = () => runStatement<Row>(prepare(sql), parameters);
        const result = database.isTransaction ? once() : await waitForLock(once);
        options.answered();
        return result;
      } catch (error) {
        throw options.translate(error);
      }
    });

  const connection: DatabaseConnection = {
    executeQuery: async <Row>(query: CompiledQuery) => {
      const result = await run<Row>(query.sql, query.parameters);
      if (!database.isTransaction && result.numAffectedRows) options.committed();
      return result;
    },
    // oxlint-disable-next-line require-yield
    async *streamQuery() {
      throw new Error("Streaming is not supported: read page by page.");
    },
  };

  return {
    async init() {},
    async acquireConnection() {
      await turns.take();
      return connection;
    },
    async beginTransaction() {
      // A transaction that begins as a reader and then writes fails when another process wrote in between.
      await run("begin immediate");
    },
    async commitTransaction() {
      await run("commit");
      options.committed();
    },
    async rollbackTransaction() {
      // SQLite itself has already rolled back after some failures, such as a full disk.
      if (database.isTransaction) await run("rollback");
    },
    async releaseConnection() {
      // Whatever happened to the rollback, the next user of the connection must not inherit the transaction.
      if (database.isTransaction) database.exec("rollback");
      turns.give();
    },
    async destroy() {
      await line.take();
      await turns.take();
      turns.give();
      line.give();
    },
  };
}

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
  readonly parameterCount: number;
}

function runStatement<Row>(prepared: Prepared, parameters: readonly unknown[]): QueryResult<Row> {
  checkParameters(parameters);
  // node:sqlite fills missing ones with NULL.
  if (parameters.length !== prepared.parameterCount) {
    throw new TypeError(
      `The statement has ${prepared.parameterCount} parameters, ${parameters.length} were given.`,
    );
  }
  const values = parameters.map(toSqliteValue);
  if (prepared.returnsRows) {
    return { rows: prepared.statement.all(...values).map(toPlainRow) as Row[] };
  }
  const { changes, lastInsertRowid } = prepared.statement.run(...values);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

/** node:sqlite binds every number as floating point, so that 5 in a text column would become "5.0". */
function toSqliteValue(value: Parameter): SQLInputValue {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

/** node:sqlite's rows have no prototype, and its blobs are not Buffers. */
function toPlainRow(row: Record<string, unknown>): Record<string, unknown> {
  const plain = { ...row };
  for (const name in plain) {
    const value = plain[name];
    if (value instanceof Uint8Array) {
      plain[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  }
  return plain;
}

/** Keeps the statements used last; SQLite itself prepares them anew when a table has changed. */
function cacheStatements(database: DatabaseSync): (sql: string) => Prepared {
  const cache = new Map<string, Prepared>();
  return (sql) => {
    let prepared = cache.get(sql);
    if (prepared) {
      cache.delete(sql);
    } else {
      const statement = database.prepare(sql);
      prepared = {
        statement,
        returnsRows: statement.columns().length > 0,
        parameterCount: countParameters(sql),
      };
      if (cache.size >= cachedStatements) cache.delete(cache.keys().next().value ?? "");
    }
    cache.set(sql, prepared);
    return prepared;
  };
}

const quotedOrComment = /'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?/g;

/** The number of `?` in a statement, which node:sqlite does not tell. */
function countParameters(sql: string): number {
  return sql.replace(quotedOrComment, "").split("?").length - 1;
}

interface Turns {
  take(): Promise<void>;
  give(): void;
}

/** Lets one user after the other have the connection, first come, first served. */
function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let taken = false;
  return {
    async take(): Promise<void> {
      if (taken) await new Promise<void>((resolve) => waiting.push(resolve));
      taken = true;
    },
    give(): void {
      const next = waiting.shift();
      if (next) next();
      else taken = false;
    },
  };
}

/** Milliseconds between tries, as SQLite's own: most locks are held for one commit only. */
const rests = [1, 2, 5, 10, 15, 20, 25];

/**
 * Runs `work`, whose turn it is, again until another process has let go of the file. Meanwhile the turn is given away, so
 * that reading goes on. Those who wait stand in a line, of which only the first tries.
 */
function createLockQueue(turns: Turns, line: Turns, patience: number) {
  return async <Result>(work: () => Result): Promise<Result> => {
    try {
      return work();
    } catch (error) {
      if (!isLocked(error)) throw error;
    }
    let isOver = false;
    const deadline = setTimeout(() => {
      isOver = true;
    }, patience);
    turns.give();
    await line.take();
    try {
      for (let tried = 0; ; tried += 1) {
        await turns.take();
        try {
          return work();
        } catch (error) {
          // Whoever fails still has the turn, and gives it back himself.
          if (!isLocked(error) || isOver) throw error;
        }
        turns.give();
        await pause(rests[tried] ?? rests.at(-1));
      }
    } finally {
      clearTimeout(deadline);
      line.give();
    }
  };
}

/** SQLITE_BUSY or SQLITE_LOCKED, with whatever detail: https://www.sqlite.org/rescode.html. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && [5, 6].includes(Number(error.errcode) & 0xff);
}
