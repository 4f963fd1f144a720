/** Migrations run once, in order, whole or not at all, however many programs start at once. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { sql } from "kysely";
import { describeOnEachDatabase } from "../../testing/databases.ts";
import type { Database } from "./dialect.ts";
import { compareMigrations, DatabaseTooNew, type Migration, type Migrations, migrate } from "./migrate.ts";

const additive = (run: Migration["run"]): Migration => ({ breaks: false, run });
const makes = (table: string) =>
  additive(async ({ db, text }) => {
    await db.schema.createTable(table).addColumn("id", text).execute();
  });

const migrations: Migrations = {
  "2026-12-02-passkeys": additive(async ({ db, text }) => {
    await db.schema
      .createTable("passkeys")
      .addColumn("account_id", text, (column) => column.references("accounts.id").onDelete("cascade"))
      .execute();
  }),
  "2026-12-01-accounts": additive(async ({ db, text, integer, time, json }) => {
    await db.schema
      .createTable("accounts")
      .addColumn("id", text, (column) => column.primaryKey())
      .addColumn("logins", integer)
      .addColumn("seen_at", time)
      .addColumn("preferences", json)
      .execute();
  }),
};
const names = ["2026-12-01-accounts", "2026-12-02-passkeys"];

async function pendingIn(database: Database, known: Migrations): Promise<readonly string[]> {
  return (await compareMigrations(database, known)).pending;
}

function options() {
  const logged: string[] = [];
  return {
    now: () => new Date(1_800_000_000_000),
    log: (message: string, { migration }: { migration: string }) => {
      logged.push(`${message}: ${migration}`);
    },
    logged,
  };
}

describeOnEachDatabase("migrating", (open) => {
  it("runs what has not run, by name, and says so", async () => {
    const database = await open();
    const told = options();
    assert.deepEqual(await pendingIn(database, migrations), names);
    assert.deepEqual(await migrate(database, migrations, told), names);
    assert.deepEqual(
      told.logged,
      names.map((name) => `migration applied: ${name}`),
    );
    assert.deepEqual(await pendingIn(database, migrations), []);
    const rows = await sql`select name, applied_at from migrations order by name`.execute(database.kysely);
    assert.deepEqual(
      rows.rows,
      names.map((name) => ({ name, applied_at: 1_800_000_000_000 })),
    );
  });

  it("does nothing the second time", async () => {
    const database = await open();
    await migrate(database, migrations, options());
    assert.deepEqual(await migrate(database, migrations, options()), []);
  });

  it("changes nothing by asking what is pending", async () => {
    const database = await open();
    await pendingIn(database, migrations);
    assert.deepEqual(await database.listTables(database.kysely), []);
  });

  it("keeps the migrations before one that fails, nothing of that one, and goes on there later", async () => {
    const database = await open();
    const failing: Migrations = {
      ...migrations,
      "2026-12-03-broken": additive(async ({ db, text }) => {
        await db.schema.createTable("half_done").addColumn("id", text).execute();
        throw new Error("broken");
      }),
    };
    await assert.rejects(migrate(database, failing, options()), /broken/);
    assert.equal(await database.describeTable(database.kysely, "half_done"), undefined);
    assert.deepEqual(await pendingIn(database, failing), ["2026-12-03-broken"]);
    const mended: Migrations = { ...migrations, "2026-12-03-broken": additive(async () => {}) };
    assert.deepEqual(await migrate(database, mended, options()), ["2026-12-03-broken"]);
  });

  it("lets programs that start at the same time all succeed, each migration running once", async () => {
    const database = await open();
    let runs = 0;
    const counted: Migrations = {
      ...migrations,
      "2026-12-03-counted": additive(async () => {
        runs += 1;
      }),
    };
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(database, counted, options())));
    assert.deepEqual(applied.flat().toSorted(), Object.keys(counted).toSorted());
    assert.equal(runs, 1);
  });

  it("goes on beside a newer version that broke nothing, names what it does not know, and leaves it alone", async () => {
    const database = await open();
    await migrate(database, { ...migrations, "2027-01-01-future": makes("future") }, options());
    const older: Migrations = { ...migrations, "2026-12-05-mine": makes("mine") };
    assert.deepEqual(await compareMigrations(database, older), {
      pending: ["2026-12-05-mine"],
      unknown: ["2027-01-01-future"],
    });
    assert.deepEqual(await migrate(database, older, options()), ["2026-12-05-mine"]);
    assert.deepEqual(await database.listTables(database.kysely), [
      ...["accounts", "future", "migrations", "mine", "passkeys"],
    ]);
  });

  it("refuses the database of a newer version that says why it breaks, and changes nothing in it", async () => {
    const database = await open();
    const newer: Migrations = {
      ...migrations,
      "2027-01-01-future": makes("future"),
      "2027-01-02-gone": { ...makes("gone"), breaks: "passwords moved to a table of their own" },
    };
    await migrate(database, newer, options());
    const older: Migrations = { ...migrations, "2026-12-05-mine": makes("mine") };
    const isTooNew = (error: Error) =>
      error instanceof DatabaseTooNew &&
      /2027-01-02-gone \(passwords moved to a table of their own\)/.test(error.message) &&
      !error.message.includes("2027-01-01");
    await assert.rejects(compareMigrations(database, older), isTooNew);
    await assert.rejects(migrate(database, older, options()), isTooNew);
    assert.equal(await database.describeTable(database.kysely, "mine"), undefined);
  });

  it("has a reason, even one without words, count as breaking", async () => {
    const database = await open();
    await migrate(database, { "2027-01-01-future": { ...makes("future"), breaks: "" } }, options());
    await assert.rejects(compareMigrations(database, migrations), DatabaseTooNew);
  });

  it("teaches a database from before reasons were kept to keep them, without a word", async () => {
    const database = await open();
    await makeOldRecord(database, Object.keys(migrations));
    const told = options();
    assert.deepEqual(await migrate(database, migrations, told), []);
    assert.deepEqual(told.logged, []);
    const newer = { ...migrations, "2027-01-01-future": { ...makes("future"), breaks: "of a reason" } };
    assert.deepEqual(await migrate(database, newer, told), ["2027-01-01-future"]);
    await assert.rejects(compareMigrations(database, migrations), /of a reason/);
  });

  it("goes on with nothing unknown in a database from before reasons were kept", async () => {
    const database = await open();
    await makeOldRecord(database, ["2027-01-01-future"]);
    await assert.rejects(migrate(database, migrations, options()), DatabaseTooNew);
    const described = await database.describeTable(database.kysely, "migrations");
    assert.deepEqual(
      described?.columns.map(({ name }) => name),
      ["name", "applied_at"],
    );
  });

  it("removes what hangs on a row together with the row", async () => {
    const database = await open();
    await migrate(database, migrations, options());
    await sql`insert into accounts (id) values ('a')`.execute(database.kysely);
    await sql`insert into passkeys (account_id) values ('a')`.execute(database.kysely);
    await sql`delete from accounts`.execute(database.kysely);
    assert.deepEqual((await sql`select * from passkeys`.execute(database.kysely)).rows, []);
    await assert.rejects(sql`insert into passkeys (account_id) values ('b')`.execute(database.kysely));
  });
});

/** The record of migrations as it was before it kept what they break. */
async function makeOldRecord({ kysely, columns }: Database, applied: readonly string[]): Promise<void> {
  await kysely.schema
    .createTable("migrations")
    .addColumn("name", columns.text.declaration, (column) => column.primaryKey())
    .addColumn("applied_at", columns.time.declaration, (column) => column.notNull())
    .execute();
  for (const name of applied)
    await sql`insert into migrations (name, applied_at) values (${name}, 1)`.execute(kysely);
}
