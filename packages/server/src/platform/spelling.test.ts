import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findMeant, isOneSlipAway } from "./spelling.ts";

describe("one slip", () => {
  it("is one letter more, less, other or swapped, in both directions", () => {
    for (const [one, other] of [
      ...[
        ["abc", "abcd"],
        ["abc", "ab"],
        ["abc", "axc"],
        ["abc", "bac"],
        ["abc", "acb"],
        ["a", ""],
      ],
    ] as [string, string][]) {
      assert.ok(isOneSlipAway(one, other) && isOneSlipAway(other, one), `${one} ${other}`);
    }
    for (const [one, other] of [
      ...[
        ["abc", "abc"],
        ["abc", "cba"],
        ["abc", "abcde"],
        ["abcd", "badc"],
        ["abc", "xyz"],
        ["abcd", "bcda"],
      ],
    ] as [string, string][]) {
      assert.ok(!isOneSlipAway(one, other) && !isOneSlipAway(other, one), `${one} ${other}`);
    }
  });
});

describe("the word that was meant", () => {
  it("is the one that was written in other letters, before one that is a slip away", () => {
    const words = ["maxLength", "maxlengths", "blank", "of"];
    for (const word of ["max_length", "maxlength", "MAX-LENGTH", "maxLenght", "maxLength_"])
      assert.equal(findMeant(word, words), "maxLength", word);
    assert.equal(findMeant("balnk", words), "blank");
    assert.equal(findMeant("required", words), undefined);
  });
});
