/** A table gains the columns it lacks and loses nothing. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { sql } from "kysely";
import { describeOnEachDatabase } from "../../testing/databases.ts";
import { addColumns, type WantedColumn } from "./add-columns.ts";
import { type Database, violates } from "./dialect.ts";

const wanted: readonly WantedColumn[] = [
  { name: "plan", kind: "text", default: "it's free" },
  { name: "risk_score", kind: "integer", default: 0 },
  { name: "badge", kind: "text", unique: true },
  { name: "tags", kind: "json", default: "[]" },
  { name: "met_at", kind: "time", default: null },
];

async function withAccounts(database: Database): Promise<Database> {
  const { text } = database.columns;
  await database.kysely.schema
    .createTable("accounts")
    .addColumn("id", text.declaration, (column) => column.primaryKey())
    .addColumn("city", text.declaration)
    .execute();
  await sql`insert into accounts (id, city) values ('a', 'Rome'), ('b', 'Rome')`.execute(database.kysely);
  return database;
}

describeOnEachDatabase("adding columns", (open) => {
  it("adds what is missing, and existing rows have the defaults", async () => {
    const database = await withAccounts(await open());
    assert.deepEqual(await addColumns(database, "accounts", wanted), [
      "plan",
      "risk_score",
      "badge",
      "tags",
      "met_at",
    ]);
    const { rows } = await sql`select * from accounts where id = 'a'`.execute(database.kysely);
    const expected = {
      id: "a",
      city: "Rome",
      plan: "it's free",
      risk_score: 0,
      badge: null,
      tags: "[]",
      met_at: null,
    };
    assert.deepEqual(rows, [expected]);
  });

  it("adds nothing the second time, and what came since the third time", async () => {
    const database = await withAccounts(await open());
    await addColumns(database, "accounts", wanted);
    assert.deepEqual(await addColumns(database, "accounts", wanted), []);
    assert.deepEqual(await addColumns(database, "accounts", [...wanted, { name: "age", kind: "integer" }]), [
      "age",
    ]);
  });

  it("keeps a column that nobody wants any more, with what is in it", async () => {
    const database = await withAccounts(await open());
    await addColumns(database, "accounts", []);
    const { rows } = await sql`select city from accounts where id = 'a'`.execute(database.kysely);
    assert.deepEqual(rows, [{ city: "Rome" }]);
  });

  it("lets no two rows have the same value in a unique column, and any number none", async () => {
    const database = await withAccounts(await open());
    await addColumns(database, "accounts", wanted);
    await sql`update accounts set badge = 'x' where id = 'a'`.execute(database.kysely);
    const again = sql`update accounts set badge = 'x' where id = 'b'`.execute(database.kysely);
    await assert.rejects(again, (error) => violates(error, "accounts", "badge"));
  });

  it("makes a column unique that was there before, unless rows have the same value", async () => {
    const database = await withAccounts(await open());
    const unique: WantedColumn[] = [{ name: "city", kind: "text", unique: true }];
    const both: WantedColumn[] = [{ name: "age", kind: "integer" }, ...unique];
    await assert.rejects(addColumns(database, "accounts", both), /accounts\.city cannot become unique/);
    const table = await database.describeTable(database.kysely, "accounts");
    assert.ok(!table?.columns.some((column) => column.name === "age"), "half of it was kept");
    await sql`delete from accounts where id = 'b'`.execute(database.kysely);
    assert.deepEqual(await addColumns(database, "accounts", unique), []);
    const insert = sql`insert into accounts (id, city) values ('c', 'Rome')`.execute(database.kysely);
    await assert.rejects(insert, (error) => violates(error, "accounts", "city"));
  });

  it("refuses to change the type of a column", async () => {
    const database = await withAccounts(await open());
    const changed = addColumns(database, "accounts", [{ name: "city", kind: "integer" }]);
    await assert.rejects(changed, /accounts\.city is text, but (integer|bigint) is wanted/);
  });

  it("refuses names that the two databases would read differently, and tables that do not exist", async () => {
    const database = await withAccounts(await open());
    for (const name of ["Plan", "2nd", "a b", 'a"b', "", "é", "_x", "x".repeat(60)]) {
      await assert.rejects(
        addColumns(database, "accounts", [{ name, kind: "text" }]),
        /cannot name a column/,
      );
    }
    await assert.rejects(addColumns(database, "nowhere", wanted), /no table nowhere/);
  });

  it("lets programs that start at the same time all succeed, each column being added once", async () => {
    const database = await withAccounts(await open());
    const added = await Promise.all(
      Array.from({ length: 4 }, () => addColumns(database, "accounts", wanted)),
    );
    assert.deepEqual(added.flat().toSorted(), wanted.map((column) => column.name).toSorted());
  });
});
