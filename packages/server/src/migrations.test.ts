/** What a migration says it breaks is true: one that says nothing leaves the release before it able to go on. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sql } from "kysely";
import type { Feature } from "./core/feature.ts";
import { coreMigrations } from "./core/migrations.ts";
import { standardFeatures } from "./features.ts";
import type { Database } from "./platform/database/dialect.ts";
import { type Migrations, type MigrationTools, migrate } from "./platform/database/migrate.ts";
import { openDatabase } from "./platform/database/open.ts";

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly isRequired: number;
  readonly fallback: string | null;
}

/** Something that is asked of what is written: said in words, and of which columns. */
interface Demand {
  readonly text: string;
  readonly table: string;
  readonly columns: string;
}

interface Schema {
  readonly columns: readonly Column[];
  readonly unique: readonly Demand[];
  readonly references: readonly (Demand & { readonly onDelete: string })[];
  /** The text of each table and trigger. */
  readonly texts: readonly { readonly table: string; readonly text: string }[];
}

/** SQLite tells all of it; the same statements make the same tables on PostgreSQL. */
async function readSchema({ kysely }: Database): Promise<Schema> {
  const read = async <Row>(query: ReturnType<typeof sql<Row>>) => (await query.execute(kysely)).rows;
  const tables = sql`(select name from sqlite_schema where type = 'table' and name <> 'migrations') as tables`;
  return {
    columns: await read(sql<Column>`
      select tables.name as "table", info.name, type, "notnull" as "isRequired", dflt_value as fallback
      from ${tables}, pragma_table_info(tables.name) as info`),
    unique: await read(sql<Demand>`
      select tables.name || ' unique ' || list.name as text, tables.name as "table",
        (select group_concat(name) from pragma_index_info(list.name)) as columns
      from ${tables}, pragma_index_list(tables.name) as list where "unique"`),
    references: await read(sql<Demand & { onDelete: string }>`
      select tables.name || '.' || "from" || ' names one of ' || "table" as text, tables.name as "table",
        "from" as columns, on_delete as "onDelete"
      from ${tables}, pragma_foreign_key_list(tables.name)`),
    texts: await read(sql<{ table: string; text: string }>`
      select tbl_name as "table", sql as text from sqlite_schema where type in ('table', 'trigger')`),
  };
}

/** For what a release that knows `before` alone could not go on with `after`. */
function findBreaks(before: Schema, after: Schema): string[] {
  const was = (table: string) => before.columns.some((one) => one.table === table);
  const find = ({ columns }: Schema, table: string, name: string) =>
    columns.find((one) => one.table === table && one.name === name);
  const isNew = (one: Demand, others: readonly Demand[]) => !others.some(({ text }) => text === one.text);
  /** Null in every row that the release before writes. */
  const isEmpty = (table: string, name: string) =>
    find(before, table, name) === undefined && find(after, table, name)?.fallback === null;
  const checksOf = ({ texts }: Schema, table: string) =>
    texts
      .filter((one) => one.table === table)
      .flatMap(({ text }) => text.match(/\bcheck\b|\btrigger\b/gi) ?? []);
  const missing = before.columns.filter((one) => find(after, one.table, one.name)?.type !== one.type);
  const required = after.columns.filter(
    ({ table, name, isRequired, fallback }) =>
      was(table) && isRequired && fallback === null && !find(before, table, name)?.isRequired,
  );
  const unique = after.unique.filter(
    (one) =>
      was(one.table) &&
      isNew(one, before.unique) &&
      !one.columns.split(",").some((name) => isEmpty(one.table, name)),
  );
  // What goes with the row it names keeps no row from going.
  const references = after.references.filter(
    (one) =>
      isNew(one, before.references) &&
      (!["CASCADE", "SET NULL"].includes(one.onDelete) || find(before, one.table, one.columns)),
  );
  const judged = [...new Set(before.columns.map(({ table }) => table))].filter(
    (table) => checksOf(after, table).length > checksOf(before, table).length,
  );
  return [
    ...missing.map(({ table, name }) => `${table}.${name} is gone, or of another type`),
    ...required.map(({ table, name }) => `${table}.${name} wants a value that its inserts do not give`),
    ...[...unique, ...references].map(({ text }) => `${text}: its writes may be refused`),
    ...judged.map((table) => `${table} has a check or a trigger that judges what it writes`),
  ];
}

