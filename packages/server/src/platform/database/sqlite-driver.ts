/** Runs Kysely's statements on `node:sqlite`: one connection, one user of it at a time, nothing converted unasked. */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { DatabaseConnection, Driver, QueryResult } from "kysely";
import type { AroundStatement } from "./dialect.ts";
import { checkParameters, type Parameter } from "./parameters.ts";

const cachedStatements = 200;

/** `translate` turns an error of SQLite into one that callers know. */
export function createSqliteDriver(
  database: DatabaseSync,
  translate: (error: unknown) => unknown,
  around: AroundStatement | undefined,
): Driver {
  const turns = createTurns();
  const prepare = cacheStatements(database);

  async function execute<Row>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
    try {
      return runStatement<Row>(prepare(sql), parameters);
    } catch (error) {
      throw translate(error);
    }
  }
  const run: typeof execute = around ? (sql, values) => around(sql, () => execute(sql, values)) : execute;

  const connection: DatabaseConnection = {
    executeQuery: (query) => run(query.sql, query.parameters),
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
      await turns.take();
      turns.give();
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

/** Lets one user after the other have the connection, first come, first served. */
function createTurns() {
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
