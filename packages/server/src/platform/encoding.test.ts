import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { fromBase64Url, isSameSecret, sha256Hex, toBase64Url } from "./encoding.ts";

describe("base64url", () => {
  it("gives back the bytes it was made of", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(fromBase64Url(toBase64Url(bytes)), Buffer.from(bytes));
      }),
    );
  });

  it("has one text for the same bytes: no padding, no stray bits, no other alphabet", () => {
    assert.deepEqual(fromBase64Url("YQ"), Buffer.from("a"));
    for (const text of [
      "YQ==",
      "YQ=",
      "YR",
      "Y",
      "Y Q",
      "YQ\n",
      " YQ",
      "+w",
      "/w",
      "YQ.",
      "YQ\0",
      "YÇ",
      "ＹＱ",
    ]) {
      assert.equal(fromBase64Url(text), undefined, JSON.stringify(text));
    }
  });
});

describe("a fingerprint", () => {
  it("is the SHA-256 of the text's UTF-8", () => {
    // FIPS 180-2, B.1
    assert.equal(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert.notEqual(sha256Hex("é"), sha256Hex("e\u0301"));
  });
});

describe("two secrets", () => {
  it("are the same only when every byte is", () => {
    assert.ok(isSameSecret("a secret", "a secret"));
    assert.ok(isSameSecret("", ""));
    for (const other of ["a secreT", "A secret", "a secret ", "a secre", ""])
      assert.ok(!isSameSecret("a secret", other));
    assert.ok(!isSameSecret("é", "e\u0301"));
  });
});
