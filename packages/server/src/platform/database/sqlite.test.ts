/** What SQLite in a file promises: nobody else reads it, a commit stays, and other processes may write too. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CompiledQuery, sql } from "kysely";
import { type Database, isBusy } from "./dialect.ts";
import { openDatabase } from "./open.ts";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "imagaine-auth-sqlite-"));
});
const processes: ChildProcess[] = [];
after(() => {
  for (const child of processes) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function openFile(name: string): Promise<Database> {
  return openDatabase(`sqlite:${join(folder, name)}`);
}

async function withCounter(database: Database): Promise<void> {
  await database.kysely.schema.createTable("counters").addColumn("n", sql`integer`).execute();
  await sql`insert into counters (n) values (0)`.execute(database.kysely);
}

async function readCounter(database: Database): Promise<number | undefined> {
  return (await sql<{ n: number }>`select n from counters`.execute(database.kysely)).rows[0]?.n;
}

/** Runs a program in another process with `database` open on the file; its standard input is the test's to write. */
function runElsewhere(name: string, program: string) {
  const text = `
    import { sql } from "kysely";
    import { openDatabase } from "./open.ts";
    const database = await openDatabase(${JSON.stringify(`sqlite:${join(folder, name)}`)});
    const { kysely } = database;
    ${program}
    await database.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: import.meta.dirname,
    stdio: ["pipe", "pipe", "inherit"],
  });
  processes.push(child);
  return child;
}

describe("an SQLite file", () => {
  it("can be read and written by its owner only, and so can the files beside it", async () => {
    const database = await openFile("private.db");
    await withCounter(database);
    for (const suffix of ["", "-wal", "-shm"]) {
      assert.equal(statSync(join(folder, `private.db${suffix}`)).mode & 0o777, 0o600, suffix);
    }
    await database.close();
  });

  it("commits safely, checks references, waits for others and wipes what is deleted", async () => {
    const database = await openFile("pragmas.db");
    const ask = async (name: string) => {
      const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(database.kysely);
      return Object.values(rows[0] ?? {})[0];
    };
    assert.equal(await ask("journal_mode"), "wal");
    assert.equal(await ask("synchronous"), 2);
    assert.equal(await ask("foreign_keys"), 1);
    assert.equal(await ask("busy_timeout"), 5000);
    assert.equal(await ask("secure_delete"), 1);
    assert.equal(await ask("temp_store"), 2);
    await database.close();
  });

  it("leaves one whole file behind when closed, without the deleted rows", async () => {
    const database = await openFile("closed.db");
    await database.kysely.schema.createTable("secrets").addColumn("s", sql`text`).execute();
    await sql`insert into secrets (s) values ('kept-canary'), ('gone-canary')`.execute(database.kysely);
    await sql`delete from secrets where s = 'gone-canary'`.execute(database.kysely);
    await database.close();
    assert.ok(!existsSync(join(folder, "closed.db-wal")));
    const bytes = readFileSync(join(folder, "closed.db"), "latin1");
    assert.ok(bytes.includes("kept-canary"));
    assert.ok(!bytes.includes("gone-canary"));
  });

  it("says which file it cannot open", async () => {
    await assert.rejects(
      openFile("no-such-folder/auth.db"),
      /Cannot open the database .*no-such-folder.auth\.db/,
    );
  });

  it("takes a name that looks like a URI as a name", async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      const first = await openDatabase("sqlite:file:odd.db?mode=memory");
      await withCounter(first);
      await first.close();
      const second = await openDatabase("sqlite:file:odd.db?mode=memory");
      assert.equal(await readCounter(second), 0);
      await second.close();
    } finally {
      process.chdir(before);
    }
  });

  it("loses no change of two processes that read and then write in one transaction", async () => {
    const database = await openFile("shared.db");
    await withCounter(database);
    const program = `
      for (let i = 0; i < 100; i++) await kysely.transaction().execute(async (trx) => {
        const { rows: [{ n }] } = await sql\`select n from counters\`.execute(trx);
        await sql\`update counters set n = \${n + 1}\`.execute(trx);
      });`;
    const others = [runElsewhere("shared.db", program), runElsewhere("shared.db", program)];
    const codes = await Promise.all(others.map((other) => once(other, "exit")));
    assert.deepEqual(
      codes.map(([code]) => code),
      [0, 0],
    );
    assert.equal(await readCounter(database), 200);
    await database.close();
  });

  it("can be created and migrated by several processes at once, each migration running once", async () => {
    const program = `
      const { migrate } = await import("./migrate.ts");
      const step = (run) => ({ breaks: false, run });
      const add = step(async ({ db }) => { await sql\`insert into runs (pid) values (\${process.pid})\`.execute(db); });
      const migrations = {
        a: step(async ({ db, integer }) => { await db.schema.createTable("runs").addColumn("pid", integer).execute(); }),
        b: add, c: add, d: add,
      };
      await migrate(database, migrations, { now: () => new Date(), log: () => {} });`;
    const others = Array.from({ length: 3 }, () => runElsewhere("new.db", program));
    const codes = await Promise.all(others.map((other) => once(other, "exit")));
    assert.deepEqual(
      codes.map(([code]) => code),
      [0, 0, 0],
    );
    const database = await openFile("new.db");
    const { rows } = await sql`select count(*) as runs from runs`.execute(database.kysely);
    assert.deepEqual(rows, [{ runs: 3 }]);
    await database.close();
  });

  it("says that it is busy while another process keeps it locked, and works again afterwards", async () => {
    const database = await openFile("locked.db");
    await withCounter(database);
    await sql`pragma busy_timeout = 20`.execute(database.kysely);
    const other = runElsewhere(
      "locked.db",
      `await kysely.transaction().execute(async () => {
        console.log("locked");
        await new Promise((resolve) => process.stdin.once("data", resolve));
      });
      process.stdin.destroy();`,
    );
    await once(other.stdout, "data");
    const change = () => sql`update counters set n = 1`.execute(database.kysely);
    await assert.rejects(change(), isBusy);
    await assert.rejects(
      database.kysely.transaction().execute(async () => {}),
      isBusy,
    );
    assert.equal(await readCounter(database), 0, "reading does not wait for the writer");
    other.stdin.end("go on\n");
    await once(other, "exit");
    await change();
    assert.equal(await readCounter(database), 1);
    await database.close();
  });

  for (const [trouble, begin, end] of [
    ["its disk is full", "max_page_count = 1", "max_page_count = 1000"],
    ["nothing can be written", "query_only = on", "query_only = off"],
  ] as const) {
    it(`says that it is busy while ${trouble}, loses nothing, and works again afterwards`, async () => {
      const database = await openFile(`${trouble}.db`);
      await withCounter(database);
      const set = (pragma: string) => sql`pragma ${sql.raw(pragma)}`.execute(database.kysely);
      const change = (rows: number) =>
        database.kysely.transaction().execute(async (db) => {
          await sql`update counters set n = n + 1`.execute(db);
          await sql`create table filler (text text)`.execute(db);
          for (let row = 0; row < rows; row += 1)
            await sql`insert into filler values (${"x".repeat(5000)})`.execute(db);
        });
      await set(begin);
      await assert.rejects(change(20), isBusy);
      assert.equal(await readCounter(database), 0);
      await set(end);
      await change(20);
      assert.equal(await readCounter(database), 1);
      await database.close();
    });
  }
});

