/** A URL opens the database it names, or says what is wrong with it without repeating it. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { DatabaseUnusable } from "./dialect.ts";
import { openDatabase } from "./open.ts";

describe("opening a database by its URL", () => {
  it("refuses what it cannot open, and does not repeat a password", async () => {
    const wrong: [string, RegExp, RegExp][] = [
      ["mysql://root:hunter2@localhost/auth", /not mysql:…/, /write sqlite:PATH or postgres:/],
      ["./hunter2.db", /no such beginning/, /write sqlite:PATH or postgres:/],
      ["", /no such beginning/, /write sqlite:PATH or postgres:/],
      ["sqlite:", /path of the database is missing/, /sqlite:\.\/data/],
      ["sqlite://hunter2.db", /two slashes in front/, /sqlite:\.\/data/],
      ["postgres://user:hunter2@", /not complete/, /postgres:\/\/user:password@host:5432\/name; .* # as %23/],
      ["postgres://user:hunter2#x@db:5432/auth", /not complete/, /# as %23/],
      ["postgres://user:hunter2/x@db:5432/auth", /not complete/, /\/ as %2F/],
      ["postgres://user:12#hunter2@db:5432/auth", /holds a #, \/ or \? that ends it/, /# as %23/],
      ["postgres://user:12/hunter2@db:5432/auth", /holds a #, \/ or \? that ends it/, /\/ as %2F/],
      ["postgres://user:12?hunter2@db:5432/auth", /holds a #, \/ or \? that ends it/, /\? as %3F/],
      ["postgres://user:hunter2%@db:5432/auth", /holds a % that stands for nothing/, /% as %25/],
      ["postgres://user:hunter2%zz@db:5432/auth", /holds a % that stands for nothing/, /% as %25/],
      ["postgres://user:hunter2%ff@db:5432/auth", /holds a % that stands for nothing/, /% as %25/],
    ];
    for (const [url, message, remedy] of wrong) {
      await assert.rejects(openDatabase(url), (error) => {
        assert.ok(error instanceof DatabaseUnusable, url);
        assert.match(error.message, message);
        assert.match(error.remedy, remedy);
        assert.doesNotMatch(error.message + error.remedy, /hunter2/);
        return true;
      });
    }
  });

  it("takes a password with every character in it, escaped, and other spellings that name a server", async () => {
    for (const url of [
      "postgres://user:%25%23%2F%3F%40%3A@db:5432/auth",
      "postgres://user:a@b:c!$&'()*+,;=@db/auth",
      "postgresql://db/auth?user=a@b&password=x",
      "postgres:///auth?host=/var/run/postgresql",
    ]) {
      await (await openDatabase(url)).close();
    }
  });

  it("does not load PostgreSQL's driver for SQLite", () => {
    const program = `
      import { createRequire } from "node:module";
      import { openDatabase } from "./open.ts";
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((file) => /node_modules.pg./.test(file));
      await (await openDatabase("sqlite::memory:")).close();
      const forSqlite = loaded().length;
      await (await openDatabase("postgres://user@127.0.0.1/none")).close();
      console.log(JSON.stringify({ forSqlite, forPostgres: loaded().length > 0 }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), { forSqlite: 0, forPostgres: true });
  });
});
