/** A URL opens the database it names, or says what is wrong with it without repeating it. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { openDatabase } from "./open.ts";

describe("opening a database by its URL", () => {
  it("refuses what it cannot open, and does not repeat a password", async () => {
    const wrong: [string, RegExp][] = [
      ["mysql://root:hunter2@localhost/auth", /not mysql:…/],
      ["./hunter2.db", /no such beginning/],
      ["", /no such beginning/],
      ["sqlite:", /path is missing/],
      ["sqlite://hunter2.db", /without slashes in front/],
      ["postgres://user:hunter2@", /not complete/],
    ];
    for (const [url, message] of wrong) {
      await assert.rejects(openDatabase(url), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      });
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
