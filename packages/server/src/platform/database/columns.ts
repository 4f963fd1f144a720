/** The four kinds of column, so that one migration text serves both databases; and a table as it stands. */

import { type Expression, sql } from "kysely";

/** A time is milliseconds since 1970. There are no booleans: a nullable time says it, and says when. */
export type ColumnKind = "text" | "integer" | "time" | "json";

export interface ColumnType {
  /** What to write into `addColumn`. */
  readonly declaration: Expression<unknown>;
  /** What the database calls it afterwards. */
  readonly stored: string;
}

export type Columns = Readonly<Record<ColumnKind, ColumnType>>;

export const sqliteColumns: Columns = {
  text: { declaration: sql`text`, stored: "text" },
  integer: { declaration: sql`integer`, stored: "integer" },
  time: { declaration: sql`integer`, stored: "integer" },
  json: { declaration: sql`text`, stored: "text" },
};

export const postgresColumns: Columns = {
  // Compared byte by byte, as SQLite does: the order does not depend on the server's language, and an update
  // of its operating system cannot silently break an index.
  text: { declaration: sql`text collate "C"`, stored: "text" },
  // As wide as SQLite's: a number that one of them takes, the other takes too.
  integer: { declaration: sql`bigint`, stored: "bigint" },
  time: { declaration: sql`bigint`, stored: "bigint" },
  // Not jsonb, which puts keys in another order and refuses some texts that SQLite keeps.
  json: { declaration: sql`json`, stored: "json" },
};

export interface TableDescription {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly indexes: readonly IndexDescription[];
}

export interface IndexDescription {
  readonly name: string;
  /** No two rows of the whole table may agree; false for an index that covers some rows only. */
  readonly unique: boolean;
  readonly columns: readonly string[];
}

export interface ColumnRow {
  readonly name: string;
  readonly type: string;
}

/** One row for each column of each index, in their order; no column name where the index has an expression. */
export interface IndexColumnRow {
  readonly name: string;
  readonly is_unique: number;
  readonly column_name: string | null;
}

/** Puts together what a database's catalogue said row by row. */
export function toTableDescription(
  columns: readonly ColumnRow[],
  indexColumns: readonly IndexColumnRow[],
): TableDescription | undefined {
  if (columns.length === 0) return undefined;
  const byIndex = Map.groupBy(indexColumns, (row) => row.name);
  return {
    columns: columns.map(({ name, type }) => ({ name, type: type.toLowerCase() })),
    indexes: [...byIndex].map(([name, rows]) => ({
      name,
      unique: rows.every((row) => row.is_unique === 1),
      columns: rows.map((row) => row.column_name ?? ""),
    })),
  };
}
