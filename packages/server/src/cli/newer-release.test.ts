/** A database that a newer release migrated: an older one goes on beside it, or says at once why it cannot. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Box, openBox } from "../testing/command-line.ts";
import { testAuth } from "../testing/test-auth.ts";

const reason = "usernames moved to a table of their own";
const newer = "2027-01-01-next";

describe("a database that a newer release migrated", () => {
  let box: Box;
  before(async () => {
    box = await openBox();
    await box.run(["migrate"]);
  });
  after(() => box[Symbol.asyncDispose]());

  const note = (breaks: string | null) =>
    box.sqlite((file) => {
      file.exec("create table if not exists next (id text) strict");
      file
        .prepare("insert or replace into migrations (name, applied_at, breaks) values (?, 1, ?)")
        .run(newer, breaks);
    });
  const warnings = (text: string) =>
    text.split("\n").filter((line) => line.includes('"level":"warn"') && line.includes(newer));

  it("serves, with one warning that names what is not known, and nothing of it is touched", async () => {
    note(null);
    const server = await box.serve();
    const answer = await server.post("/api/auth/login/", {
      email: "ada@example.org",
      password: "securepassword123",
    });
    assert.equal(answer.status, 400);
    assert.equal(warnings(server.lines.join("\n")).length, 1);
    await server.stop();
    const kept = box.sqlite((file) => file.prepare("select name from migrations where name = ?").all(newer));
    assert.equal(kept.length, 1);
    assert.deepEqual(
      box.sqlite((file) => file.prepare("select * from next").all()),
      [],
    );
  });

  it("is worked on by every command, each with that one warning", async () => {
    note(null);
    for (const args of [
      ["user", "list"],
      ["migrate", "status"],
      ["migrate"],
      ["audit", "tail"],
      ["outbox", "list"],
    ]) {
      const { code, err } = await box.run(args);
      assert.equal(code, 0, `${args.join(" ")}: ${err}`);
      assert.equal(warnings(err).length, 1, `${args.join(" ")}: ${err}`);
    }
  });

  it("is refused, with the reason and the code for settings, when that release says what it broke", async () => {
    note(reason);
    for (const args of [["serve", "--port", "0"], ["user", "list"], ["migrate", "status"], ["migrate"]]) {
      const { code, err } = await box.runAlone(args);
      assert.equal(code, 78, `${args.join(" ")}: ${err}`);
      assert.ok(err.includes(`${newer} (${reason})`), err);
    }
  });

  it("is warned of once, however often a program asks", async () => {
    await using t = await testAuth();
    await t.database.kysely
      .$extendTables<{ migrations: { name: string; applied_at: number } }>()
      .insertInto("migrations")
      .values({ name: newer, applied_at: 1 })
      .execute();
    for (let n = 0; n < 2; n += 1) {
      assert.deepEqual(await t.auth.migrate(), []);
      assert.deepEqual(await t.auth.pendingMigrations(), []);
    }
    assert.equal(warnings(t.log.join("\n")).length, 1);
  });
});
