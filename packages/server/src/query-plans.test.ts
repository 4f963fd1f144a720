/** How the database finds its rows: no statement that an everyday call makes reads a table from end to end. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CompiledQuery } from "kysely";
import { keepHouse } from "./core/housekeeping.ts";
import type { AroundStatement } from "./platform/database/dialect.ts";
import { type TestAuth, testAuth } from "./testing/test-auth.ts";

/** A table that stays small whatever happens is read as a whole for good reason. */
const smallTables = new Set(["facts", "signing_keys", "captured_mails"]);

/** Holds the mail that waits alone, and is walked in its order, to the first that is due. */
const walkedIndexes = new Set(["outbox_turns"]);

/** A day in the life of a system: every flow that people go through, and what runs beside. */
async function live(t: TestAuth): Promise<void> {
  const ada = await t.person();
  const { access, refresh } = await ada.signIn();
  await ada.login("a wrong password");
  await t.http.post("/api/auth/login/", { email: "nobody@example.org", password: "a wrong password" });
  await t.http.post("/api/auth/register/", {
    ...{ email: ada.email, username: "other", password: "Green-Valley-82", password2: "Green-Valley-82" },
    ...{ first_name: "", last_name: "" },
  });
  const bob = await t.person({ verified: false });
  await t.http.post("/api/auth/verify-email/resend/", { email: bob.email });
  await t.http.post("/api/auth/verify-email/", { email: bob.email, code: "000000" });
  const { body: tokens } = await t.http.post("/api/auth/token/refresh/", { refresh });
  await t.http.post("/api/auth/token/refresh/", { refresh });
  await t.http.post("/api/auth/token/verify/", { token: tokens.access });
  await t.http.post("/api/auth/token/verify/", { token: tokens.refresh });
  await t.http.get("/api/auth/profile/", { token: access });
  await t.http.patch("/api/auth/profile/", { username: "ada", bio: "Makes pictures." }, { token: access });
  await t.http.get("/api/auth/sessions/", { token: access });
  const password = { new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
  await t.http.post(
    "/api/auth/password/change/",
    { current_password: ada.password, ...password },
    { token: access },
  );
  await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
  const token = await t.linkToken("reset-password", ada.email);
  const next = { new_password: "Brown-Canyon-93", new_password_confirm: "Brown-Canyon-93" };
  await t.http.post("/api/auth/password/reset/confirm/", { token, ...next });
  const again = await ada.login("Brown-Canyon-93");
  await t.http.post("/api/auth/logout/", { refresh: again.body.refresh });
  const last = await ada.login("Brown-Canyon-93");
  await t.http.delete("/api/auth/account/", { password: "Brown-Canyon-93" }, { token: last.body.access });
  await t.mailbox();
  await keepHouse(t.ctx);
}

/** The tables that a statement reads from end to end, as the database means to run it. */
async function findScans({ database }: TestAuth, text: string): Promise<string[]> {
  if (database.kind === "sqlite") {
    const parameters = Array.from(text.match(/\?/g) ?? [], () => null);
    const { rows } = await database.kysely.executeQuery(
      CompiledQuery.raw(`explain query plan ${text}`, parameters),
    );
    return (rows as { detail: string }[]).flatMap(({ detail }) => {
      const [, table, index] = /^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?/.exec(detail) ?? [];
      return table === undefined || walkedIndexes.has(index ?? "") ? [] : [table];
    });
  }
  return database.kysely.transaction().execute(async (db) => {
    // In a small table it would rather read all: asked not to, it does only where nothing else is possible.
    await db.executeQuery(CompiledQuery.raw("set local enable_seqscan = off"));
    const { rows } = await db.executeQuery(CompiledQuery.raw(`explain (generic_plan) ${text}`));
    return (rows as Record<string, string>[]).flatMap(
      (row) => /Seq Scan on (\w+)/.exec(row["QUERY PLAN"] ?? "")?.[1] ?? [],
    );
  });
}

describe("every statement of every day", () => {
  it("finds its rows by an index, and holds no value in its text", async () => {
    const statements = new Set<string>();
    const aroundStatement: AroundStatement = (text, run) => {
      statements.add(text);
      return run();
    };
    await using t = await testAuth({ aroundStatement });
    statements.clear();
    await live(t);
    const seen = [...statements].filter((text) => /^(?:select|insert|update|delete|with)\b/i.test(text));
    assert.ok(seen.length > 45, `only ${seen.length} statements were seen`);
    // With a value in it, each text would be new to the database, and the value would stand where texts are logged.
    assert.deepEqual(
      seen.filter((text) => /\d{4}|'/.test(text)),
      [],
    );
    for (const text of seen) {
      const scans = (await findScans(t, text)).filter((table) => !smallTables.has(table));
      assert.deepEqual(scans, [], text);
    }
  });
});
