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
  "a type that does not exist": [
    { plan: { type: "string" } },
    /"plan" is of no type we know, "string": there are text, integer/,
  ],
  "a type that is misspelt": [{ plan: { type: "txt" } }, /no type we know, "txt": did you mean "text"\?$/],
  "no type": [{ plan: {} }, /"plan" has no "type", which it needs\.$/],
  "what is no field": [{ plan: "text" }, /"plan" is "text", and must be a table such as/],
  "no table of fields": [["plan"], /The user fields are \["plan"\], and must be a table of names/],
  "writers that do not exist": [
    { plan: { type: "text", writableBy: "nobody" } },
    /has "writableBy": "nobody", and it must be "user" or "admin"\.$/,
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
  "room for no text": [
    { plan: { type: "text", maxLength: 0 } },
    /has "maxLength": 0, and it must be a whole/,
  ],
  "an option of another type": [
    { size: { type: "text", choices: ["S", "M"] } },
    /"size" has no option "choices": there are type, required/,
  ],
  "a text that is meant as a truth": [
    { plan: { type: "text", required: "yes" } },
    /"yes", and it must be true/,
  ],
  "one word for choices": [{ size: { type: "oneOf", choices: "SM" } }, /"SM", and it must be a list of diff/],
  "choices that are no words": [{ size: { type: "oneOf", choices: [1, 2] } }, /must be a list of different/],
  "a choice twice": [{ size: { type: "oneOf", choices: ["S", "S"] } }, /must be a list of different texts/],
  "choices left out": [{ size: { type: "oneOf" } }, /"size" has no "choices", which it needs/],
  "a hidden link": [
    { a: { type: "text" }, b: { type: "link", of: "a", hidden: true } },
    /"b" has no option "hidden": there are type, of/,
  ],
  "an option that is inherited": [
    { plan: Object.assign(Object.create({ hiden: true }), { type: "text" }) },
    /"plan" is .*, and must be a table/,
  ],
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

  it("says everything that is wrong at once", () => {
    const fields = {
      plan: { type: "oneOf", choices: ["free", "pro"], default: "free", writeableBy: "admin" },
      risk_score: { type: "integer", default: 0, hiden: true, writableBy: "admins" },
      id: { type: "text", requird: true },
    };
    const said = [
      'The user field "plan" has no option "writeableBy": did you mean "writableBy"?',
      'The user field "risk_score" has no option "hiden": did you mean "hidden"?',
      'The user field "risk_score" has "writableBy": "admins", and it must be "user" or "admin".',
      'The user field "id" has a name that every account uses already.',
      'The user field "id" has no option "requird": did you mean "required"?',
    ];
    assert.throws(() => defineFields(fields as unknown as UserFields), {
      name: "DeclarationRefused",
      message: said.join("\n"),
      problems: said,
    });
  });

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

describe("the names that are taken", () => {
  const isRefused = (name: string) => {
    assert.throws(() => defineFields({ [name]: { type: "text" } }), /every account uses|base product/, name);
  };

  it("are every column that an account has", async () => {
    await using t = await testAuth();
    await t.person();
    const [account = {}] = await t.rows("accounts");
    assert.ok("unconfirmed_until" in account);
    for (const column of Object.keys(account)) isRefused(column);
  });

  it("are every word beside which a declared field is sent or shown", async () => {
    await using t = await testAuth();
    const { paths, components } = (await t.http.get("/api/schema/")).body;
    const { post } = paths["/api/auth/register"];
    const { put, patch } = paths["/api/auth/profile"];
    const bodies = [post, put, patch].map((one) => one.requestBody.content["application/json"].schema);
    for (const { properties } of [...bodies, components.schemas.User])
      for (const name of Object.keys(properties)) isRefused(name);
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
