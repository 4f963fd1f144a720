/** Fields of every type, declared once and then met at every door: sent, judged, stored and shown. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineFields, type UserFields } from "../../core/accounts/fields.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const path = "/api/auth/profile/";

const fields = defineFields({
  nickname: { type: "text", maxLength: 10 },
  motto: { type: "text", blank: false, default: "none yet" },
  age: { type: "integer", least: 0, most: 150 },
  level: { type: "integer", default: 1 },
  newsletter: { type: "boolean", default: false },
  likes_tea: { type: "boolean" },
  birthday: { type: "date" },
  joined_on: { type: "date", default: "2020-02-29" },
  settings: { type: "json", default: { theme: "light" } },
  notes: { type: "json" },
  size: { type: "oneOf", choices: ["S", "M", "L"], default: "M" },
  colour: { type: "oneOf", choices: ["red", "blue"] },
  picture: { type: "text", default: "" },
  picture_url: { type: "link", of: "picture" },
});

const defaults = {
  ...{ nickname: null, motto: "none yet", age: null, level: 1, newsletter: false, likes_tea: null },
  ...{ birthday: null, joined_on: "2020-02-29", settings: { theme: "light" }, notes: null, size: "M" },
  ...{ colour: null, picture: "", picture_url: null },
};

/** For each field, what may be sent and how it is then shown; and what may not, with what is said of it. */
interface Case {
  readonly good: readonly (readonly [sent: unknown, shown: unknown])[];
  readonly bad: readonly (readonly [sent: unknown, ...sentences: string[]])[];
}

const same = (...values: readonly unknown[]) => values.map((value) => [value, value] as const);
const wrong = (sentence: string, ...values: readonly unknown[]) =>
  values.map((value) => [value, sentence] as const);
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
const notNull = "This field may not be null.";
const notDate = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";

const cases: Readonly<Record<string, Case>> = {
  nickname: {
    good: [...same("", "Ada", "a\nb", "💙".repeat(10), null), [" \u2003Ada\u001f ", "Ada"]],
    bad: [
      ...wrong("Not a valid string.", 1, true, [], {}, ["Ada"]),
      ["x".repeat(11), "Ensure this field has no more than 10 characters."],
      ["a\0b", "Null characters are not allowed."],
      ["a\ud800", "Surrogate characters are not allowed: U+D800."],
    ],
  },
  motto: {
    good: same("Per aspera", "x".repeat(5000)),
    bad: [...wrong("This field may not be blank.", "", "  \t"), [null, notNull]],
  },
  age: {
    good: [...same(0, 150, null), [1.0, 1]],
    bad: [
      ...wrong("A valid integer is required.", "1", 1.5, true, [1], {}, ""),
      [-1, "Ensure this value is greater than or equal to 0."],
      [151, "Ensure this value is less than or equal to 150."],
    ],
  },
  level: {
    good: same(-(2 ** 31), 2 ** 31 - 1, 0),
    bad: [
      [2 ** 31, "Ensure this value is less than or equal to 2147483647."],
      [2 ** 60, "Ensure this value is less than or equal to 2147483647."],
      [-(2 ** 31) - 1, "Ensure this value is greater than or equal to -2147483648."],
      [null, notNull],
    ],
  },
  newsletter: {
    good: same(true, false),
    bad: [...wrong("Must be a valid boolean.", 1, 0, "true", "", [], {}), [null, notNull]],
  },
  likes_tea: { good: same(false, true, null), bad: wrong("Must be a valid boolean.", "yes") },
  birthday: {
    good: same("1815-12-10", "2024-02-29", "0001-01-01", "9999-12-31", null),
    bad: wrong(notDate, "2023-02-29", "2024-13-01", "2024-1-1", "10.12.1815", "", 20240101, "0000-01-01", {}),
  },
  joined_on: { good: same("2026-11-24"), bad: [[null, notNull], ...wrong(notDate, "2026-11-24T00:00:00Z")] },
  settings: {
    good: same({}, [], { a: { b: [1, null, "x", true] } }, "text", 0, false, { "": 1, "🙂": 2 }, deep(499)),
    bad: [
      ...wrong("Value must be valid JSON.", "a\0b", { "a\0": 1 }, ["\ud800"], { "\udfff": 1 }, deep(501)),
      [null, notNull],
    ],
  },
  notes: { good: same(null, { a: 1 }, [1, 2, [3]]), bad: [] },
  size: {
    good: same("S", "M", "L"),
    bad: [
      ["XL", '"XL" is not a valid choice.'],
      ["s", '"s" is not a valid choice.'],
      [1, '"1" is not a valid choice.'],
      ["toString", '"toString" is not a valid choice.'],
      [null, notNull],
    ],
  },
  colour: { good: same("red", null), bad: [["", '"" is not a valid choice.']] },
};

