/** What SQLite in a file promises: nobody else reads it, a commit stays, and other processes may write too. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CompiledQuery, sql } from "kysely";
import {
  type Database,
  type DatabaseOptions,
  DatabaseUnusable,
  DatabaseUnwritable,
  isBusy,
} from "./dialect.ts";
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

async function openFile(name: string, options?: DatabaseOptions): Promise<Database> {
  return openDatabase(`sqlite:${join(folder, name)}`, options);
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

  it("commits safely, checks references and wipes what is deleted", async () => {
    const database = await openFile("pragmas.db");
    const ask = async (name: string) => {
      const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(database.kysely);
      return Object.values(rows[0] ?? {})[0];
    };
    assert.equal(await ask("journal_mode"), "wal");
    assert.equal(await ask("synchronous"), 2);
    assert.equal(await ask("foreign_keys"), 1);
    assert.equal(await ask("busy_timeout"), 0);
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

  it("says which file it cannot open, why, and what to do", async () => {
    const file = (name: string) => join(folder, name);
    writeFileSync(file("text.db"), "This is not a database.".repeat(100));
    const whole = await openFile("damaged.db");
    await withCounter(whole);
    await whole.close();
    const bytes = readFileSync(file("damaged.db"));
    writeFileSync(file("damaged.db"), bytes.fill(0x5a, 100, 4000));
    const wrong: [string, RegExp, RegExp][] = [
      ["no-such-folder/auth.db", /its folder does not exist \(ENOENT\)/, /make the folder/],
      ["text.db/auth.db", /its folder is a file \(ENOTDIR\)/, /name another file/],
      [".", /it is a folder/, /name a file in it/],
      ["text.db", /text\.db is no SQLite database/, /restore it from a backup/],
    ];
    for (const [name, message, remedy] of wrong) {
      await assert.rejects(openFile(name), (error) => {
        assert.ok(error instanceof DatabaseUnusable, String(error));
        assert.ok(error.message.includes(file(name)), error.message);
        assert.match(error.message, message);
        assert.match(error.remedy, remedy);
        return true;
      });
    }
    const listTables = async () => {
      const database = await openFile("damaged.db");
      try {
        return await database.listTables(database.kysely);
      } finally {
        await database.close();
      }
    };
    await assert.rejects(
      listTables(),
      (error) => error instanceof DatabaseUnusable && /damaged\.db is damaged/.test(error.message),
    );
  });

  for (const [whose, fileMode, folderMode] of [
    ["file", 0o444, 0o777],
    ["folder", 0o666, 0o555],
  ] as const) {
    it(`says that another user's ${whose} is not its own`, async () => {
      const place = join(folder, `other-${whose}`);
      mkdirSync(place);
      const database = await openDatabase(`sqlite:${join(place, "auth.db")}`);
      await withCounter(database);
      await database.close();
      chmodSync(folder, 0o755);
      chmodSync(join(place, "auth.db"), fileMode);
      chmodSync(place, folderMode);
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [
          "--input-type=module",
          "--eval",
          `
          import { openSqlite } from "./sqlite.ts";
          if (process.getuid() === 0) process.setuid(65534);
          try { openSqlite(${JSON.stringify(join(place, "auth.db"))}, {}); } catch (error) { console.log(error.message, error.remedy); }`,
        ],
        { cwd: import.meta.dirname, encoding: "utf8" },
      );
      chmodSync(place, 0o755);
      assert.match(stdout, /^Cannot open the database .*auth\.db: /, stderr);
      assert.match(stdout, /give this user the file and its folder/);
      if (process.getuid?.() === 0)
        assert.match(stdout, /it belongs to user 0, and this process runs as user 65534/);
    });
  }

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

  /** A process that holds the write lock until it is told to let go. */
  async function lockElsewhere(name: string) {
    const other = runElsewhere(
      name,
      `await kysely.transaction().execute(async () => {
        console.log("locked");
        await new Promise((resolve) => process.stdin.once("data", resolve));
      });
      process.stdin.destroy();`,
    );
    await once(other.stdout, "data");
    return async () => {
      other.stdin.end("go on\n");
      await once(other, "exit");
    };
  }

  it("reads on while another process keeps it locked, refuses changes in time, and works again afterwards", async () => {
    const database = await openFile("locked.db", { patience: 1_000 });
    await withCounter(database);
    const letGo = await lockElsewhere("locked.db");
    const change = () => sql`update counters set n = n + 1`.execute(database.kysely);
    const changeInTransaction = () =>
      database.kysely.transaction().execute((db) => sql`update counters set n = n + 1`.execute(db));
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 10);
    let isDecided = false;
    const changes = Promise.allSettled([
      change(),
      changeInTransaction(),
      change(),
      changeInTransaction(),
      database.checkWritable(),
    ]);
    const decided = changes.finally(() => {
      isDecided = true;
    });
    let reads = 0;
    while (!isDecided) {
      assert.equal(await readCounter(database), 0);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!isDecided) reads += 1;
    }
    await decided;
    clearInterval(ticking);
    for (const outcome of await changes) {
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof DatabaseUnwritable);
      assert.match(outcome.reason.message, /locked\.db is held locked by another process/);
    }
    assert.ok(reads > 10 && ticks > 10, `only ${reads} reads and ${ticks} ticks beside the waiting changes`);
    await letGo();
    await change();
    await changeInTransaction();
    await database.checkWritable();
    assert.equal(await readCounter(database), 2);
    await database.close();
  });

  it("makes changes that waited for another process once it lets go, in the order they came", async () => {
    const database = await openFile("waiting.db");
    await withCounter(database);
    await sql`create table log (n integer)`.execute(database.kysely);
    const letGo = await lockElsewhere("waiting.db");
    const changes = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0
        ? sql`insert into log values (${n})`.execute(database.kysely)
        : database.kysely.transaction().execute((db) => sql`insert into log values (${n})`.execute(db)),
    );
    assert.equal(await readCounter(database), 0);
    await letGo();
    await Promise.all(changes);
    const { rows } = await sql<{ n: number }>`select n from log order by rowid`.execute(database.kysely);
    assert.deepEqual(
      rows.map(({ n }) => n),
      Array.from({ length: 20 }, (_, n) => n),
    );
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
      // What is there already can be written again on a full disk.
      if (trouble !== "its disk is full") await assert.rejects(database.checkWritable(), isBusy);
      await set(end);
      await database.checkWritable();
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
