/** Migrations run once, in order, whole or not at all, however many programs start at once. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { sql } from "kysely";
import { describeOnEachDatabase } from "../../testing/databases.ts";
import { DatabaseTooNew, listPendingMigrations, type Migrations, migrate } from "./migrate.ts";

const migrations: Migrations = {
  "2026-12-02-passkeys": async ({ db, text }) => {
    await db.schema
      .createTable("passkeys")
      .addColumn("account_id", text, (column) => column.references("accounts.id").onDelete("cascade"))
      .execute();
  },
  "2026-12-01-accounts": async ({ db, text, integer, time, json }) => {
    await db.schema
      .createTable("accounts")
      .addColumn("id", text, (column) => column.primaryKey())
      .addColumn("logins", integer)
      .addColumn("seen_at", time)
      .addColumn("preferences", json)
      .execute();
  },
};
const names = ["2026-12-01-accounts", "2026-12-02-passkeys"];

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
    assert.deepEqual(await listPendingMigrations(database, migrations), names);
    assert.deepEqual(await migrate(database, migrations, told), names);
    assert.deepEqual(
      told.logged,
      names.map((name) => `migration applied: ${name}`),
    );
    assert.deepEqual(await listPendingMigrations(database, migrations), []);
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
    await listPendingMigrations(database, migrations);
    assert.deepEqual(await database.listTables(database.kysely), []);
  });

  it("keeps the migrations before one that fails, nothing of that one, and goes on there later", async () => {
    const database = await open();
    const failing: Migrations = {
      ...migrations,
      "2026-12-03-broken": async ({ db, text }) => {
        await db.schema.createTable("half_done").addColumn("id", text).execute();
        throw new Error("broken");
      },
    };
    await assert.rejects(migrate(database, failing, options()), /broken/);
    assert.equal(await database.describeTable(database.kysely, "half_done"), undefined);
    assert.deepEqual(await listPendingMigrations(database, failing), ["2026-12-03-broken"]);
    const mended: Migrations = { ...migrations, "2026-12-03-broken": async () => {} };
    assert.deepEqual(await migrate(database, mended, options()), ["2026-12-03-broken"]);
  });

  it("lets programs that start at the same time all succeed, each migration running once", async () => {
    const database = await open();
    let runs = 0;
    const counted: Migrations = {
      ...migrations,
      "2026-12-03-counted": async () => {
        runs += 1;
      },
    };
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(database, counted, options())));
    assert.deepEqual(applied.flat().toSorted(), Object.keys(counted).toSorted());
    assert.equal(runs, 1);
  });

  it("refuses the database of a newer version, and changes nothing in it", async () => {
    const database = await open();
    await migrate(database, { ...migrations, "2027-01-01-future": async () => {} }, options());
    const older: Migrations = {
      ...migrations,
      "2026-12-05-mine": async ({ db, text }) => {
        await db.schema.createTable("mine").addColumn("id", text).execute();
      },
    };
    const isTooNew = (error: Error) =>
      error instanceof DatabaseTooNew && /2027-01-01-future/.test(error.message);
    await assert.rejects(listPendingMigrations(database, older), isTooNew);
    await assert.rejects(migrate(database, older, options()), isTooNew);
    assert.equal(await database.describeTable(database.kysely, "mine"), undefined);
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
