/** A PostgreSQL that falls silent or turns read only: every call is answered, and no connection of that time is used again. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { type Kysely, sql } from "kysely";
import { openEmptyPostgres, postgresUrl } from "../../testing/databases.ts";
import {
  type Database,
  type DatabaseBusy,
  type DatabaseOptions,
  DatabaseUnreachable,
  DatabaseUnwritable,
  isBusy,
  LockTimeout,
  type NoTables,
  TransactionConflict,
} from "./dialect.ts";
import { openDatabase } from "./open.ts";

const patience = 1_000;

/** A way to the server that can be made to carry nothing, in either direction, without closing anything. */
async function startWay(url: string) {
  const target = new URL(url);
  const pairs = new Set<readonly [Socket, Socket]>();
  let isSilent = false;
  let refusesLimits = false;
  // Half of a connection may be closed without the other.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true });
    pairs.add([client, upstream]);
    for (const one of [client, upstream]) one.on("error", () => undefined);
    if (isSilent) return;
    client.once("data", (startup) => {
      if (!refusesLimits || !startup.includes("_timeout")) {
        upstream.write(startup);
        client.pipe(upstream).pipe(client);
        return;
      }
      // As PgBouncer refuses them.
      const fields = "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: lock_timeout\0\0";
      client.end(Buffer.concat([Buffer.from([0x45, 0, 0, 0, fields.length + 4]), Buffer.from(fields)]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const way = new URL(url);
  way.port = String((server.address() as AddressInfo).port);
  return {
    url: way.href,
    refuseLimits: () => {
      refusesLimits = true;
    },
    fallSilent: () => {
      isSilent = true;
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
      }
    },
    /** For new connections: those of before stay silent, as after a change of address. */
    speakAgain: () => {
      isSilent = false;
    },
    stop: () => {
      server.close();
      for (const [client, upstream] of pairs) for (const one of [client, upstream]) one.destroy();
    },
  };
}

async function readPid(db: Kysely<NoTables>): Promise<number> {
  // It takes a moment, so that several of these at once need as many connections.
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid, pg_sleep(0.05)`.execute(db);
  return rows[0]?.pid ?? assert.fail();
}

const readPids = (db: Kysely<NoTables>) => Promise.all(Array.from({ length: 10 }, () => readPid(db)));

describe("a PostgreSQL that is not well", {
  skip: postgresUrl === undefined && "TEST_DATABASE_URL names no server",
}, () => {
  const url = postgresUrl ?? "";
  const openDirectly = openEmptyPostgres(url);
  const cleanups: (() => unknown)[] = [];
  after(async () => {
    for (const clean of cleanups.toReversed()) await clean();
  });

  async function openByWay(options: DatabaseOptions = {}) {
    const way = await startWay(url);
    cleanups.push(way.stop);
    const database = await openDatabase(way.url, { patience, ...options });
    cleanups.push(() => database.close());
    return { way, ...database };
  }

  async function withTable(options?: DatabaseOptions): Promise<Database> {
    const database = await openDirectly(options);
    await database.kysely.schema.createTable("things").addColumn("n", sql`integer`).execute();
    await sql`insert into things values (0)`.execute(database.kysely);
    return database;
  }

  it("has every call answered while it is silent, and only new connections used once it speaks", async () => {
    const told: string[] = [];
    const watch = {
      failed: (error: DatabaseBusy) => told.push(error.name),
      answered: () => told.push("answered"),
      wrote: () => undefined,
    };
    const { way, kysely } = await openByWay({ poolSize: 10, watch });
    const before = new Set(await readPids(kysely));
    assert.equal(before.size, 10);
    way.fallSilent();
    told.length = 0;
    const outcomes = await Promise.allSettled(Array.from({ length: 25 }, () => readPid(kysely)));
    for (const outcome of outcomes) assert.ok(outcome.status === "rejected" && isBusy(outcome.reason));
    const [first] = outcomes;
    assert.ok(first?.status === "rejected" && first.reason instanceof DatabaseUnreachable);
    assert.match(
      first.reason.message,
      /^PostgreSQL at 127\.0\.0\.1:\d+ is silent: no answer within 1 seconds\.$/,
    );
    assert.ok(told.includes("DatabaseUnreachable") && !told.includes("answered"));
    way.speakAgain();
    const later = [await readPid(kysely), ...(await readPids(kysely)), ...(await readPids(kysely))];
    for (const pid of later) assert.ok(!before.has(pid), "a connection of before was used again");
  });

  it("leaves idle connections of before unused after one call has found out", async () => {
    const { way, kysely } = await openByWay({ poolSize: 10 });
    const before = new Set(await readPids(kysely));
    way.fallSilent();
    await assert.rejects(readPid(kysely), DatabaseUnreachable);
    way.speakAgain();
    assert.ok(!before.has(await readPid(kysely)), "nine silent ones were left");
  });

  it("has the outcome of a commit called unknown when its answer is lost, and does not try it again", async () => {
    const { way, kysely } = await openByWay({ poolSize: 1 });
    let runs = 0;
    const lost = kysely.transaction().execute(async (db) => {
      runs += 1;
      await sql`select 1`.execute(db);
      way.fallSilent();
    });
    await assert.rejects(lost, (error) => isBusy(error) && !(error instanceof TransactionConflict));
    assert.equal(runs, 1);
    way.speakAgain();
    await readPid(kysely);
  });

  it("lets a process end although the server closes nothing", async () => {
    const way = await startWay(url);
    cleanups.push(way.stop);
    const program = `
      import { once } from "node:events";
      import { sql } from "kysely";
      import { openDatabase } from "./open.ts";
      const database = await openDatabase(${JSON.stringify(way.url)});
      await sql\`select 1\`.execute(database.kysely);
      console.log("asked");
      await once(process.stdin, "data");
      process.stdin.destroy();
      await database.close();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      stdio: ["pipe", "pipe", "inherit"],
    });
    cleanups.push(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    way.fallSilent();
    child.stdin.write("close\n");
    const [code] = await once(child, "exit", { signal: AbortSignal.timeout(20_000) });
    assert.equal(code, 0);
  });

  it("keeps nobody waiting for a lock behind a pooler that takes no time limits; migrations may take their time", async () => {
    const { kysely } = await withTable();
    const { rows } = await sql<{ name: string }>`select current_schema() as name`.execute(kysely);
    const schema = rows[0]?.name ?? "";
    const { way, ...pooled } = await openByWay({ schema });
    way.refuseLimits();
    assert.equal(
      (await sql<{ lock_timeout: string }>`show lock_timeout`.execute(pooled.kysely)).rows[0]?.lock_timeout,
      "0",
    );
    await kysely.transaction().execute(async (db) => {
      await sql`lock table things`.execute(db);
      await assert.rejects(sql`select * from things`.execute(pooled.kysely), DatabaseUnreachable);
      await pooled.kysely.transaction().execute(async (migration) => {
        await pooled.lockSchema(migration);
        await sql`select pg_sleep(${(2 * patience) / 1000}::float8)`.execute(migration);
      });
    });
    await sql`select * from things`.execute(pooled.kysely);
    await assert.rejects(
      sql`select pg_sleep(${(2 * patience) / 1000}::float8)`.execute(pooled.kysely),
      isBusy,
      "the limit is back",
    );
  });

  it("ends a wait for a lock by itself, and the connection stays", async () => {
    const { kysely } = await withTable({ poolSize: 2 });
    await kysely.transaction().execute(async (holder) => {
      await sql`lock table things`.execute(holder);
      await kysely
        .transaction()
        .execute(async (db) => {
          await sql`set local lock_timeout = 20`.execute(db);
          await sql`select * from things`.execute(db);
        })
        .then(
          () => assert.fail("the table was locked"),
          (error: unknown) => assert.ok(error instanceof LockTimeout),
        );
    });
  });

  it("is asked on a new connection once it has turned read only, and says that it takes no changes", async () => {
    const { kysely, checkWritable } = await withTable({ poolSize: 3 });
    const makeReadOnly = () =>
      Promise.all(
        Array.from({ length: 3 }, () =>
          sql`select set_config('default_transaction_read_only', 'on', false), pg_sleep(0.05)`.execute(
            kysely,
          ),
        ),
      );
    const change = () => sql`update things set n = n + 1`.execute(kysely);
    await checkWritable();
    await makeReadOnly();
    await assert.rejects(change(), (error) => {
      assert.ok(error instanceof DatabaseUnwritable);
      assert.match(error.message, /takes no changes: it is a standby, or set to read only \(25006\)/);
      return true;
    });
    // Not one of the other two connections, which are as read only as the first.
    await Promise.all([change(), change(), change()]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await makeReadOnly();
    await assert.rejects(checkWritable(), DatabaseUnwritable);
    await checkWritable();
  });
});
