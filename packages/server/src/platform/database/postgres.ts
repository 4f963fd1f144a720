/** Opens a PostgreSQL database. */

import { Kysely, PostgresDialect, sql } from "kysely";
import { types } from "pg";
import { type ColumnRow, type IndexColumnRow, postgresColumns, toTableDescription } from "./columns.ts";
import { type Database, type DatabaseOptions, type NoTables } from "./dialect.ts";
import { createPool, liftTimeLimits } from "./postgres-pool.ts";

/** Connects when first used, not before. */
export function openPostgres(url: string, options: DatabaseOptions): Database {
  const pool = createPool({
    url,
    options,
    getTypeParser: getTypeParser as typeof types.getTypeParser,
    searchPath: options.schema === undefined ? undefined : checkSchemaName(options.schema),
  });
  const kysely = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool }) });
  return {
    kysely,
    kind: "postgres",
    columns: postgresColumns,
    checkWritable: pool.checkWritable,
    // Of this statement, not of its transaction, and the same all through it, so that an index can be asked.
    clock: sql<number>`cast(extract(epoch from statement_timestamp()) * 1000 as bigint)`,
    lockSchema,
    listTables,
    describeTable,
    close: () => kysely.destroy(),
  };
}

function checkSchemaName(name: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(name)) return name;
  throw new Error("A schema's name consists of lower-case letters, digits and underscores.");
}

/** Reads what SQLite has no type for as SQLite does, so that rows are alike: numbers, 1 and 0, JSON's text. */
const parsers = new Map<number, (text: string) => unknown>([
  [types.builtins.INT8, readInteger],
  [types.builtins.NUMERIC, Number], // the sum of bigints
  [types.builtins.BOOL, (text) => (text === "t" ? 1 : 0)],
  [types.builtins.JSON, String],
  [types.builtins.JSONB, String],
]);

function getTypeParser(oid: number, format?: "text" | "binary"): unknown {
  return parsers.get(oid) ?? types.getTypeParser(oid, format ?? "text");
}

function readInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("A column holds an integer too large to be exact.");
  return value;
}

async function lockSchema(transaction: Kysely<NoTables>): Promise<void> {
  // A large table takes as long as it takes, and so may the one who migrates before us.
  await sql.raw(liftTimeLimits).execute(transaction);
  await sql`set local lock_timeout = 0`.execute(transaction);
  await sql`select pg_advisory_xact_lock(hashtext('schema'), hashtext(current_schema()))`.execute(
    transaction,
  );
  // But a table in use elsewhere is not waited for: everyone else would queue up behind us.
  await sql`set local lock_timeout = 2000`.execute(transaction);
}

async function listTables(db: Kysely<NoTables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
    order by relname`.execute(db);
  return rows.map((row) => row.name);
}

async function describeTable(db: Kysely<NoTables>, table: string) {
  const relation = sql`(
    select oid from pg_class
    where relname = ${table} and relnamespace = current_schema()::regnamespace and relkind in ('r', 'p'))`;
  const columns = await sql<ColumnRow>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = ${relation} and attnum > 0 and not attisdropped
    order by attnum`.execute(db);
  const indexes = await sql<IndexColumnRow>`
    select indexrelid::regclass::text as name, indisunique and indpred is null as is_unique, attname as column_name
    from pg_index
    cross join lateral unnest(indkey) with ordinality as part (number, position)
    left join pg_attribute on attrelid = indrelid and attnum = part.number and part.number > 0
    where indrelid = ${relation} and position <= indnkeyatts and indisvalid
    order by name, position`.execute(db);
  return toTableDescription(columns.rows, indexes.rows);
}
