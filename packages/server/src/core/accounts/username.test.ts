import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { testAuth } from "../../testing/test-auth.ts";
import { canonicalUsername } from "./accounts.ts";
import { usernameField } from "./username.ts";

const check = (value: unknown) => usernameField().check(value);
const pattern = /may contain only letters, numbers/;

describe("a username", () => {
  for (const good of [
    "ada",
    "Ada.Lovelace+1@home-2_3",
    "Ångström",
    "王小明",
    "Ελένη",
    "١٢٣",
    "a".repeat(150),
  ]) {
    it(`may be ${good.slice(0, 20)}`, () => {
      assert.deepEqual(check(good), { value: good.normalize("NFKC") });
    });
  }

  for (const bad of [
    "a b",
    "a/b",
    "a\u200bb",
    "a\u202eb",
    "a\u0000b",
    "<b>",
    "a'b",
    "a\nb",
    "a😀",
    "a\ud800",
    "%",
  ]) {
    it(`may not be ${JSON.stringify(bad)}`, () => {
      const checked = check(bad);
      assert.ok("problems" in checked);
      assert.match(checked.problems[0]?.en ?? "", pattern);
    });
  }

  it("is judged in the form that is stored: what one character unfolds to counts", () => {
    // Fullwidth letters become plain ones; a ligature becomes words with spaces, a digit in brackets gets brackets.
    assert.deepEqual(check("ａｄａ"), { value: "ada" });
    for (const folded of ["\uFDFA", "⑴", "½", "a\u2100"]) assert.ok("problems" in check(folded), folded);
    const long = check("\uFB03".repeat(60));
    assert.ok("problems" in long);
    assert.deepEqual(long.problems[0]?.en, "Ensure this field has no more than 150 characters.");
  });

  it("is the same in upper and in lower case, whichever character it holds", () => {
    for (const straße of ["strasse", "STRASSE", "straße", "STRAẞE", "straẞe"])
      assert.equal(canonicalUsername(straße), "strasse", straße);
    const apart: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code);
      if (!/\p{L}/u.test(character)) continue;
      const canonical = canonicalUsername(character);
      const others = [canonical, character.toUpperCase(), character.toLowerCase()];
      if (others.some((other) => canonicalUsername(other) !== canonical)) apart.push(character);
    }
    assert.deepEqual(apart, []);
  });

  it("that is taken stays as it is for good: stored, it is the form of itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        const checked = check(text);
        if ("problems" in checked) return;
        assert.equal(checked.value, checked.value.normalize("NFKC"));
        assert.deepEqual(check(checked.value), checked);
        const canonical = canonicalUsername(checked.value);
        assert.equal(canonicalUsername(canonical), canonical);
        assert.equal(canonicalUsername(checked.value.toUpperCase()), canonical);
        assert.equal(canonicalUsername(checked.value.toLowerCase()), canonical);
      }),
      { numRuns: 500 },
    );
  });

  it("is stored in that form from every door, and had once in any spelling", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person({ username: "Ａda", email: "ada@example.org" })).signIn();
    const bob = await (await t.person({ username: "bob" })).signIn();
    const path = "/api/auth/profile/";
    assert.equal((await t.http.get(path, { token: access })).body.username, "Ada");
    for (const username of ["ada", "ADA", "ＡＤＡ", " Ada "]) {
      const answer = await t.http.patch(path, { username }, { token: bob.access });
      assert.deepEqual(answer.body, { username: ["A user with that username already exists."] });
      assert.equal((await t.http.patch(path, { username }, { token: access })).status, 200, "its owner may");
    }
  });
});
