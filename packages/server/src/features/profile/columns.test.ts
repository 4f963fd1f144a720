/** The columns behind declared fields: added when the system starts, never dropped, unique where they say so. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserFields } from "../../core/accounts/fields.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { payloadOf } from "../../testing/tokens.ts";

const path = "/api/auth/profile/";
const phone: UserFields = { phone: { type: "text", unique: true } };
const taken = { phone: ["This field must be unique."] };

/** The same database under a system that declares other fields. */
const withFields = (t: TestAuth, fields: UserFields) => testAuth({ database: t.database, fields });

const send = (t: TestAuth, token: string, body: unknown) => t.http.patch(path, body, { token });

async function signedInPeople(t: TestAuth, count: number) {
  const people: { access: string }[] = [];
  while (people.length < count) people.push(await (await t.person()).signIn());
  return people;
}

describe("declaring a field", () => {
  it("adds its column to accounts that were there before, which then have its default", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    await using later = await withFields(t, {
      plan: { type: "text", default: "free" },
      level: { type: "integer", default: 3 },
      tags: { type: "json", default: ["new"] },
      fan: { type: "boolean", default: true },
      city: { type: "text", required: true },
    });
    const { body } = await later.http.get(path, { token: access });
    assert.deepEqual(
      [body.plan, body.level, body.tags, body.fan, body.city],
      ["free", 3, ["new"], true, null],
    );
    assert.deepEqual(await later.auth.migrate(), [], "and once is enough");
  });

  it("no more keeps the column and what it holds, and shows nothing of it", async () => {
    await using t = await testAuth({ fields: { plan: { type: "text", default: "free" } } });
    const { access } = await (await t.person({ fields: { plan: "pro" } })).signIn();
    await using fewer = await withFields(t, {});
    assert.ok(!("plan" in (await fewer.http.get(path, { token: access })).body));
    await send(fewer, access, { plan: "stolen", bio: "x" });
    assert.equal((await fewer.rows("accounts"))[0]?.plan, "pro");
    await fewer.person({ username: "bob" });
    await using again = await withFields(t, { plan: { type: "text", default: "free" } });
    assert.equal((await again.http.get(path, { token: access })).body.plan, "pro");
    const plans = (await again.rows("accounts")).map((row) => [row.username, row.plan]);
    assert.deepEqual(Object.fromEntries(plans), { person1: "pro", bob: "free" });
  });

  it("with another type than its column has is refused at start, and nothing is changed", async () => {
    await using t = await testAuth({ fields: { level: { type: "text" } } });
    await assert.rejects(withFields(t, { level: { type: "integer" } }), /accounts\.level is text/);
  });

  it("to be unique is refused while two accounts have the same value", async () => {
    await using t = await testAuth({ fields: { phone: { type: "text" } } });
    for (const username of ["ada", "bob"]) await t.person({ username, fields: { phone: "+44 1" } });
    await assert.rejects(withFields(t, phone), /accounts\.phone cannot become unique/);
  });

  it("may use words that a database has a meaning for, and those of other tables", async () => {
    const odd: UserFields = {
      order: { type: "text" },
      select: { type: "integer", default: 1 },
      group: { type: "oneOf", choices: ["a", "b"] },
      session_ended_at: { type: "text" },
      sid: { type: "text" },
      counter: { type: "integer" },
      rowid: { type: "integer" },
    };
    await using t = await testAuth({ fields: odd });
    const { access } = await (await t.person()).signIn();
    const sent = {
      ...{ order: "'; drop table accounts;--", select: 2, group: "b", session_ended_at: "never" },
      ...{ sid: "x", counter: 99, rowid: 1 },
    };
    const { status, body } = await send(t, access, sent);
    assert.equal(status, 200);
    for (const [name, value] of Object.entries(sent)) assert.equal(body[name], value, name);
    assert.equal((await t.http.get(path, { token: access })).body.session_ended_at, "never");
    await t.http.post("/api/auth/logout/", {}, { token: access });
    assert.equal((await t.http.get(path, { token: access })).status, 401);
  });
});

describe("a unique field", () => {
  it("is had by one account; its owner may send it again, and nobody or any number may have none", async () => {
    await using t = await testAuth({ fields: phone });
    const ada = await (await t.person({ fields: { phone: "+44 1" } })).signIn();
    const bob = await (await t.person()).signIn();
    const eve = await (await t.person()).signIn();
    assert.deepEqual((await send(t, bob.access, { phone: " +44 1 " })).body, taken);
    assert.equal((await send(t, ada.access, { phone: "+44 1" })).status, 200);
    for (const { access } of [bob, eve]) {
      assert.equal((await send(t, access, { phone: null })).status, 200);
      const { status, body } = await send(t, access, { phone: "" });
      assert.deepEqual([status, body.phone], [200, null], "an empty text says nothing");
    }
    assert.equal((await send(t, bob.access, { phone: "+44 2" })).status, 200);
    const late = await t.http.post("/api/auth/register/", {
      ...{ email: "late@example.org", username: "late", first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-71", password2: "Blue-Harbour-71", phone: "+44 2" },
    });
    assert.deepEqual([late.status, late.body], [400, taken]);
  });

  it("goes to one of two who ask for it at the same moment; the other is told so", async () => {
    await using t = await testAuth({ fields: phone, environment: { RATE_LIMITS: "off" } });
    const people = await signedInPeople(t, 4);
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(
        people.map(({ access }) =>
          send(t, access, { phone: `+44 ${round}`, bio: payloadOf(access).user_id }),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
      for (const { status, body } of answers) if (status !== 200) assert.deepEqual(body, taken);
      const holders = (await t.rows("accounts")).filter((row) => row.phone === `+44 ${round}`);
      assert.equal(holders.length, 1);
    }
  });

  it("is the username too, whatever its case or spelling, also in a race", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const people = await signedInPeople(t, 3);
    const spellings = ["Ängström", "ängström", "A\u0308NGSTRÖM"].map((name) => name.normalize("NFC"));
    const answers = await Promise.all(
      people.map(({ access }, n) => t.http.patch(path, { username: spellings[n] }, { token: access })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const { status, body } of answers) {
      if (status !== 200) assert.deepEqual(body, { username: ["A user with that username already exists."] });
    }
  });
});
