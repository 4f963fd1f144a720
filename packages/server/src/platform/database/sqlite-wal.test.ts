/** A log that a crash left is used with the file it belongs to, and with no other that was put in its place. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { sql } from "kysely";
import { DatabaseUnusable } from "./dialect.ts";
import { openDatabase } from "./open.ts";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "imagaine-auth-wal-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
const newFile = () => join(folder, `${(count += 1)}.db`);
const open = (file: string) => openDatabase(`sqlite:${file}`);

/** Writes rows of 1 kB, one commit each, in a process that then ends in order or is killed. */
function write(file: string, rows: number, end: "closed" | "killed", copy?: string): void {
  const program = `
    import { copyFileSync } from "node:fs";
    import { sql } from "kysely";
    import { openDatabase } from "./open.ts";
    const database = await openDatabase(${JSON.stringify(`sqlite:${file}`)});
    const { kysely } = database;
    await sql\`pragma synchronous = off\`.execute(kysely);
    // A log is some twenty pages long, so that there are several.
    await sql\`pragma wal_autocheckpoint = 20\`.execute(kysely);
    await kysely.transaction().execute((db) => sql\`create table if not exists t (n integer primary key, x text)\`.execute(db));
    await sql\`create index if not exists by_x on t (x)\`.execute(kysely);
    for (let n = 0; n < ${rows}; n += 1) {
      await sql\`insert into t (x) values (hex(randomblob(500)))\`.execute(kysely);
      if (${JSON.stringify(copy ?? "")} && n === ${Math.floor(rows / 2)}) await sql\`vacuum into ${copy ?? ""}\`.execute(kysely);
    }
    if (${end === "killed"}) process.kill(process.pid, "SIGKILL");
    await database.close();`.replace("vacuum into " + (copy ?? ""), `vacuum into '${copy ?? ""}'`);
  const { status, signal, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.deepEqual([status, signal], end === "killed" ? [null, "SIGKILL"] : [0, null], stderr);
}

async function countRows(file: string): Promise<number> {
  const database = await open(file);
  const { rows } = await sql<{ n: number }>`select count(*) as n from t`.execute(database.kysely);
  const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(database.kysely);
  assert.deepEqual(check.rows, [{ integrity_check: "ok" }]);
  await database.close();
  return rows[0]?.n ?? assert.fail();
}

function forget(file: string): void {
  rmSync(`${file}-shm`, { force: true });
}

/** Refused, as often as it is tried, without a byte of either file changing; and good once the log is out of the way. */
async function assertRefused(file: string, rows: number): Promise<void> {
  const bytes = () => [file, `${file}-wal`].map((path) => readFileSync(path).toString("latin1"));
  const before = bytes();
  for (let tried = 0; tried < 2; tried += 1) {
    await assert.rejects(open(file), (error) => {
      assert.ok(error instanceof DatabaseUnusable);
      assert.ok(error.message.startsWith(`${file}-wal does not belong to ${file}`), error.message);
      assert.ok(error.remedy.includes(`mv ${file}-wal ${file}-wal.old`));
      return true;
    });
  }
  assert.ok(bytes().every((text, index) => text === before[index]));
  renameSync(`${file}-wal`, `${file}-wal.old`);
  assert.equal(await countRows(file), rows);
}

describe("the log of an SQLite file", () => {
  for (const rows of [1, 33]) {
    it(`is used after a crash, ${rows} commits after the start, and after several`, async () => {
      const file = newFile();
      for (let crash = 1; crash <= 2; crash += 1) write(file, rows, "killed");
      assert.ok(statSync(`${file}-wal`).size > 0);
      assert.equal(await countRows(file), 2 * rows);
    });

    it(`is not used with a copy made before the last start, ${rows} commits later`, async () => {
      const file = newFile();
      write(file, 30, "closed");
      copyFileSync(file, `${file}.backup`);
      write(file, rows, "killed");
      copyFileSync(`${file}.backup`, file);
      await assertRefused(file, 30);
    });

    it(`is not used with a copy that SQLite made in between, ${rows} commits after the start`, async () => {
      const file = newFile();
      write(file, rows, "killed", `${file}.backup`);
      copyFileSync(`${file}.backup`, file);
      await assertRefused(file, Math.floor(rows / 2) + 1);
    });
  }

  it("is not used with a copy by SQLite's backup of a running system, made anew or over an earlier one", async () => {
    const file = newFile();
    write(file, 30, "closed");
    for (let night = 1; night <= 3; night += 1) {
      const database = await open(file);
      await sql`insert into t (x) values ('before')`.execute(database.kysely);
      const reader = new DatabaseSync(file);
      await backup(reader, `${file}.backup`);
      reader.close();
      await database.close();
    }
    write(file, 20, "killed");
    copyFileSync(`${file}.backup`, file);
    await assertRefused(file, 33);
  });

  it("is not thrown away when the file is gone: SQLite would delete it", async () => {
    const file = newFile();
    write(file, 20, "killed");
    renameSync(file, `${file}.kept`);
    await assert.rejects(open(file), DatabaseUnusable);
    assert.ok(!existsSync(file) && statSync(`${file}-wal`).size > 0);
    renameSync(`${file}.kept`, file);
    assert.equal(await countRows(file), 20);
  });

  it("moves along with its file: the three together are the state of the crash", async () => {
    const [file, moved] = [newFile(), newFile()];
    write(file, 60, "killed");
    for (const suffix of ["", "-wal"]) copyFileSync(file + suffix, moved + suffix);
    assert.equal(await countRows(moved), 60);
  });

  it("is used when an earlier version of this program left it, which gave it no number", async () => {
    const file = newFile();
    const program = `
      const { DatabaseSync } = require("node:sqlite");
      const file = new DatabaseSync(${JSON.stringify(file)});
      file.exec("pragma journal_mode = wal; create table t (n integer primary key, x text)");
      for (let n = 0; n < 50; n += 1) file.exec("insert into t (x) values ('x')");
      process.kill(process.pid, "SIGKILL");`;
    spawnSync(process.execPath, ["--eval", program]);
    assert.ok(statSync(`${file}-wal`).size > 0);
    assert.equal(await countRows(file), 50);
  });

  it("is tied without a commit failing, though another process holds the file", async () => {
    const file = newFile();
    write(file, 5, "closed");
    const [database, other] = [await open(file), new DatabaseSync(file, { timeout: 0 })];
    other.exec("begin; select * from t");
    await sql`insert into t (x) values ('x')`.execute(database.kysely);
    other.exec("commit");
    assert.equal(
      (await sql<{ n: number }>`select count(*) as n from t`.execute(database.kysely)).rows[0]?.n,
      6,
    );
    await database.close();
    other.close();
    forget(file);
  });
});
