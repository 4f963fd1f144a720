/** Holds the shipped filter to its lists, and to refusing next to nobody else. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { commonForm, isCommonPassword } from "./common.ts";
import { buildFilter, filterHas } from "./common-filter.ts";
import sample from "./common-sample.json" with { type: "json" };

describe("a common password", () => {
  it("is found, whichever of the lists it is on", () => {
    assert.ok(sample.length > 400);
    for (const password of sample) assert.ok(isCommonPassword(password), password);
  });

  it("is found in any case, width and with white space around", () => {
    for (const password of ["PASSWORD123", "PassWord123", "ｐａｓｓｗｏｒｄ１２３", " password123\t"]) {
      assert.ok(isCommonPassword(password), password);
    }
  });
});

describe("any other password", () => {
  it("is let through, though it contain a common one", () => {
    for (const password of [
      ...["securepassword123", "newsecurepassword123", "Str0ngPass!alice", "Fresh!Pass99"],
      ...["correct horse password staple", "password123 password123", "pass word123", ""],
    ]) {
      assert.ok(!isCommonPassword(password), password);
    }
  });

  it("is refused by mistake less than once in 10,000", () => {
    const mistaken = Array.from({ length: 100_000 }, (_, seed) =>
      createHash("sha1").update(`seed ${seed}`).digest("base64").slice(0, 12),
    ).filter(isCommonPassword);
    assert.ok(mistaken.length <= 10, `${mistaken.length} in 100,000`);
  });
});

describe("the filter", () => {
  it("is the same bytes for the same members in any order", () => {
    const members = sample.map(commonForm);
    assert.deepEqual(buildFilter(new Set(members)), buildFilter(new Set(members.toReversed())));
  });

  it("has every member and hardly a stranger, as few bits as it takes", () => {
    const filter = buildFilter(new Set(sample));
    assert.ok(filter.length <= sample.length * 3);
    assert.ok(sample.every((member) => filterHas(filter, member)));
    assert.ok(sample.filter((member) => filterHas(filter, `${member}~`)).length <= 1);
  });

  it("of nothing has nothing", () => {
    assert.equal(filterHas(buildFilter(new Set()), "a"), false);
  });
});