const send = (t: TestAuth, token: string, body: unknown) => t.http.patch(path, body, { token });
const show = async (t: TestAuth, token: string) => (await t.http.get(path, { token })).body;
const from = { RATE_LIMITS: "off" };

describe("a field", () => {
  for (const [name, { good, bad }] of Object.entries(cases)) {
    it(`${name} takes what its type holds, and shows it again`, async () => {
      await using t = await testAuth({ fields, environment: from });
      const { access } = await (await t.person()).signIn();
      for (const [sent, shown] of good) {
        const answer = await send(t, access, { [name]: sent });
        assert.equal(answer.status, 200, JSON.stringify(sent).slice(0, 80));
        assert.deepEqual(answer.body[name], shown);
        assert.deepEqual((await show(t, access))[name], shown);
      }
    });

    it(`${name} refuses what its type does not hold, in the original's words, and keeps its value`, async () => {
      await using t = await testAuth({ fields, environment: from });
      const { access } = await (await t.person()).signIn();
      const before = await show(t, access);
      for (const [sent, ...sentences] of bad) {
        const answer = await send(t, access, { [name]: sent });
        const about = JSON.stringify(sent).slice(0, 80);
        assert.deepEqual([answer.status, answer.body], [400, { [name]: sentences }], about);
      }
      assert.deepEqual(await show(t, access), before);
    });
  }

  it("has its default until something is said, and is shown in the order of the declaration", async () => {
    await using t = await testAuth({ fields });
    const ada = await t.person();
    const { access } = await ada.signIn();
    const shown = await show(t, access);
    const base = ["id", "email", "username", "first_name", "last_name", "bio", "is_verified"];
    assert.deepEqual(Object.keys(shown), [...base, ...Object.keys(fields)]);
    for (const [name, value] of Object.entries(defaults)) assert.deepEqual(shown[name], value, name);
    assert.deepEqual(Object.keys((await ada.login()).body.user), Object.keys(shown));
  });

  it("can be given at registration, and is judged there in the same words", async () => {
    await using t = await testAuth({ fields });
    const given = {
      nickname: "Ada",
      age: 36,
      newsletter: true,
      birthday: "1815-12-10",
      settings: [1],
      size: "S",
    };
    const { access } = await (await t.person({ fields: given })).signIn();
    const shown = await show(t, access);
    for (const [name, value] of Object.entries(given)) assert.deepEqual(shown[name], value, name);
    const answer = await t.http.post("/api/auth/register/", {
      ...{ email: "bob@example.org", username: "bob", first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-71", password2: "Blue-Harbour-71", age: "36", size: "XL" },
    });
    assert.deepEqual(
      [answer.status, answer.body],
      [400, { age: ["A valid integer is required."], size: ['"XL" is not a valid choice.'] }],
    );
  });

  it("is kept as its column's type: text, numbers and JSON, no truth value", async () => {
    await using t = await testAuth({ fields });
    const given = { age: 36, newsletter: true, birthday: "1815-12-10", settings: { a: 1 }, nickname: "Ada" };
    await t.person({ fields: given });
    const [row = {}] = await t.rows("accounts");
    assert.deepEqual(
      [row.age, row.newsletter, row.likes_tea, row.birthday, row.nickname, JSON.parse(String(row.settings))],
      [36, 1, null, "1815-12-10", "Ada", { a: 1 }],
    );
    assert.ok(!("picture_url" in row), "a link has no column");
  });
});

describe("a required field", () => {
  const required: UserFields = { city: { type: "text", required: true } };

  it("is asked for at registration, and neither blank nor null afterwards", async () => {
    await using t = await testAuth({ fields: required });
    const form = {
      ...{ email: "bob@example.org", username: "bob", first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-71", password2: "Blue-Harbour-71" },
    };
    const missing = await t.http.post("/api/auth/register/", form);
    assert.deepEqual([missing.status, missing.body], [400, { city: ["This field is required."] }]);
    const { access } = await (await t.person({ fields: { city: "London" } })).signIn();
    for (const [city, sentence] of [
      ["", "This field may not be blank."],
      [null, notNull],
    ] as const)
      assert.deepEqual((await send(t, access, { city })).body, { city: [sentence] });
    assert.equal((await t.http.put(path, { username: "ada" }, { token: access })).body.city, "London");
  });
});

describe("a field that its owner may not write, or not see", () => {
  const guarded: UserFields = {
    plan: { type: "text", default: "free", writableBy: "admin" },
    risk: { type: "integer", default: 7, hidden: true, writableBy: "admin" },
    secret_word: { type: "text", hidden: true },
  };

  it("is ignored when it is sent, at registration and later", async () => {
    await using t = await testAuth({ fields: guarded });
    const { access } = await (await t.person({ fields: { plan: "pro", risk: 0 } })).signIn();
    const sent = { plan: "pro", risk: 0, username: "ada" };
    for (const answer of [
      await t.http.patch(path, sent, { token: access }),
      await t.http.put(path, sent, { token: access }),
    ])
      assert.deepEqual([answer.status, answer.body.plan], [200, "free"]);
    const [row = {}] = await t.rows("accounts");
    assert.deepEqual([row.plan, row.risk], ["free", 7]);
  });

  it("is shown nowhere when it is hidden: not on the profile, at sign-in, in a token or the documents", async () => {
    await using t = await testAuth({ fields: guarded });
    const ada = await t.person({ fields: { secret_word: "xyzzy-plugh" } });
    const login = await ada.login();
    const changed = await send(t, login.body.access, { secret_word: "plugh-xyzzy", bio: "x" });
    assert.equal((await t.rows("accounts"))[0]?.secret_word, "plugh-xyzzy", "its owner may write it");
    const schema = (await t.http.get("/api/schema/")).body.components.schemas.User;
    for (const text of [login.text, changed.text, JSON.stringify(schema)])
      assert.doesNotMatch(text, /risk|secret_word|xyzzy/);
  });
});

describe("a link", () => {
  const linked: UserFields = {
    picture: { type: "text", default: "" },
    picture_url: { type: "link", of: "picture" },
  };

  it("is the full address of what another field names, and never one that runs something", async () => {
    await using t = await testAuth({
      fields: linked,
      environment: { PUBLIC_URL: "https://auth.example.org", ...from },
    });
    const ada = await t.person();
    const { access } = await ada.signIn();
    for (const [stored, full] of [
      ["/media/a.png", "https://auth.example.org/media/a.png"],
      ["a.png", "https://auth.example.org/api/auth/profile/a.png"],
      ["https://cdn.example.com/a.png", "https://cdn.example.com/a.png"],
      ["//cdn.example.com/a.png", "https://cdn.example.com/a.png"],
      ["javascript:alert(1)", null],
      ["JaVaScRiPt:alert(1)", null],
      ["data:text/html,x", null],
      ["vbscript:x", null],
      ["http://[", null],
      ["", null],
    ] as const) {
      const { body } = await send(t, access, { picture: stored, picture_url: "https://evil.example/" });
      assert.deepEqual([body.picture, body.picture_url], [stored, full]);
    }
    await send(t, access, { picture: "/media/a.png" });
    assert.equal((await ada.login()).body.user.picture_url, "/media/a.png", "at sign-in as it is stored");
  });
});
