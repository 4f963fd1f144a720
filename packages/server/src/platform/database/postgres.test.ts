/** What PostgreSQL alone can do to us: go away, run out of patience, or sit behind a pooler. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { type Kysely, sql } from "kysely";
import { openEmptyPostgres, postgresUrl } from "../../testing/databases.ts";
import { type AroundStatement, isBusy, type NoTables, TransactionConflict } from "./dialect.ts";
import { openDatabase } from "./open.ts";

async function readSetting(db: Kysely<NoTables>, name: string): Promise<unknown> {
  const { rows } = await sql<{ value: string }>`select current_setting(${name}) as value`.execute(db);
  return rows[0]?.value;
}

/** Stands in front of the server as PgBouncer does: it refuses connections that bring time limits. */
async function startPooler(url: URL): Promise<{ url: string; stop(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    sockets.push(client);
    client.once("data", (startup) => {
      if (startup.includes("statement_timeout")) {
        const fields = "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: statement_timeout\0\0";
        const head = Buffer.from([0x45, 0, 0, 0, fields.length + 4]);
        client.end(Buffer.concat([head, Buffer.from(fields)]));
        return;
      }
      const upstream = connect(Number(url.port), url.hostname);
      sockets.push(upstream);
      upstream.write(startup);
      client.pipe(upstream).pipe(client);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const pooled = new URL(url);
  pooled.port = String((server.address() as AddressInfo).port);
  return {
    url: pooled.href,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe("PostgreSQL", { skip: postgresUrl === undefined && "TEST_DATABASE_URL names no server" }, () => {
  const url = postgresUrl ?? "";
  const open = openEmptyPostgres(url);

  it("ends statements that take too long, and transactions in which nothing happens", async () => {
    const { kysely } = await open();
    assert.equal(await readSetting(kysely, "statement_timeout"), "4s");
    assert.equal(await readSetting(kysely, "lock_timeout"), "3s");
    assert.equal(await readSetting(kysely, "idle_in_transaction_session_timeout"), "30s");
    const slow = kysely.transaction().execute(async (trx) => {
      await sql`set local statement_timeout = 10`.execute(trx);
      await sql`select pg_sleep(5)`.execute(trx);
    });
    await assert.rejects(slow, isBusy);
  });

  it("gives migrations the time they need, but does not let them wait for a table in use", async () => {
    const database = await open();
    await database.kysely.transaction().execute(async (trx) => {
      await database.lockSchema(trx);
      assert.equal(await readSetting(trx, "statement_timeout"), "0");
      assert.equal(await readSetting(trx, "lock_timeout"), "2s");
    });
    assert.equal(await readSetting(database.kysely, "statement_timeout"), "4s");
  });

  it("survives losing the connection in the middle of a transaction, and works again", async () => {
    const { kysely } = await open({ poolSize: 1 });
    const killer = await open({ poolSize: 1 });
    const work = kysely.transaction().execute(async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(killer.kysely);
      await sql`select 1`.execute(trx);
    });
    await assert.rejects(work, isBusy);
    assert.deepEqual((await sql`select 1 as one`.execute(kysely)).rows, [{ one: 1 }]);
  });

  it("survives losing a connection at rest, and works again", async () => {
    const { kysely } = await open({ poolSize: 1 });
    const killer = await open({ poolSize: 1 });
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(kysely);
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(killer.kysely);
    const count = sql<{ n: number }>`select count(*) as n from pg_stat_activity where pid = ${rows[0]?.pid}`;
    while ((await count.execute(killer.kysely)).rows[0]?.n !== 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual((await sql`select 1 as one`.execute(kysely)).rows, [{ one: 1 }]);
  });

  it("gives the next user no transaction that was begun for another, though nobody ended it", async () => {
    const aroundStatement: AroundStatement = async (text, run) => {
      const result = await run();
      if (text === "begin") throw new Error("injected");
      return result;
    };
    const { kysely } = await open({ aroundStatement, poolSize: 1 });
    await assert.rejects(
      kysely.transaction().execute(async () => {}),
      /injected/,
    );
    // Within a transaction, `now()` stands still at its beginning.
    const { rows } = await sql`select now() = statement_timestamp() as fresh`.execute(kysely);
    assert.deepEqual(rows, [{ fresh: 1 }]);
  });

  it("says which transaction it undid when two wait for each other, and lets the other through", async () => {
    const { kysely } = await open();
    await kysely.schema.createTable("pair").addColumn("id", sql`bigint`).execute();
    await sql`insert into pair values (1), (2)`.execute(kysely);
    const bothHoldOne = Promise.withResolvers<void>();
    let holding = 0;
    const cross = (first: number, second: number) =>
      kysely.transaction().execute(async (trx) => {
        await sql`select from pair where id = ${first} for update`.execute(trx);
        holding += 1;
        if (holding === 2) bothHoldOne.resolve();
        await bothHoldOne.promise;
        await sql`select from pair where id = ${second} for update`.execute(trx);
      });
    const outcomes = await Promise.allSettled([cross(1, 2), cross(2, 1)]);
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.equal(failed.length, 1);
    assert.ok(failed[0]?.reason instanceof TransactionConflict);
  });

  it("says that it is busy when there is no server", async (t) => {
    const nobody = createServer().listen(0, "127.0.0.1");
    await once(nobody, "listening");
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, "close");
    const { kysely, close } = await openDatabase(`postgres://nobody@127.0.0.1:${port}/none`);
    t.after(close);
    await assert.rejects(sql`select 1`.execute(kysely), isBusy);
  });

  it("works behind a pooler that takes no time limits, and says that the role should have them", async (t) => {
    const pooler = await startPooler(new URL(url));
    t.after(pooler.stop);
    const warnings: string[] = [];
    const { kysely, close } = await openDatabase(pooler.url, {
      onWarning: (message) => warnings.push(message),
    });
    t.after(close);
    const answers = await Promise.all([1, 2, 3].map((n) => sql`select ${n}::int8 as n`.execute(kysely)));
    assert.deepEqual(
      answers.map(({ rows }) => rows),
      [[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]],
    );
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /alter role … set statement_timeout = '4s'; alter role … set lock_timeout = '3s';/,
    );
  });

  it("names no statement, so that a pooler can hand the next one to another connection", async () => {
    const { kysely } = await open({ poolSize: 1 });
    for (let n = 0; n < 3; n += 1) await sql`select ${n}::int8`.execute(kysely);
    const { rows } = await sql`select name from pg_prepared_statements`.execute(kysely);
    assert.deepEqual(rows, []);
  });

  it("refuses a schema's name that could be read as something else", async () => {
    await assert.rejects(openDatabase(url, { schema: "a -c log_statement=all" }), /schema's name/);
  });
});
