/** A change of tables waits for who uses them, but never long at once. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sql } from "kysely";
import { describeOnEachDatabase, openEmptyPostgres, postgresUrl } from "../../testing/databases.ts";
import { isBusy, LockTimeout } from "./dialect.ts";
import { changeSchema } from "./schema-change.ts";

describeOnEachDatabase("changing tables", (open) => {
  it("is tried five times when a lock cannot be had, and nothing of a try stays", async () => {
    const database = await open();
    let tries = 0;
    const change = (mostFailures: number) =>
      changeSchema(database, async (db) => {
        tries += 1;
        await db.schema.createTable("wanted").addColumn("n", sql`integer`).execute();
        if (tries <= mostFailures) throw new LockTimeout(new Error("Injected"));
      });
    await assert.rejects(change(5), LockTimeout);
    assert.equal(tries, 5);
    assert.deepEqual(await database.listTables(database.kysely), []);
    tries = 0;
    await change(1);
    assert.deepEqual([tries, await database.listTables(database.kysely)], [2, ["wanted"]]);
  });

  it("is not tried again for another reason", async () => {
    const database = await open();
    let tries = 0;
    const change = changeSchema(database, async () => {
      tries += 1;
      throw new Error("Injected");
    });
    await assert.rejects(change, /Injected/);
    assert.equal(tries, 1);
  });
});

describe("changing a table in use", {
  skip: postgresUrl === undefined && "TEST_DATABASE_URL names no server",
}, () => {
  const open = openEmptyPostgres(postgresUrl ?? "");

  it("lets those pass who came after it, and is done once the table is free", async () => {
    const database = await open();
    const { kysely } = database;
    await kysely.schema.createTable("used").addColumn("n", sql`integer`).execute();
    const hasBegun = Promise.withResolvers<void>();
    let tries = 0;
    let change = Promise.resolve();
    await kysely.transaction().execute(async (user) => {
      await sql`select * from used`.execute(user);
      change = changeSchema(database, async (db) => {
        tries += 1;
        hasBegun.resolve();
        await sql`alter table used add column m integer`.execute(db);
      });
      await hasBegun.promise;
      // It queues up behind the change, which gives way.
      await sql`select * from used`.execute(kysely).catch((error: unknown) => assert.ok(isBusy(error)));
    });
    await change;
    assert.ok(tries >= 2, "the first try was to give way");
  });
});
