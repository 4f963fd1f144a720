import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAuth } from "../../testing/test-auth.ts";
import { defineFields, type UserFields } from "./fields.ts";

/** Declarations as somebody without a compiler could write them. */
const refusals: Readonly<Record<string, readonly [fields: unknown, said: RegExp]>> = {
  "a name with capitals": [{ favouriteColour: { type: "text" } }, /"favouriteColour" needs a name of lower/],
  "a name that is no word": [{ "drop table": { type: "text" } }, /needs a name/],
  "a name that begins with a digit": [{ "2fa": { type: "text" } }, /needs a name/],
  "an empty name": [{ "": { type: "text" } }, /needs a name/],
  "a name that is too long for an index": [{ ["a".repeat(42)]: { type: "text" } }, /needs a name/],
  "an id of its own": [{ id: { type: "text" } }, /"id" has a name that every account uses already/],
  "a password of its own": [{ password_hash: { type: "text" } }, /every account uses/],
  "verification of its own": [{ is_verified: { type: "boolean" } }, /every account uses/],
  "a shutting of its own": [{ disabled_at: { type: "integer" } }, /every account uses/],
  "the word constructor": [{ constructor: { type: "text" } }, /every account uses/],
  "the word __proto__": [JSON.parse('{"__proto__":{"type":"text"}}'), /needs a name/],
  "a column of PostgreSQL's own": [{ ctid: { type: "text" } }, /every account uses/],
  "a base field anew": [{ bio: { type: "text" } }, /"bio" is declared by the base product already/],
  "a type that does not exist": [{ plan: { type: "string" } }, /"plan" is of no type we know: text, integer/],
  "no type": [{ plan: {} }, /of no type we know/],
  "writers that do not exist": [
    { plan: { type: "text", writableBy: "nobody" } },
    /by "user" or "admin" only/,
  ],
  "a required field that nobody may send": [
    { plan: { type: "text", required: true, writableBy: "admin" } },
    /required of users, who may not write it/,
  ],
  "unique JSON": [{ tags: { type: "json", unique: true } }, /cannot be unique/],
  "a unique default": [{ phone: { type: "text", unique: true, default: "1" } }, /only one user could have/],
  "no choices": [{ size: { type: "oneOf", choices: [] } }, /has no choices/],
  "a default that is no choice": [
    { size: { type: "oneOf", choices: ["S"], default: "M" } },
    /its own type refuses/,
  ],
  "a default of another type": [{ age: { type: "integer", default: "1" } }, /its own type refuses/],
  "a default out of range": [{ age: { type: "integer", most: 5, default: 6 } }, /its own type refuses/],
  "a default that is too long": [
    { plan: { type: "text", maxLength: 2, default: "free" } },
    /its own type refuses/,
  ],
  "a default that is no day": [{ day: { type: "date", default: "2023-02-29" } }, /its own type refuses/],
  "a range without numbers": [{ age: { type: "integer", least: 5, most: 4 } }, /holds no number/],
  "room for no text": [{ plan: { type: "text", maxLength: 0 } }, /room for no text/],
  "a link of nothing": [
    { url: { type: "link", of: "picture" } },
    /link of "picture", which is no text field/,
  ],
  "a link of a number": [
    { age: { type: "integer" }, url: { type: "link", of: "age" } },
    /link of "age", which is no text field/,
  ],
  "a link of what every object has": [{ url: { type: "link", of: "toString" } }, /link of "toString"/],
};

describe("declaring fields", () => {
  for (const [what, [fields, said]] of Object.entries(refusals)) {
    it(`refuses ${what}, naming the field, before anything is opened`, async () => {
      assert.throws(() => defineFields(fields as UserFields), said);
      await assert.rejects(testAuth({ fields: fields as UserFields }), said);
    });
  }

  it("takes what works, and gives it back as it is", () => {
    const fields = {
      a: { type: "text", unique: true, default: null },
      ["b".repeat(41)]: { type: "integer", least: 0, most: 0, default: 0 },
      picture: { type: "text" },
      c: { type: "link", of: "picture" },
      d: { type: "json", default: [1, { a: null }] },
      e: { type: "oneOf", choices: ["x"], default: "x", writableBy: "user" },
      f: { type: "text", blank: true, required: true, default: "" },
    } as const;
    assert.equal(defineFields(fields), fields);
  });
});

describe("the documents", () => {
  const fields = defineFields({
    nickname: { type: "text", maxLength: 10 },
    plan: { type: "text", default: "free", writableBy: "admin" },
    age: { type: "integer", least: 0, most: 150 },
    newsletter: { type: "boolean", default: false },
    birthday: { type: "date" },
    settings: { type: "json", default: {} },
    size: { type: "oneOf", choices: ["S", "M"], default: "M" },
    city: { type: "text", required: true },
    risk: { type: "integer", default: 0, hidden: true, writableBy: "admin" },
    picture: { type: "text", default: "" },
    picture_url: { type: "link", of: "picture" },
  });

  it("say of a user what is shown: types, what may be null, and no hidden field", async () => {
    await using t = await testAuth({ fields });
    const { User } = (await t.http.get("/api/schema/")).body.components.schemas;
    const { id, email, is_verified: verified, first_name: first, bio, ...own } = User.properties;
    assert.deepEqual(
      [id.format, email.format, verified.type, first.maxLength, bio.type],
      [...["uuid", "email", "boolean", 150, "string"]],
    );
    assert.deepEqual(own, {
      username: { type: "string" },
      last_name: { type: "string", maxLength: 150 },
      nickname: { type: ["string", "null"], maxLength: 10 },
      plan: { type: "string" },
      age: { type: ["integer", "null"], minimum: 0, maximum: 150 },
      newsletter: { type: "boolean" },
      birthday: { type: ["string", "null"], format: "date" },
      settings: { description: "Any JSON value." },
      size: { type: "string", enum: ["S", "M"] },
      city: { type: ["string", "null"] },
      picture: { type: "string" },
      picture_url: { type: ["string", "null"] },
    });
    assert.deepEqual(User.required, Object.keys(User.properties));
    const { access } = await (await t.person({ fields: { city: "London" } })).signIn();
    const shown = (await t.http.get("/api/auth/profile/", { token: access })).body;
    assert.deepEqual(Object.keys(shown), User.required);
  });

  it("say of a change what may be sent, and of a registration what must be", async () => {
    await using t = await testAuth({ fields });
    const { paths } = (await t.http.get("/api/schema/")).body;
    const bodyOf = (path: string, method: string) =>
      paths[path][method].requestBody.content["application/json"].schema;
    const patch = bodyOf("/api/auth/profile", "patch");
    const writable = ["nickname", "age", "newsletter", "birthday", "settings", "size", "city", "picture"];
    assert.deepEqual(Object.keys(patch.properties), [
      ...["username", "first_name", "last_name", "bio", ...writable],
    ]);
    assert.equal(patch.required, undefined);
    assert.deepEqual(bodyOf("/api/auth/profile", "put").required, ["username"]);
    assert.deepEqual(bodyOf("/api/auth/register", "post").required, [
      ...["email", "username", "password", "password2", "first_name", "last_name", "city"],
    ]);
    assert.deepEqual(patch.properties.age.type, ["integer", "null"]);
    assert.equal(patch.properties.newsletter.type, "boolean");
  });
});
