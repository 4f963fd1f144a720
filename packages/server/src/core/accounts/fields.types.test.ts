/** What the compiler knows of declared fields: this file compiles, or the types and the checks have parted ways. */

import { describe, it } from "node:test";
import { defineFields, type ProfileChange, type User } from "./fields.ts";

const fields = defineFields({
  nickname: { type: "text" },
  plan: { type: "text", default: "free", writableBy: "admin" },
  age: { type: "integer", default: null },
  level: { type: "integer", default: 1 },
  newsletter: { type: "boolean", default: false },
  birthday: { type: "date" },
  settings: { type: "json", default: {} },
  size: { type: "oneOf", choices: ["S", "M"], default: "M" },
  colour: { type: "oneOf", choices: ["red", "blue"] },
  city: { type: "text", required: true },
  risk: { type: "integer", default: 0, hidden: true },
  picture: { type: "text", default: "" },
  picture_url: { type: "link", of: "picture" },
});

type Shown = User<typeof fields>;
type Sent = ProfileChange<typeof fields>;

/** True for two types that are the same to the letter. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Takes nothing but the type `true`. */
function holds<_Claim extends true>(): void {}

describe("the types of declared fields", () => {
  it("say what a user has: null where nothing may have been said, and no hidden field", () => {
    holds<Same<Shown["id"], string>>();
    holds<Same<Shown["is_verified"], boolean>>();
    holds<Same<Shown["nickname"], string | null>>();
    holds<Same<Shown["plan"], string>>();
    holds<Same<Shown["age"], number | null>>();
    holds<Same<Shown["level"], number>>();
    holds<Same<Shown["newsletter"], boolean>>();
    holds<Same<Shown["birthday"], string | null>>();
    holds<Same<Shown["settings"], unknown>>();
    holds<Same<Shown["size"], "S" | "M">>();
    holds<Same<Shown["colour"], "red" | "blue" | null>>();
    // Accounts that are older than the field have none.
    holds<Same<Shown["city"], string | null>>();
    holds<Same<Shown["picture_url"], string | null>>();
    holds<Same<"risk" extends keyof Shown ? true : false, false>>();
  });

  it("say what a user may change: nothing that is an administrator's, no link, and null where it is taken", () => {
    const good: Sent = {
      ...{ username: "ada", nickname: null, age: null, level: 2, newsletter: true, birthday: null },
      ...{ settings: [1], city: "London", risk: 1, picture: "" },
      size: "S",
      colour: null,
    };
    void good;
    holds<Same<Sent["level"], number | undefined>>();
    holds<Same<Sent["city"], string | undefined>>();
    holds<Same<Sent["nickname"], string | null | undefined>>();
    holds<Same<Sent["size"], "S" | "M" | undefined>>();
    holds<Same<"plan" extends keyof Sent ? true : false, false>>();
    holds<Same<"picture_url" extends keyof Sent ? true : false, false>>();
    holds<Same<"email" extends keyof Sent ? true : false, false>>();
    // @ts-expect-error -- no such choice
    const wrongChoice: Sent = { size: "XL" };
    // @ts-expect-error -- a number with a default is never null
    const wrongNull: Sent = { level: null };
    void [wrongChoice, wrongNull];
  });

  it("refuse a declaration that cannot be", () => {
    // @ts-expect-error -- no such type
    const wrongType = () => defineFields({ plan: { type: "string" } });
    // @ts-expect-error -- a default of another type
    const wrongDefault = () => defineFields({ age: { type: "integer", default: "1" } });
    // @ts-expect-error -- nobody of that name
    const wrongWriter = () => defineFields({ plan: { type: "text", writableBy: "nobody" } });
    void [wrongType, wrongDefault, wrongWriter];
  });
});
