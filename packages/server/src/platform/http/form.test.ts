import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BodyData } from "./body.ts";
import { FieldsInvalid } from "./errors.ts";
import { boolean, email, integer, password, text } from "./fields.ts";
import { type Form, form, formSchema, readForm } from "./form.ts";

const sentence = (en: string) => ({ en, "pt-BR": `${en} (pt)` });

/** The values, or the errors as they are written into the answer. */
async function read<V>(of: Form<unknown, V>, body: unknown): Promise<unknown> {
  const data = (typeof body === "object" && body !== null ? { kind: "dict", data: body } : body) as BodyData;
  try {
    return await readForm({}, of, data, undefined);
  } catch (error) {
    if (error instanceof FieldsInvalid) return error.body("en");
    throw error;
  }
}

const required = ["This field is required."];

describe("a form", () => {
  const register = form({ email: email(), username: text({ maxLength: 5 }), password: password(20) });

  it("names every field that is wrong in one answer, in the form's order and not the body's", async () => {
    const errors = await read(register, { password: "", username: "abcdef", email: "ada" });
    assert.equal(
      JSON.stringify(errors),
      JSON.stringify({
        email: ["Enter a valid email address."],
        username: ["Ensure this field has no more than 5 characters."],
        password: ["This field may not be blank."],
      }),
    );
    assert.deepEqual(await read(register, {}), { email: required, username: required, password: required });
  });

  it("tells a null from an absence", async () => {
    const answer = await read(register, { email: null, username: null, password: null });
    assert.deepEqual(Object.values(answer as object), Array(3).fill(["This field may not be null."]));
  });

  it("leaves out what it did not ask for, and what may be left out", async () => {
    const profile = form({
      username: text({ required: false }),
      age: integer({ required: false, nullable: true }),
    });
    assert.deepEqual(await read(profile, { is_staff: true }), {});
    assert.deepEqual(await read(profile, { age: null, username: " a " }), { username: "a", age: null });
  });

  it("keeps what it did not ask for only where it says so, and cleaned fields go over it", async () => {
    const open = form({ name: text() }, { keepsUnknown: true });
    assert.deepEqual(await read(open, { name: " Ada ", theme: "dark" }), { name: "Ada", theme: "dark" });
  });

  it("takes names that every object has for names like any other", async () => {
    const odd = form({
      constructor: text({ required: false }),
      toString: boolean({ required: false }),
    } as never);
    assert.deepEqual(await read(odd, {}), {});
    assert.deepEqual(
      await read(register, JSON.parse('{"__proto__":{"email":"a@b.co","username":"a","password":"b"}}')),
      {
        ...{ email: required, username: required, password: required },
      },
    );
    const kept = await read(form({}, { keepsUnknown: true }), JSON.parse('{"__proto__":{"is_staff":true}}'));
    assert.ok(Object.hasOwn(kept as object, "__proto__"));
    assert.equal((kept as { is_staff?: unknown }).is_staff, undefined);
    assert.equal(({} as { is_staff?: unknown }).is_staff, undefined);
  });
});

describe("a body that is no object", () => {
  const one = form({ name: text() });
  const readKind = async <V>(of: Form<unknown, V>, kind: string) => {
    const answer = readForm({}, of, { kind } as BodyData, undefined);
    return answer.catch((error: FieldsInvalid) => error.body("en"));
  };

  it("is refused by its Python name", async () => {
    for (const kind of ["list", "str", "int", "float", "bool"]) {
      assert.deepEqual(await readKind(one, kind), {
        non_field_errors: [`Invalid data. Expected a dictionary, but got ${kind}.`],
      });
    }
    assert.deepEqual(await readKind(one, "null"), { non_field_errors: ["No data provided"] });
  });

  it("may be stood in for", async () => {
    assert.deepEqual(await readKind(form({}, { insteadOfNoObject: {} }), "list"), {});
  });
});

describe("rules over more than one field", () => {
  const pair = (steps: string[]) =>
    form(
      { one: text(), two: text() },
      {
        lookUp: async (_ctx, values, errors) => {
          steps.push(`look up ${Object.keys(values).join()}`);
          if (values.one === "taken") errors.one = [sentence("Taken.")];
        },
        cross: (_ctx, values) => {
          steps.push("cross");
          return values.one === values.two ? undefined : { two: [sentence("They differ.")] };
        },
      },
    );

  it("run only when each field passed, look-ups included", async () => {
    const steps: string[] = [];
    assert.deepEqual(await read(pair(steps), { one: "taken", two: "b" }), { one: ["Taken."] });
    assert.deepEqual(steps, ["look up one,two"]);
  });

  it("say what is wrong in their own words", async () => {
    assert.deepEqual(await read(pair([]), { one: "a", two: "b" }), { two: ["They differ."] });
    assert.deepEqual(await read(pair([]), { one: "a", two: "a" }), { one: "a", two: "a" });
  });

  it("look up what passed even when something else failed, so that all comes in one answer", async () => {
    const steps: string[] = [];
    assert.deepEqual(await read(pair(steps), { one: "taken" }), { one: ["Taken."], two: required });
    assert.deepEqual(steps, ["look up one"]);
  });
});

describe("the schema of a form", () => {
  it("says which fields must come and which may be null", () => {
    const schema = formSchema({
      name: text({ maxLength: 5 }),
      age: integer({ required: false, nullable: true, most: 9 }),
    });
    assert.deepEqual(schema, {
      type: "object",
      properties: {
        name: { type: "string", maxLength: 5 },
        age: { type: ["integer", "null"], minimum: -(2 ** 31), maximum: 9 },
      },
      required: ["name"],
    });
  });
});
