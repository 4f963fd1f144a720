/** What every caller may rely on, whichever database it is. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { type Kysely, sql } from "kysely";
import { describeOnEachDatabase } from "../../testing/databases.ts";
import { type AroundStatement, type Database, DatabaseBusy, isBusy, violates } from "./dialect.ts";

type Person = {
  id: number;
  email: string;
  realm: string | null;
  counter: number;
  seen_at: number | null;
  likes: string;
};
type Tables = { people: Person };

async function withPeople(database: Database): Promise<Kysely<Tables>> {
  const { text, integer, time, json } = database.columns;
  await database.kysely.schema
    .createTable("people")
    .addColumn("id", integer.declaration, (column) => column.primaryKey())
    .addColumn("email", text.declaration, (column) => column.notNull().unique())
    .addColumn("realm", text.declaration)
    .addColumn("counter", integer.declaration, (column) => column.notNull())
    .addColumn("seen_at", time.declaration)
    .addColumn("likes", json.declaration, (column) => column.notNull())
    .addUniqueConstraint("people_realm_counter", ["realm", "counter"])
    .execute();
  return database.kysely.$extendTables<Tables>();
}

function person(id: number, changes: Partial<Person> = {}): Person {
  return { id, email: `p${id}@example.org`, realm: null, counter: 0, seen_at: null, likes: "{}", ...changes };
}

function neverReached(): never {
  assert.fail("It should have failed.");
}

describeOnEachDatabase("a database", (open) => {
  it("gives rows back as plain objects with numbers, nulls and the text of JSON", async () => {
    const db = await withPeople(await open());
    const ada = person(1, {
      seen_at: 1_800_000_000_123,
      counter: Number.MAX_SAFE_INTEGER,
      likes: '{"tea": [1, true]}',
    });
    await db.insertInto("people").values(ada).execute();
    const row = await db.selectFrom("people").selectAll().executeTakeFirstOrThrow();
    assert.deepStrictEqual(row, ada);
  });

  it("refuses to read a number that would lose digits", async () => {
    const { kysely } = await open();
    const read = sql`select cast('9007199254740993' as bigint) as n`.execute(kysely);
    await assert.rejects(read, RangeError);
  });

  it("answers counts, sums and questions with numbers", async () => {
    const db = await withPeople(await open());
    await db
      .insertInto("people")
      .values([person(1, { counter: 2 }), person(2, { counter: 3 })])
      .execute();
    const row = await db
      .selectFrom("people")
      .select((eb) => [
        eb.fn.countAll().as("count"),
        eb.fn.sum("counter").as("sum"),
        eb("id", "=", 7).as("odd"),
      ])
      .where("id", "in", [1, 2])
      .groupBy("id")
      .orderBy("id")
      .executeTakeFirstOrThrow();
    assert.deepStrictEqual(row, { count: 1, sum: 2, odd: 0 });
  });

  it("counts the rows that a change or a removal touched", async () => {
    const db = await withPeople(await open());
    await db
      .insertInto("people")
      .values([person(1), person(2), person(3)])
      .execute();
    const changed = await db.updateTable("people").set({ counter: 1 }).where("id", "<", 3).executeTakeFirst();
    const removed = await db.deleteFrom("people").where("id", "=", 9).executeTakeFirst();
    assert.equal(changed.numUpdatedRows, 2n);
    assert.equal(removed.numDeletedRows, 0n);
  });

  it("orders texts byte by byte, whatever the server's language", async () => {
    const db = await withPeople(await open());
    const emails = ["Z@x", "a@x", "é@x", "_@x"];
    await db
      .insertInto("people")
      .values(emails.map((email, id) => person(id, { email })))
      .execute();
    const rows = await db.selectFrom("people").select("email").orderBy("email").execute();
    assert.deepEqual(
      rows.map((row) => row.email),
      ["Z@x", "_@x", "a@x", "é@x"],
    );
  });

  it("keeps a number in a text column as it was written", async () => {
    const db = await withPeople(await open());
    const email = 5 as unknown as string;
    await db.insertInto("people").values(person(1, { email })).execute();
    assert.equal((await db.selectFrom("people").select("email").executeTakeFirstOrThrow()).email, "5");
  });

  it("refuses a word in a number's column", async () => {
    const db = await withPeople(await open());
    const counter = "ada@example.org" as unknown as number;
    await assert.rejects(db.insertInto("people").values(person(1, { counter })).execute());
  });

  it("refuses values that would be stored as something else, and does not repeat them", async () => {
    const database = await open();
    const values: [unknown, RegExp][] = [
      [undefined, /type undefined/],
      [new Date(0), /a Date; pass its milliseconds/],
      [true, /a boolean/],
      [{ secret: 1 }, /an object; pass JSON as text/],
      [["secret"], /an object/],
      [Number.NaN, /not finite/],
      [2 ** 53, /too large to be exact/],
      [2n ** 63n, /more than 64 bits/],
      ["secret\0", /a NUL character/],
      [Symbol("secret"), /type symbol/],
    ];
    for (const [value, message] of values) {
      const query = sql`select ${1}, ${value}`.execute(database.kysely);
      await assert.rejects(query, (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, /^Parameter 2 /);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
  });

  it("says which columns another row has the same values in, and keeps those values to itself", async () => {
    const db = await withPeople(await open());
    await db
      .insertInto("people")
      .values(person(1, { realm: "r", counter: 1 }))
      .execute();
    const collide = async (row: Person) => {
      const error = await db
        .insertInto("people")
        .values(row)
        .execute()
        .then(neverReached, (caught: Error) => caught);
      assert.doesNotMatch(`${error.message} ${error.stack}`, /example\.org/);
      assert.equal(error.cause, undefined);
      return error;
    };
    const email = await collide(person(2, { email: "p1@example.org" }));
    assert.ok(violates(email, "people", "email"));
    assert.ok(violates(email, "people"));
    assert.ok(!violates(email, "people", "id"));
    assert.ok(!violates(email, "accounts", "email"));
    const both = await collide(person(2, { realm: "r", counter: 1 }));
    assert.ok(violates(both, "people", "counter", "realm"));
    assert.ok(!violates(both, "people", "counter"));
    const key = await collide(person(1, { email: "new@example.org" }));
    assert.ok(violates(key, "people", "id"));
    assert.ok(!isBusy(key));
  });

  it("says no such thing of other errors", async () => {
    const database = await open();
    const error = await sql`select * from nowhere`
      .execute(database.kysely)
      .then(neverReached, (caught: Error) => caught);
    assert.ok(!violates(error, "nowhere"));
    assert.ok(!isBusy(error));
  });

  it("undoes a transaction that throws", async () => {
    const db = await withPeople(await open());
    const work = db.transaction().execute(async (trx) => {
      await trx.insertInto("people").values(person(1)).execute();
      throw new Error("changed my mind");
    });
    await assert.rejects(work, /changed my mind/);
    assert.deepEqual(await db.selectFrom("people").selectAll().execute(), []);
  });

  it("lets one of 40 simultaneous changes of the same counter win", async () => {
    const db = await withPeople(await open());
    await db.insertInto("people").values(person(1)).execute();
    const attempts = Array.from({ length: 40 }, () =>
      db
        .updateTable("people")
        .set({ counter: 1 })
        .where("id", "=", 1)
        .where("counter", "=", 0)
        .returning("counter")
        .execute(),
    );
    const winners = (await Promise.all(attempts)).filter((rows) => rows.length === 1);
    assert.equal(winners.length, 1);
  });

  it("loses none of 40 simultaneous transactions", async () => {
    const db = await withPeople(await open());
    await db.insertInto("people").values(person(1)).execute();
    await Promise.all(
      Array.from({ length: 40 }, () =>
        db.transaction().execute(async (trx) => {
          const { counter } = await trx
            .selectFrom("people")
            .select("counter")
            .where("id", "=", 1)
            .forUpdate()
            .executeTakeFirstOrThrow();
          await trx
            .updateTable("people")
            .set({ counter: counter + 1 })
            .where("id", "=", 1)
            .execute();
        }),
      ),
    );
    assert.equal((await db.selectFrom("people").select("counter").executeTakeFirstOrThrow()).counter, 40);
  });

  it("hands each waiting row to one of several simultaneous claimers", async () => {
    const db = await withPeople(await open());
    await db
      .insertInto("people")
      .values(Array.from({ length: 30 }, (_, id) => person(id)))
      .execute();
    const claim = () =>
      db
        .updateTable("people")
        .set({ seen_at: 1 })
        .where("id", "in", (eb) =>
          eb.selectFrom("people").select("id").where("seen_at", "is", null).limit(3).forUpdate().skipLocked(),
        )
        .returning("id")
        .execute();
    const claims = await Promise.all(Array.from({ length: 10 }, claim));
    const ids = claims.flat().map((row) => row.id);
    assert.equal(new Set(ids).size, ids.length);
    while ((await claim()).length > 0);
    assert.deepEqual(await db.selectFrom("people").select("id").where("seen_at", "is", null).execute(), []);
  });

  it("lists its tables and no other's", async () => {
    const database = await open();
    assert.deepEqual(await database.listTables(database.kysely), []);
    await withPeople(database);
    await database.kysely.schema.createTable("a_table").addColumn("id", sql`text`).execute();
    assert.deepEqual(await database.listTables(database.kysely), ["a_table", "people"]);
  });

  it("describes a table as it stands", async () => {
    const database = await open();
    const db = await withPeople(database);
    await db.schema
      .createIndex("people_waiting")
      .unique()
      .on("people")
      .column("seen_at")
      .where("seen_at", ">", 5)
      .execute();
    const table = await database.describeTable(database.kysely, "people");
    assert.deepEqual(
      table?.columns.map((column) => column.name),
      ["id", "email", "realm", "counter", "seen_at", "likes"],
    );
    const unique = table?.indexes.filter((index) => index.unique).map((index) => index.columns.join("+"));
    assert.ok(unique?.includes("email"));
    assert.ok(unique?.includes("realm+counter"));
    assert.equal(table?.indexes.find((index) => index.name === "people_waiting")?.unique, false);
    assert.equal(await database.describeTable(database.kysely, "nowhere"), undefined);
  });

  it("finishes the transaction in progress before it closes, and then takes no more", async () => {
    const database = await open();
    const db = await withPeople(database);
    const started = Promise.withResolvers<void>();
    const work = db.transaction().execute(async (trx) => {
      await trx.insertInto("people").values(person(1)).execute();
      started.resolve();
      await new Promise((resolve) => setTimeout(resolve, 20));
      return trx.selectFrom("people").select("id").execute();
    });
    await started.promise;
    await database.close();
    assert.deepEqual(await work, [{ id: 1 }]);
    await assert.rejects(db.selectFrom("people").selectAll().execute());
    await database.close();
  });
});

describeOnEachDatabase("standing around every statement", (open) => {
  it("sees begin, the statements and commit, in their order", async () => {
    const seen: string[] = [];
    const database = await open({
      aroundStatement: (text, run) => (seen.push(text.split(" ")[0] ?? ""), run()),
    });
    const db = await withPeople(database);
    seen.length = 0;
    await db.transaction().execute((trx) => trx.insertInto("people").values(person(1)).execute());
    await db.selectFrom("people").selectAll().execute();
    assert.deepEqual(seen, ["begin", "insert", "commit", "select"]);
  });

  for (const moment of ["before", "after"] as const) {
    it(`leaves all or nothing when a statement fails ${moment} it ran, whichever it is`, async () => {
      let left = Number.POSITIVE_INFINITY;
      const aroundStatement: AroundStatement = async (_text, run) => {
        left -= 1;
        if (moment === "before" && left === 0) throw new DatabaseBusy("injected");
        const result = await run();
        if (moment === "after" && left === 0) throw new DatabaseBusy("injected");
        return result;
      };
      const db = await withPeople(await open({ aroundStatement, poolSize: 1 }));
      const story = () =>
        db.transaction().execute(async (trx) => {
          await trx.insertInto("people").values(person(1)).execute();
          await trx.insertInto("people").values(person(2)).execute();
        });
      const outcomes: string[] = [];
      for (let failing = 1; failing <= 4; failing += 1) {
        left = failing;
        await assert.rejects(story(), isBusy);
        left = Number.POSITIVE_INFINITY;
        outcomes.push(String((await db.deleteFrom("people").executeTakeFirst()).numDeletedRows));
        await story();
        await db.deleteFrom("people").execute();
      }
      // A commit whose answer is lost has happened: nobody can tell, so callers must be able to repeat.
      assert.deepEqual(outcomes, ["0", "0", "0", moment === "before" ? "0" : "2"]);
    });
  }

  it("gives the next user a clean connection when the rollback fails too", async () => {
    let failing = false;
    const aroundStatement: AroundStatement = async (_text, run) => {
      if (failing) throw new Error("injected");
      return run();
    };
    const db = await withPeople(await open({ aroundStatement, poolSize: 1 }));
    const work = db.transaction().execute(async (trx) => {
      await trx.insertInto("people").values(person(1)).execute();
      failing = true;
      throw new Error("changed my mind");
    });
    await assert.rejects(work, /injected/);
    failing = false;
    assert.deepEqual(
      await db.transaction().execute((trx) => trx.selectFrom("people").selectAll().execute()),
      [],
    );
  });
});