describe("a statement on SQLite", () => {
  it("is refused with too few or too many parameters, counted outside texts, names and comments", async () => {
    const database = await openDatabase("sqlite::memory:");
    const run = (text: string, ...values: unknown[]) =>
      database.kysely.executeQuery(CompiledQuery.raw(text, values));
    await assert.rejects(run("select ? as a, ? as b", 1), /has 2 parameters, 1 were given/);
    await assert.rejects(run("select ? as a", 1, 2), /has 1 parameters, 2 were given/);
    const tricky = `select '?''?' as "?1", ? as [?2] /* ? */ -- ?`;
    assert.deepEqual((await run(tricky, 7)).rows, [{ "?1": "?'?", "?2": 7 }]);
    await database.close();
  });

  it("gives blobs back as Buffers", async () => {
    const database = await openDatabase("sqlite::memory:");
    const { rows } = await sql`select ${new Uint8Array([1, 2])} as bytes`.execute(database.kysely);
    assert.deepStrictEqual(rows, [{ bytes: Buffer.from([1, 2]) }]);
    await database.close();
  });

  it("stays right when more statements are in use than are kept, and when a table changes under them", async () => {
    const database = await openDatabase("sqlite::memory:");
    await withCounter(database);
    const all = () => sql`select * from counters`.execute(database.kysely);
    assert.deepEqual((await all()).rows, [{ n: 0 }]);
    await sql`alter table counters add column m integer`.execute(database.kysely);
    assert.deepEqual((await all()).rows, [{ n: 0, m: null }]);
    for (let i = 0; i < 450; i += 1) {
      const { rows } = await sql`select ${sql.raw(String(i % 225))} as i`.execute(database.kysely);
      assert.deepEqual(rows, [{ i: i % 225 }]);
    }
    assert.deepEqual((await all()).rows, [{ n: 0, m: null }]);
    await database.close();
  });
});
