/** Gives a table the columns it lacks; never changes or drops one that is there. */

import { type Kysely, sql } from "kysely";
import type { ColumnKind, TableDescription } from "./columns.ts";
import { type Database, type NoTables, violates } from "./dialect.ts";
import { changeSchema } from "./schema-change.ts";

export interface WantedColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** What rows have that do not say otherwise, those already there included; null if not given. */
  readonly default?: string | number | null;
  /** No two rows may have the same value; any number may have none. */
  readonly unique?: boolean;
}

/**
 * Adds what is missing, all or nothing, and returns the names added. Existing rows get the default; that is
 * instant on both databases, however large the table. Programs that start at the same time take turns.
 *
 * Throws if the table does not exist, a name is not usable, a column exists with another type, or existing
 * rows share a value that is to be unique.
 */
export async function addColumns(
  database: Database,
  table: string,
  wanted: readonly WantedColumn[],
): Promise<string[]> {
  for (const column of wanted) checkName(table, column);
  return changeSchema(database, async (db) => {
    const existing = await database.describeTable(db, table);
    if (!existing) throw new Error(`There is no table ${table} to add columns to.`);
    const missing = wanted.filter((column) => !hasColumn(database, table, existing, column));
    for (const column of missing) await addColumn(database, db, table, column);
    for (const column of wanted) {
      if (column.unique && !isUnique(existing, column.name)) await makeUnique(db, table, column.name);
    }
    return missing.map((column) => column.name);
  });
}

/** Names that both databases read alike: SQLite ignores case, PostgreSQL cuts names at 63 bytes. */
function checkName(table: string, { name }: WantedColumn): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name) || indexName(table, name).length > 63) {
    throw new Error(
      `${JSON.stringify(name)} cannot name a column: lower-case letters, digits and underscores, and not too long.`,
    );
  }
}

function hasColumn(
  database: Database,
  table: string,
  existing: TableDescription,
  wanted: WantedColumn,
): boolean {
  const column = existing.columns.find(({ name }) => name === wanted.name);
  if (!column) return false;
  const { stored } = database.columns[wanted.kind];
  if (column.type !== stored) {
    throw new Error(
      `The column ${table}.${wanted.name} is ${column.type}, but ${stored} is wanted. ` +
        "Give the new one another name, or change the column by hand.",
    );
  }
  return true;
}

async function addColumn(database: Database, db: Kysely<NoTables>, table: string, column: WantedColumn) {
  const { declaration } = database.columns[column.kind];
  await db.schema
    .alterTable(table)
    .addColumn(column.name, declaration, (definition) =>
      column.default === undefined ? definition : definition.defaultTo(sql.lit(column.default)),
    )
    .execute();
}

function isUnique(table: TableDescription, column: string): boolean {
  return table.indexes.some((index) => index.unique && index.columns.join() === column);
}

async function makeUnique(db: Kysely<NoTables>, table: string, column: string): Promise<void> {
  try {
    await db.schema
      .createIndex(indexName(table, column))
      .unique()
      .ifNotExists()
      .on(table)
      .column(column)
      .execute();
  } catch (error) {
    if (!violates(error, table, column)) throw error;
    throw new Error(`${table}.${column} cannot become unique: some rows have the same value.`, {
      cause: error,
    });
  }
}

function indexName(table: string, column: string): string {
  return `${table}_${column}_unique`;
}
