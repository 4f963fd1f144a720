import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { testAuth } from "../../testing/test-auth.ts";
import { canonicalUsername } from "./accounts.ts";
import { usernameField } from "./username.ts";
import pythonWords from "./username-characters.json" with { type: "json" };

const check = (value: unknown) => usernameField().check(value);
const pattern = /may contain only letters, numbers/;
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

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

  it("may hold what the original's pattern takes, of all of Unicode, and nothing else, but for letters nobody sees", () => {
    const taken = new Set(pythonWords.flatMap(([first = 0, last = 0]) => range(first, last)));
    const invisible = [0x115f, 0x1160, 0x3164, 0xffa0];
    const wrong: string[] = [];
    for (const code of range(0, 0x10ffff)) {
      const isTaken = "value" in check(String.fromCodePoint(code));
      if (isTaken !== (taken.has(code) && !invisible.includes(code))) wrong.push(code.toString(16));
    }
    assert.deepEqual(wrong, []);
    assert.ok(taken.size > 100_000);
    for (const code of invisible) assert.ok("problems" in check(`admin${String.fromCodePoint(code)}`));
  });

  it("is stored in NFKC, whatever that holds, as long as it fits", () => {
    assert.deepEqual(check("ａｄａ"), { value: "ada" });
    for (const folded of ["\uFDFA", "⑴", "½"])
      assert.deepEqual(check(folded), { value: folded.normalize("NFKC") });
    const long = check("\uFB03".repeat(60));
    assert.ok("problems" in long);
    assert.deepEqual(long.problems[0]?.en, "Ensure this field has no more than 150 characters.");
  });

  it("can be sent back as it is, also where it would not be taken anew", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person({ username: "½cup", email: "ada@example.org" })).signIn();
    const path = "/api/auth/profile/";
    const { username } = (await t.http.get(path, { token: access })).body;
    assert.equal(username, "1⁄2cup");
    const saved = await t.http.put(path, { username, bio: "Bakes." }, { token: access });
    assert.deepEqual([saved.status, saved.body.username, saved.body.bio], [200, "1⁄2cup", "Bakes."]);
    const other = await t.http.put(path, { username: "1⁄2cups" }, { token: access });
    assert.deepEqual([other.status, Object.keys(other.body)], [400, ["username"]]);
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
