/** What both databases have in common: the interface each of them satisfies, and the failures callers act on. */

import type { Expression, Kysely } from "kysely";
import type { Columns, TableDescription } from "./columns.ts";
import type { DatabaseWatch } from "./watch.ts";

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
  /** Returns if a change could be written at this moment; throws DatabaseBusy with its cause if not. */
  checkWritable(): Promise<void>;
  /**
   * Keeps other schema changes out until the transaction ends; the first statement of the transaction, which has no
   * time limits from then on. `changeSchema` calls it.
   */
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
  /**
   * For how many milliseconds a statement waits: on PostgreSQL for its answer, on SQLite for another process that holds
   * the file locked; 5000 if not given.
   */
  readonly patience?: number;
  /** Told how the database is. */
  readonly watch?: DatabaseWatch;
  /** PostgreSQL: connections at most; 10 if not given. */
  readonly poolSize?: number;
  /** PostgreSQL: the schema to live in, instead of the role's own. */
  readonly schema?: string;
  /** PostgreSQL: told when a connection pooler takes no time limits. */
  readonly onWarning?: (message: string) => void;
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

/**
 * The database cannot answer: the same call may succeed later. Its message is for operators: it names the database and
 * the cause, and holds no secret. Of this class itself, only the one call is refused: a row is locked, say.
 */
export class DatabaseBusy extends Error {
  override readonly name: string = "DatabaseBusy";
  /** How an operator can mend it, in a few words. */
  readonly remedy: string | undefined;

  constructor(cause: unknown, message = "The database cannot answer just now.", remedy?: string) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

/** Where the database should be, nobody answers. */
export class DatabaseUnreachable extends DatabaseBusy {
  override readonly name = "DatabaseUnreachable";
}

/** It answers, but takes no changes: it is a standby, its disk is full, another process holds it. */
export class DatabaseUnwritable extends DatabaseBusy {
  override readonly name = "DatabaseUnwritable";
}

/** It answers, but does not let us in: the password, the database's name, a right or TLS is wrong. */
export class DatabaseRefused extends DatabaseBusy {
  override readonly name = "DatabaseRefused";
}

/** A transaction was undone for the sake of another that it stood in the way of: run again, it may well succeed. */
export class TransactionConflict extends DatabaseBusy {
  override readonly name = "TransactionConflict";
}

/** A row or table was locked by another transaction for longer than a call waits. */
export class LockTimeout extends DatabaseBusy {
  override readonly name = "LockTimeout";
}

/** The database cannot be used as it is, or not by this process: somebody has to mend it first. */
export class DatabaseUnusable extends Error {
  override readonly name = "DatabaseUnusable";
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

/** Whether a row was refused because of these columns' unique index; with no columns, any of the table's. */
export function violates(error: unknown, table: string, ...columns: string[]): error is UniqueViolation {
  if (!(error instanceof UniqueViolation) || error.table !== table) return false;
  return columns.length === 0 || columns.toSorted().join() === error.columns.toSorted().join();
}

/** Whether to answer "try again later" rather than "we have a bug". */
export function isBusy(error: unknown): error is DatabaseBusy {
  return error instanceof DatabaseBusy;
}
