/** Brings a database up to what this program expects: each migration once, in order, all of it or nothing. */

import type { Expression, Kysely } from "kysely";
import type { ColumnKind } from "./columns.ts";
import type { Database, NoTables } from "./dialect.ts";
import { changeSchema } from "./schema-change.ts";

/** What a migration works with; the four kinds of column are ready to be passed to `addColumn`. */
export interface MigrationTools extends Readonly<Record<ColumnKind, Expression<unknown>>> {
  /** Inside the migration's transaction. */
  readonly db: Kysely<NoTables>;
}

/** One step forward. There is none back. */
export type Migration = (tools: MigrationTools) => Promise<void>;

/** By name, such as `2026-12-01-passkeys`: the names decide the order. */
export type Migrations = Readonly<Record<string, Migration>>;

export interface MigrationOptions {
  readonly now: () => Date;
  /** Told of each migration once it is committed. */
  readonly log: (message: string, fields: { readonly migration: string }) => void;
}

/** The database was used by a newer version of this program, which this one would not understand. */
export class DatabaseTooNew extends Error {
  override readonly name = "DatabaseTooNew";
  readonly migrations: readonly string[];

  constructor(migrations: readonly string[]) {
    super(
      `The database has migrations this version does not know: ${migrations.join(", ")}. ` +
        "Start the version that made them, or a newer one.",
    );
    this.migrations = migrations;
  }
}

type Tables = { migrations: { name: string; applied_at: number } };

/**
 * Runs what has not run yet and returns the names. A migration that fails leaves no trace, those before it
 * stay. Programs that start at the same time take turns. Throws DatabaseTooNew before it changes anything.
 */
export async function migrate(
  database: Database,
  migrations: Migrations,
  options: MigrationOptions,
): Promise<string[]> {
  const applied: string[] = [];
  for (;;) {
    const name = await changeSchema(database, (db) => applyNext(database, db, migrations, options.now));
    if (name === undefined) return applied;
    applied.push(name);
    options.log("migration applied", { migration: name });
  }
}

/** The names that `migrate` would run, in order. Changes nothing; throws DatabaseTooNew. */
export async function listPendingMigrations(database: Database, migrations: Migrations): Promise<string[]> {
  return listPending(database, database.kysely, migrations);
}

/** What has run, in the order of the names. */
export async function listAppliedMigrations(
  database: Database,
): Promise<{ readonly name: string; readonly appliedAt: Date }[]> {
  if (!(await database.describeTable(database.kysely, "migrations"))) return [];
  const rows = await database.kysely
    .$extendTables<Tables>()
    .selectFrom("migrations")
    .selectAll()
    .orderBy("name")
    .execute();
  return rows.map((row) => ({ name: row.name, appliedAt: new Date(row.applied_at) }));
}

async function applyNext(
  database: Database,
  db: Kysely<NoTables>,
  migrations: Migrations,
  now: () => Date,
): Promise<string | undefined> {
  const [name] = await listPending(database, db, migrations);
  const migration = name === undefined ? undefined : migrations[name];
  if (name === undefined || !migration) return undefined;
  const { text, integer, time, json } = database.columns;
  const tools: MigrationTools = {
    db,
    text: text.declaration,
    integer: integer.declaration,
    time: time.declaration,
    json: json.declaration,
  };
  await db.schema
    .createTable("migrations")
    .ifNotExists()
    .addColumn("name", tools.text, (column) => column.primaryKey())
    .addColumn("applied_at", tools.time, (column) => column.notNull())
    .execute();
  await migration(tools);
  await db
    .$extendTables<Tables>()
    .insertInto("migrations")
    .values({ name, applied_at: now().getTime() })
    .execute();
  return name;
}

async function listPending(
  database: Database,
  db: Kysely<NoTables>,
  migrations: Migrations,
): Promise<string[]> {
  const rows = (await database.describeTable(db, "migrations"))
    ? await db.$extendTables<Tables>().selectFrom("migrations").select("name").execute()
    : [];
  const applied = new Set(rows.map((row) => row.name));
  const unknown = [...applied].filter((name) => !Object.hasOwn(migrations, name)).toSorted();
  if (unknown.length > 0) throw new DatabaseTooNew(unknown);
  return Object.keys(migrations)
    .filter((name) => !applied.has(name))
    .toSorted();
}
