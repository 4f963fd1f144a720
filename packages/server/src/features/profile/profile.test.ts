import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserFields } from "../../core/accounts/fields.ts";
import { naughtyStrings } from "../../testing/naughty-strings.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, payloadOf } from "../../testing/tokens.ts";

const path = "/api/auth/profile/";
const preferences = "/api/auth/preferences/";
const withPreferences = { preferences: { type: "json", default: {} } } as const;

const changes = async (t: TestAuth) =>
  (await t.rows("audit")).filter((row) => row.event === "profile.changed");

/** What somebody might send to get rights: names that this product, its database or another one uses. */
const rights = {
  ...{ is_staff: true, is_superuser: true, is_admin: true, is_active: false, is_verified: true },
  ...{ email_verified: true, verified_at: 1, role: "admin", roles: ["admin"], permissions: ["*"] },
  ...{ id: "00000000-0000-4000-8000-000000000000", uuid: "x", pk: 1, user_id: "x", account_id: "x" },
  ...{ email: "stolen@example.org", email_canonical: "stolen@example.org", username_canonical: "root" },
  ...{ password: "Stolen-Harbour-1", password2: "Stolen-Harbour-1", password_hash: "x" },
  ...{ created_at: 0, updated_at: 0, last_sign_in_at: 0, disabled_at: 1, tokens_valid_from: 9e15 },
  ...{ token_version: 9, sessions: [], identities: [], mfa: false, mfa_enabled: false, tenant_id: 1 },
  ...{ provider: "x", metadata: { role: "admin" }, app_metadata: { role: "admin" }, plan: "pro" },
};
const nested = { user: rights, data: rights, profile: rights, $set: rights, "fields.is_staff": true };
const plan: UserFields = { plan: { type: "text", default: "free", writableBy: "admin" } };

/** JSON whose keys would change what every object inherits, if anybody copied them carelessly. */
const poison = [
  '{"__proto__":{"is_staff":true,"plan":"pro"}}',
  '{"constructor":{"prototype":{"is_staff":true,"plan":"pro"}}}',
  '{"prototype":{"is_staff":true},"bio":"x"}',
  '{"bio":"x","__proto__":null}',
  '{"__proto__":{"username":"root","bio":{"__proto__":{"is_staff":true}}}}',
  '{"toString":"x","hasOwnProperty":"x","valueOf":1}',
];

