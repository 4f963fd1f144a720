/** What both databases have in common: the interface each of them satisfies, and the two failures callers act on. */

import type { Expression, Kysely } from "kysely";
import type { Columns, TableDescription } from "./columns.ts";

/** No table is known to everyone: a file says what it reads, `db.$extendTables<{ accounts: AccountRow }>()`. */
export type NoTables = Record<never, never>;

/**
 * An open database.
 *
 * One text of SQL serves both. `for update skip locked` may be written everywhere (on SQLite, where a
 * transaction is alone anyway, it is left out), truth values are read as 1 and 0, and every table made
 * through `schema.createTable` is strict about its types.
 *
 * Inside a transaction do not catch a failed statement and go on: PostgreSQL has given the transaction up by
 * then. `insert … on conflict do nothing returning` says the same without failing.
 */
export interface Database {
  readonly kysely: Kysely<NoTables>;
  /** For a person or a metric to read; never to branch on. */
  readonly kind: "sqlite" | "postgres";
  readonly columns: Columns;
  /** The time in milliseconds by the database's own clock, which all nodes share; undefined where it has none but ours. */
  readonly clock?: Expression<number>;
  /** Keeps other schema changes out until the transaction ends; the first statement of the transaction. */
  lockSchema(transaction: Kysely<NoTables>): Promise<void>;
  /** The names of the tables there are now, in order; Kysely's own introspection is not to be used. */
  listTables(db: Kysely<NoTables>): Promise<string[]>;
  /** The columns and indexes a table has now; undefined if there is no such table. */
  describeTable(db: Kysely<NoTables>, table: string): Promise<TableDescription | undefined>;
  /** Waits for the statement or transaction in progress, then closes. */
  close(): Promise<void>;
}

/**
 * Stands around every statement, `begin`, `commit` and `rollback` included, and must run it once: the place
 * to time statements, to log slow ones, or, in tests, to let one fail.
 */
export type AroundStatement = <Result>(sql: string, run: () => Promise<Result>) => Promise<Result>;

export interface DatabaseOptions {
  readonly aroundStatement?: AroundStatement;
  /** PostgreSQL: connections at most; 10 if not given. */
  readonly poolSize?: number;
  /** PostgreSQL: the schema to live in, instead of the role's own. */
  readonly schema?: string;
  /** PostgreSQL: told of each connection lost, and of a server that takes no time limits. */
  readonly onConnectionProblem?: (error: Error) => void;
}

/**
 * A row with these values exists already. Thrown in place of the driver's error, whose text holds the value,
 * often an e-mail address: it is not kept as the cause, so that it reaches no log.
 */
export class UniqueViolation extends Error {
  override readonly name = "UniqueViolation";
  readonly table: string;
  readonly columns: readonly string[];

  constructor(table: string, columns: readonly string[]) {
    super(`Another row has the same ${columns.join(", ") || "key"} in ${table || "its table"}.`);
    this.table = table;
    this.columns = columns;
  }
}

/** The database is locked, overloaded, out of space or out of reach: the same call may succeed later. */
export class DatabaseBusy extends Error {
  override readonly name = "DatabaseBusy";

  constructor(cause: unknown) {
    super("The database cannot answer just now.", { cause });
  }
}

/** A transaction was undone for the sake of another that it stood in the way of: run again, it may well succeed. */
export class TransactionConflict extends DatabaseBusy {}

/** Whether a row was refused because of these columns' unique index; with no columns, any of the table's. */
export function violates(error: unknown, table: string, ...columns: string[]): error is UniqueViolation {
  if (!(error instanceof UniqueViolation) || error.table !== table) return false;
  return columns.length === 0 || columns.toSorted().join() === error.columns.toSorted().join();
}

/** Whether to answer "try again later" rather than "we have a bug". */
export function isBusy(error: unknown): error is DatabaseBusy {
  return error instanceof DatabaseBusy;
}
