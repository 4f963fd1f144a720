/** Opens an SQLite database: a file that only its owner may read, and whose commits survive a power cut. */

import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  type CreateTableNode,
  Kysely,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import { type ColumnRow, type IndexColumnRow, sqliteColumns, toTableDescription } from "./columns.ts";
import {
  type Database,
  DatabaseBusy,
  type DatabaseOptions,
  type NoTables,
  UniqueViolation,
} from "./dialect.ts";
import { createSqliteDriver } from "./sqlite-driver.ts";

const inMemory = ":memory:";

/** Creates the file if there is none, readable by its owner only; throws if its folder does not exist. */
export function openSqlite(path: string, options: DatabaseOptions): Database {
  const file = openFile(path);
  const kysely = new Kysely<NoTables>({
    dialect: {
      createAdapter: () => new Adapter(),
      createDriver: () => createSqliteDriver(file, translateError, options.aroundStatement),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new QueryCompiler(),
    },
  });
  return {
    kysely,
    kind: "sqlite",
    columns: sqliteColumns,
    checkWritable: () => kysely.transaction().execute(async () => {}),
    // `begin immediate` has locked the whole database.
    lockSchema: async () => {},
    listTables,
    describeTable,
    async close() {
      await kysely.destroy();
      if (!file.isOpen) return;
      // So that a copy of the one file is a whole backup, and no deleted row lingers in the log.
      file.exec("pragma wal_checkpoint(truncate)");
      file.close();
    },
  };
}

function openFile(path: string): DatabaseSync {
  // Resolved, since SQLite would read a name that begins with "file:" as a URI with options of its own.
  const location = path === inMemory ? path : resolve(path);
  try {
    // SQLite gives the files beside it the mode of this one.
    if (location !== inMemory) closeSync(openSync(location, "a", 0o600));
    const file = new DatabaseSync(location, { timeout: 5000, enableForeignKeyConstraints: true });
    file.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma busy_timeout = 5000;
      pragma secure_delete = on;
      pragma temp_store = memory;
    `);
    return file;
  } catch (cause) {
    throw new Error(`Cannot open the database ${location}: ${(cause as Error).message}`, { cause });
  }
}

async function listTables(db: Kysely<NoTables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'
    order by name`.execute(db);
  return rows.map((row) => row.name);
}

async function describeTable(db: Kysely<NoTables>, table: string) {
  const columns = await sql<ColumnRow>`select name, type from pragma_table_info(${table})`.execute(db);
  const indexes = await sql<IndexColumnRow>`
    select list.name, list."unique" and not list.partial as is_unique, info.name as column_name
    from pragma_index_list(${table}) as list, pragma_index_info(list.name) as info
    order by list.name, info.seqno`.execute(db);
  return toTableDescription(columns.rows, indexes.rows);
}

// https://www.sqlite.org/rescode.html; the low byte is the kind, the rest its detail.
const uniqueViolations = [2067, 1555, 2579];
// Locked by others, not to be written to, failing, full, not to be opened: a disk can be mended under a running server.
const busy = [5, 6, 8, 10, 13, 14];

function translateError(error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error)) return error;
  const code = Number(error.errcode);
  if (uniqueViolations.includes(code)) return toUniqueViolation(error.message);
  return busy.includes(code & 0xff) ? new DatabaseBusy(error) : error;
}

/** Reads "UNIQUE constraint failed: accounts.realm, accounts.email". */
function toUniqueViolation(message: string): UniqueViolation {
  const names = message.slice(message.indexOf(":") + 1).split(",");
  const [table = ""] = names[0]?.trim().split(".") ?? [];
  return new UniqueViolation(
    table,
    names.map((name) => name.trim().slice(table.length + 1)),
  );
}

class Adapter extends SqliteAdapter {
  /** The driver lets one after the other have its connection; a second queue in front of it would only cost. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class QueryCompiler extends SqliteQueryCompiler {
  /** Without `strict`, SQLite takes a word into a number's column. It is not allowed on a table made by a select. */
  protected override visitCreateTable(node: CreateTableNode): void {
    super.visitCreateTable(node);
    if (!node.selectQuery) this.append(" strict");
  }

  /** There are no row locks to ask for, nor rows locked by someone else to skip: a transaction is alone. */
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === "Distinct" || node.rawModifier) super.visitSelectModifier(node);
  }
}
