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
export interface Migration {
  /**
   * False where the release before this one goes on with the database as it was left, so that both can run beside each
   * other and a rollout has a way back; else the reason why it cannot, in words for the operator who is refused.
   *
   * It goes on with new tables, and with new columns that may be null or have a default. It does not when something is
   * dropped, renamed or means something else, or when its own inserts and deletes no longer satisfy a constraint.
   */
  readonly breaks: false | string;
  readonly run: (tools: MigrationTools) => Promise<void>;
}

/** By name, such as `2026-12-01-passkeys`: the names decide the order. */
export type Migrations = Readonly<Record<string, Migration>>;

export interface MigrationOptions {
  readonly now: () => Date;
  /** Told of each migration once it is committed. */
  readonly log: (message: string, fields: { readonly migration: string }) => void;
}

/** Where a database stands, as this program sees it. */
export interface Standing {
  /** What `migrate` would run, in order. */
  readonly pending: readonly string[];
  /** What a newer program ran that this one does not know, and can go on beside. */
  readonly unknown: readonly string[];
}

/** The database was used by a newer version of this program, which this one would not understand. */
export class DatabaseTooNew extends Error {
  override readonly name = "DatabaseTooNew";
  /** Those that this one cannot go on with. */
  readonly migrations: readonly string[];

  constructor(breaking: readonly Applied[]) {
    const said = breaking.map(({ name, breaks }) => `${name} (${breaks})`).join(", ");
    super(
      `The database has migrations this version cannot go on with: ${said}. ` +
        "Start the version that made them, or a newer one.",
    );
    this.migrations = breaking.map(({ name }) => name);
  }
}

interface Applied {
  readonly name: string;
  readonly breaks: string | null;
}

type Tables = { migrations: { name: string; applied_at: number; breaks: string | null } };

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

/** What there is to do, and what is not known. Changes nothing; throws DatabaseTooNew. */
export async function compareMigrations(database: Database, migrations: Migrations): Promise<Standing> {
  return compare(database, database.kysely, migrations);
}

/** What has run, in the order of the names. */
export async function listAppliedMigrations(
  database: Database,
): Promise<{ readonly name: string; readonly appliedAt: Date }[]> {
  if (!(await database.describeTable(database.kysely, "migrations"))) return [];
  const rows = await database.kysely
    .$extendTables<Tables>()
    .selectFrom("migrations")
    .select(["name", "applied_at"])
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
  const { pending } = await compare(database, db, migrations);
  const { text, integer, time, json } = database.columns;
  const tools: MigrationTools = {
    db,
    text: text.declaration,
    integer: integer.declaration,
    time: time.declaration,
    json: json.declaration,
  };
  await keepRecord(database, tools);
  const [name] = pending;
  const migration = name === undefined ? undefined : migrations[name];
  if (name === undefined || !migration) return undefined;
  await migration.run(tools);
  await db
    .$extendTables<Tables>()
    .insertInto("migrations")
    .values({
      name,
      applied_at: now().getTime(),
      breaks: migration.breaks === false ? null : migration.breaks,
    })
    .execute();
  return name;
}

/** Makes the table of what was applied, or gives it what it lacked at first. */
async function keepRecord(database: Database, { db, text, time }: MigrationTools): Promise<void> {
  const there = await database.describeTable(db, "migrations");
  if (!there) {
    await db.schema
      .createTable("migrations")
      .addColumn("name", text, (column) => column.primaryKey())
      .addColumn("applied_at", time, (column) => column.notNull())
      .addColumn("breaks", text)
      .execute();
  } else if (!there.columns.some(({ name }) => name === "breaks")) {
    await db.schema.alterTable("migrations").addColumn("breaks", text).execute();
  }
}

async function compare(database: Database, db: Kysely<NoTables>, migrations: Migrations): Promise<Standing> {
  const applied = await listApplied(database, db);
  const unknown = applied.filter(({ name }) => !Object.hasOwn(migrations, name));
  const breaking = unknown.filter(({ breaks }) => breaks !== null);
  if (breaking.length > 0) throw new DatabaseTooNew(breaking);
  const names = new Set(applied.map(({ name }) => name));
  return {
    pending: Object.keys(migrations)
      .filter((name) => !names.has(name))
      .toSorted(),
    unknown: unknown.map(({ name }) => name),
  };
}

async function listApplied(database: Database, db: Kysely<NoTables>): Promise<Applied[]> {
  const there = await database.describeTable(db, "migrations");
  if (!there) return [];
  const applied = db.$extendTables<Tables>().selectFrom("migrations").orderBy("name");
  if (there.columns.some(({ name }) => name === "breaks"))
    return applied.select(["name", "breaks"]).execute();
  const rows = await applied.select("name").execute();
  return rows.map(({ name }) => ({ name, breaks: "it was made before migrations said what they break" }));
}