describe("the profile", () => {
  it("is one's own, whoever else is named", async () => {
    await using t = await testAuth();
    const [ada, bob] = [await (await t.person()).signIn(), await (await t.person()).signIn()];
    const bobsId = payloadOf(bob.access).user_id;
    const own = await t.http.get(`${path}?id=${bobsId}&user_id=${bobsId}`, { token: ada.access });
    assert.equal(own.body.id, payloadOf(ada.access).user_id);
    await t.http.patch(path, { id: bobsId, user_id: bobsId, bio: "mine" }, { token: ada.access });
    assert.equal((await t.http.get(path, { token: bob.access })).body.bio, "");
    assert.deepEqual(Object.keys(own.body), [
      ...["id", "email", "username", "first_name", "last_name", "bio", "is_verified"],
    ]);
  });

  it("is changed by PATCH in what is named alone; an empty PATCH is answered and changes nothing", async () => {
    await using t = await testAuth();
    const ada = await t.person({ fields: { first_name: "Ada", last_name: "L", bio: "first" } });
    const { access } = await ada.signIn();
    const changed = await t.http.patch(path, { bio: "second" }, { token: access });
    assert.deepEqual(
      [changed.status, changed.body.first_name, changed.body.bio, changed.body.username],
      [200, "Ada", "second", ada.username],
    );
    const before = await t.snapshot();
    const empty = await t.http.patch(path, {}, { token: access });
    assert.deepEqual([empty.status, empty.body], [200, changed.body]);
    assert.deepEqual(await t.snapshot(), before);
    assert.deepEqual(
      (await changes(t)).map((row) => JSON.parse(String(row.details))),
      [{ fields: "bio" }],
    );
  });

  it("is changed by PUT likewise, but the username must be there", async () => {
    await using t = await testAuth();
    const ada = await t.person({ fields: { first_name: "Ada", bio: "first" } });
    const { access } = await ada.signIn();
    const without = await t.http.put(path, { bio: "second" }, { token: access });
    assert.deepEqual([without.status, without.body], [400, { username: ["This field is required."] }]);
    const changed = await t.http.put(path, { username: "countess" }, { token: access });
    assert.deepEqual(
      [changed.status, changed.body.username, changed.body.first_name, changed.body.bio],
      [200, "countess", "Ada", "first"],
    );
  });

  it("takes no half of a body: one wrong field, and all keep their values", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    const before = await t.snapshot();
    const answer = await t.http.patch(path, { bio: "new", first_name: 1, username: "" }, { token: access });
    assert.deepEqual(
      [answer.status, answer.body],
      [400, { username: ["This field may not be blank."], first_name: ["Not a valid string."] }],
    );
    assert.deepEqual(await t.snapshot(), before);
  });

  it("keeps what people call themselves as it was typed, or refuses it (naughty strings)", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const { access } = await (await t.person()).signIn();
    let kept = 0;
    // An answer that shows a path of a machine's would be taken for a leak.
    for (const text of naughtyStrings.filter((one) => !/file:|\/(?:usr|home)\//.test(one))) {
      const sent = { first_name: text, last_name: text, bio: text };
      const answer = await t.http.patch(path, sent, { token: access });
      if (answer.status === 400) continue;
      assert.equal(answer.status, 200, text);
      kept += 1;
      const shown = (await t.http.get(path, { token: access })).body;
      for (const name of ["first_name", "last_name", "bio"]) {
        assert.match(text.replace(shown[name], ""), /^[\s\p{Cc}]*$/u, "more than white space is lost");
      }
    }
    assert.ok(kept > 400, `${kept} kept`);
  });

  it("knows no patch languages", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    for (const type of ["application/json-patch+json", "application/merge-patch+json", "text/plain"]) {
      const headers = { "content-type": type };
      const answer = await t.http.patch(path, { bio: "x" }, { token: access, headers });
      assert.equal(answer.status, 415, type);
    }
  });

  it("keeps both of two changes of different fields at the same moment", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    await Promise.all([
      t.http.patch(path, { bio: "one" }, { token: access }),
      t.http.patch(path, { first_name: "Ada" }, { token: access }),
      t.http.patch(path, { last_name: "Lovelace" }, { token: access }),
    ]);
    const { body } = await t.http.get(path, { token: access });
    assert.deepEqual([body.bio, body.first_name, body.last_name], ["one", "Ada", "Lovelace"]);
  });

  it("is there for a token of simplejwt", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    const token = foreignToken(t, "access", payloadOf(access).user_id);
    assert.equal((await t.http.patch(path, { bio: "x" }, { token })).body.bio, "x");
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const { access } = await (await t.person()).signIn();
      return () => t.auth.profile.change(payloadOf(access).user_id, { bio: "x", username: "countess" });
    });
  });
});

describe("nobody gives themself rights", () => {
  it("by naming them on the profile, at the top or nested", async () => {
    await using t = await testAuth({ fields: plan });
    const ada = await t.person({ username: "honest" });
    const { access } = await ada.signIn();
    const own = (await t.http.get(path, { token: access })).body;
    const [before] = (await t.rows("accounts")).filter((row) => row.username === "honest");
    for (const body of [rights, nested, { ...nested, ...rights }]) {
      for (const answer of [
        await t.http.patch(path, body, { token: access }),
        await t.http.put(path, { ...body, username: "honest" }, { token: access }),
      ])
        assert.deepEqual([answer.status, answer.body], [200, own]);
    }
    const [after] = (await t.rows("accounts")).filter((row) => row.username === "honest");
    assert.deepEqual({ ...after, updated_at: 0 }, { ...before, updated_at: 0 });
  });

  it("by registering with them", async () => {
    await using t = await testAuth({ fields: plan });
    const { password: _, password2: __, email: ___, ...others } = rights;
    await t.person({ username: "honest" });
    await t.person({ username: "greedy", fields: { ...others, ...nested }, verified: false });
    const rows = new Map((await t.rows("accounts")).map((row) => [row.username, row]));
    const [honest, greedy] = [rows.get("honest"), rows.get("greedy")];
    assert.deepEqual([greedy?.plan, greedy?.verified_at, greedy?.disabled_at], ["free", null, null]);
    for (const name of ["tokens_valid_from", "last_sign_in_at", "created_at", "plan"])
      assert.deepEqual(greedy?.[name], honest?.[name], name);
    assert.notEqual(greedy?.id, rights.id);
  });

  it("by a form, a query or a cookie", async () => {
    await using t = await testAuth({ fields: plan });
    const { access } = await (await t.person()).signIn();
    const query = "is_verified=false&plan=pro&username=root&email=stolen@example.org";
    const headers = { "content-type": "application/x-www-form-urlencoded", cookie: "plan=pro" };
    const answer = await t.http.patch(`${path}?${query}`, "plan=pro&is_verified=false&bio=x", {
      token: access,
      headers,
    });
    assert.deepEqual(
      [answer.status, answer.body.plan, answer.body.bio, answer.body.username, answer.body.is_verified],
      [200, "free", "x", "person1", true],
    );
  });

  it("by poisoning what every object inherits: for themself, for others, or for the process", async () => {
    await using t = await testAuth({ fields: { ...plan, ...withPreferences } });
    const ada = await (await t.person()).signIn();
    const own = (await t.http.get(path, { token: ada.access })).body;
    const headers = { "content-type": "application/json" };
    for (const body of poison) {
      const changed = await t.http.patch(path, body, { token: ada.access, headers });
      assert.equal(changed.status, 200, changed.text);
      assert.deepEqual({ ...changed.body, bio: "" }, { ...own, bio: "" });
      const kept = await t.http.put(preferences, body, { token: ada.access, headers });
      assert.deepEqual([kept.status, kept.body], [200, JSON.parse(body)], "data is data");
      assert.equal((await t.http.post("/api/auth/login/", body, { headers })).status, 400);
      assert.equal((await t.http.post("/api/auth/register/", body, { headers })).status, 400);
      await t.http.put(preferences, {}, { token: ada.access });
    }
    const bob = await (await t.person()).signIn();
    const his = (await t.http.get(path, { token: bob.access })).body;
    assert.deepEqual([his.plan, his.is_staff, his.preferences], ["free", undefined, {}]);
    const plain: Record<string, unknown> = {};
    assert.deepEqual([plain.is_staff, plain.plan, plain.username], [undefined, undefined, undefined]);
  });
});