/** What each migration that says it breaks nothing breaks all the same. */
async function findUntruths(migrations: Migrations): Promise<string[]> {
  const database = await openDatabase("sqlite::memory:");
  const found: string[] = [];
  const done: Record<string, Migrations[string]> = {};
  for (const [name, migration] of Object.entries(migrations).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    const before = await readSchema(database);
    done[name] = migration;
    await migrate(database, done, { now: () => new Date(0), log: () => undefined });
    if (migration.breaks !== false) continue;
    found.push(...findBreaks(before, await readSchema(database)).map((what) => `${name}: ${what}`));
  }
  await database.close();
  return found;
}

const people: Migrations = {
  "2026-01-01-people": {
    breaks: false,
    run: async ({ db, text }) => {
      await db.schema
        .createTable("people")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("name", text)
        .execute();
    },
  },
};

type Steps = (tools: MigrationTools) => readonly { readonly execute: () => Promise<unknown> }[];

const untruths: Readonly<Record<string, Steps>> = {
  "a column that is dropped": ({ db }) => [db.schema.alterTable("people").dropColumn("name")],
  "a column with another name": ({ db }) => [db.schema.alterTable("people").renameColumn("name", "called")],
  "a table that is dropped": ({ db }) => [db.schema.dropTable("people")],
  "a table with another name": ({ db }) => [db.schema.alterTable("people").renameTo("humans")],
  // SQLite adds no such column to a table that it has; a table that is made anew can have one.
  "a column that must be filled": ({ db, text }) => [
    db.schema
      .createTable("humans")
      .addColumn("id", text, (column) => column.primaryKey())
      .addColumn("name", text)
      .addColumn("birthday", text, (column) => column.notNull()),
    db.schema.dropTable("people"),
    db.schema.alterTable("humans").renameTo("people"),
  ],
  "a column that became unique": ({ db }) => [
    db.schema.createIndex("people_name").unique().on("people").column("name"),
  ],
  "a row that keeps another from being deleted": ({ db, text }) => [
    db.schema.createTable("pets").addColumn("owner", text, (column) => column.references("people.id")),
  ],
  "a check of what is written": ({ db, text }) => [
    db.schema.alterTable("people").addColumn("age", text, (column) => column.check(sql`age <> ''`)),
  ],
};

const truths: Readonly<Record<string, Steps>> = {
  "a new table, with constraints of its own": ({ db, text }) => [
    db.schema
      .createTable("pets")
      .addColumn("owner", text, (column) => column.notNull().references("people.id").onDelete("cascade"))
      .addColumn("name", text, (column) => column.unique().check(sql`name <> ''`)),
  ],
  "a column that may be null": ({ db, text }) => [db.schema.alterTable("people").addColumn("birthday", text)],
  "a column with a default": ({ db, text }) => [
    db.schema.alterTable("people").addColumn("plan", text, (column) => column.notNull().defaultTo("free")),
  ],
  "a column that is unique, and null where nothing is said": ({ db, text }) => [
    db.schema.alterTable("people").addColumn("badge", text),
    db.schema.createIndex("people_badge").unique().on("people").columns(["name", "badge"]),
  ],
  "a column that names a row and goes with it": ({ db, text }) => [
    db.schema
      .alterTable("people")
      .addColumn("parent", text, (column) => column.references("people.id").onDelete("cascade")),
  ],
  "an index": ({ db }) => [db.schema.createIndex("people_name").on("people").column("name")],
};

const withSecond = (steps: Steps): Migrations => ({
  ...people,
  "2026-01-02-second": {
    breaks: false,
    run: async (tools) => {
      for (const step of steps(tools)) await step.execute();
    },
  },
});

describe("a migration that says it breaks nothing", () => {
  it("breaks nothing, of all there are", async () => {
    const features: readonly Feature[] = standardFeatures;
    const all = Object.assign({}, coreMigrations, ...features.map(({ migrations }) => migrations ?? {}));
    assert.deepEqual(await findUntruths(all), []);
  });

  for (const [name, steps] of Object.entries(untruths)) {
    it(`would be found out: ${name}`, async () => {
      assert.notDeepEqual(await findUntruths(withSecond(steps)), []);
    });
  }

  for (const [name, steps] of Object.entries(truths)) {
    it(`may bring ${name}`, async () => {
      assert.deepEqual(await findUntruths(withSecond(steps)), []);
    });
  }
});
