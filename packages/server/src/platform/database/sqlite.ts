/** Opens an SQLite database: a file that only its owner may read, and whose commits survive a power cut. */

import { accessSync, closeSync, constants, existsSync, openSync } from "node:fs";
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
import { type Database, type DatabaseOptions, isBusy, type NoTables } from "./dialect.ts";
import { createSqliteDriver } from "./sqlite-driver.ts";
import { explainOpening, translateSqliteError } from "./sqlite-errors.ts";
import { checkLog, tieLogs } from "./sqlite-wal.ts";

const inMemory = ":memory:";

/** For a lock, at the start only: later nothing is waited for inside SQLite. */
const patienceAtStart = 5_000;

/** Creates the file if there is none, readable by its owner only; throws if its folder does not exist. */
export function openSqlite(path: string, options: DatabaseOptions): Database {
  // Resolved, since SQLite would read a name that begins with "file:" as a URI with options of its own.
  const location = path === inMemory ? path : resolve(path);
  const file = openFile(location);
  let isSuspect = false;
  const translate = (error: unknown) => {
    const translated = translateSqliteError(error, path);
    if (isBusy(translated)) {
      isSuspect = true;
      options.watch?.failed(translated);
    }
    return translated;
  };
  const tie = location === inMemory ? undefined : tieLogs(file, location);
  const answered = () => options.watch?.answered();
  const committed = () => {
    isSuspect = false;
    tie?.committed();
    options.watch?.wrote();
  };
  const { patience = 5_000, aroundStatement } = options;
  const kysely = new Kysely<NoTables>({
    dialect: {
      createAdapter: () => new Adapter(),
      createDriver: () =>
        createSqliteDriver(file, { translate, patience, answered, committed, aroundStatement }),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new QueryCompiler(),
    },
  });
  return {
    kysely,
    kind: "sqlite",
    columns: sqliteColumns,
    checkWritable: () => checkWritable(kysely, isSuspect),
    // `begin immediate` has locked the whole database.
    lockSchema: async () => {},
    listTables,
    describeTable,
    async close() {
      await kysely.destroy();
      if (!file.isOpen) return;
      tie?.close();
      // So that a copy of the one file is a whole backup, and no deleted row lingers in the log.
      file.exec("pragma wal_checkpoint(truncate)");
      file.close();
    },
  };
}

function openFile(location: string): DatabaseSync {
  try {
    if (location !== inMemory) {
      checkLog(location);
      makeFile(location);
    }
    const file = new DatabaseSync(location, { timeout: patienceAtStart, enableForeignKeyConstraints: true });
    file.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma secure_delete = on;
      pragma temp_store = memory;
      pragma busy_timeout = 0;
    `);
    return file;
  } catch (error) {
    throw explainOpening(error, location);
  }
}

/** SQLite gives the files beside it the mode of this one. One that is there is not touched: its locks would be lost. */
function makeFile(location: string): void {
  if (existsSync(location)) accessSync(location, constants.R_OK | constants.W_OK);
  else closeSync(openSync(location, "a", 0o600));
}

/** Takes the lock that a change needs. Where a change has failed, writes what is there already: only that can tell. */
async function checkWritable(kysely: Kysely<NoTables>, isSuspect: boolean): Promise<void> {
  await kysely.transaction().execute(async (db) => {
    if (!isSuspect) return;
    const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(db);
    await sql`pragma user_version = ${sql.lit(rows[0]?.user_version ?? 0)}`.execute(db);
  });
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