describe("preferences", () => {
  it("are one JSON object, replaced as a whole and shown on the profile too", async () => {
    await using t = await testAuth({ fields: withPreferences });
    const { access } = await (await t.person()).signIn();
    assert.deepEqual((await t.http.get(preferences, { token: access })).body, {});
    const kept = { theme: "dark", n: 1, nested: { list: [1, null, "🙂"] }, "": true };
    const put = await t.http.put(preferences, kept, { token: access });
    assert.deepEqual([put.status, put.body], [200, kept]);
    assert.deepEqual((await t.http.get(path, { token: access })).body.preferences, kept);
    await t.http.put(preferences, { other: 1 }, { token: access });
    assert.deepEqual((await t.http.get(preferences, { token: access })).body, { other: 1 });
  });

  it("that say nothing read as an empty object, as in the original", async () => {
    await using t = await testAuth({ fields: withPreferences });
    const { access } = await (await t.person()).signIn();
    for (const body of ["[]", "null", "0", "true", '"text"', "[1]", ""]) {
      await t.http.put(preferences, { a: 1 }, { token: access });
      const headers = { "content-type": "application/json" };
      const answer = await t.http.put(preferences, body, { token: access, headers });
      assert.deepEqual([answer.status, answer.body], [200, {}], body);
    }
    await t.http.patch(path, { preferences: [] }, { token: access });
    assert.deepEqual((await t.http.get(preferences, { token: access })).body, {});
  });

  it("refuse what no database keeps", async () => {
    await using t = await testAuth({ fields: withPreferences });
    const { access } = await (await t.person()).signIn();
    for (const body of [{ a: "x\0" }, { a: "\ud800" }, { "\0": 1 }]) {
      const answer = await t.http.put(preferences, body, { token: access });
      assert.deepEqual(
        [answer.status, answer.body],
        [400, { non_field_errors: ["Value must be valid JSON."] }],
      );
    }
  });

  const undeclared: Readonly<Record<string, UserFields>> = {
    "are not declared": {},
    "are no JSON": { preferences: { type: "text" } },
    "are not their owner's to write": { preferences: { type: "json", default: {}, writableBy: "admin" } },
    "are hidden": { preferences: { type: "json", default: {}, hidden: true } },
  };
  for (const [why, fields] of Object.entries(undeclared)) {
    it(`have no address of their own where they ${why}`, async () => {
      await using t = await testAuth({ fields });
      const { access } = await (await t.person()).signIn();
      assert.equal((await t.http.get(preferences, { token: access })).status, 404);
      assert.equal((await t.http.put(preferences, {}, { token: access })).status, 404);
      const { paths } = (await t.http.get("/api/schema/")).body;
      assert.ok(!Object.keys(paths).some((path) => `${path}/` === preferences));
    });
  }
});
