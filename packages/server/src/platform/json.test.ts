import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isExactNumber, parseJson } from "./json.ts";

describe("JSON read without loss", () => {
  for (const text of [
    '{"id":9007199254740993,"deep":[{"n":-123456789012345678901234567890}]}',
    '{"small":1,"text":"9007199254740993","id":1234567890123456}',
    '{"__proto__":{"id":9007199254740993},"a":1}',
    "[9007199254740993]",
    "null",
  ]) {
    it(`writes back what it read: ${text}`, () => {
      assert.equal(JSON.stringify(parseJson(text)), text);
    });
  }

  it("keeps digits of whole numbers alone: a fraction is a number as everywhere", () => {
    assert.deepEqual(parseJson("[1.50000000000000000000, 1e16, 12345678]"), [1.5, 1e16, 12345678]);
  });

  it("tells a number that it kept from an object", () => {
    assert.equal(isExactNumber(parseJson("9007199254740993")), true);
    assert.equal(isExactNumber(parseJson('{"rawJSON":"9007199254740993"}')), false);
    assert.equal(isExactNumber(parseJson("1234567890123456")), false);
  });

  it("throws a SyntaxError for what is no JSON, with and without long numbers", () => {
    for (const text of ["{", "[9007199254740993", "09007199254740993", ""]) {
      assert.throws(() => parseJson(text), SyntaxError);
    }
  });
});
