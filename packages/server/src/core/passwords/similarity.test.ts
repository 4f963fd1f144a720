/** Holds the measure of resemblance to results computed with Python's difflib, and to its order and its bounds. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { findSimilarAttribute } from "./similarity.ts";

describe("a password resembles what is known about its owner", () => {
  it("when seven tenths of the characters are shared, wherever they stand", () => {
    // 2 · 7 / (7 + 13) is 0.7 exactly, 2 · 9 / (9 + 17) is 0.692.
    assert.equal(findSimilarAttribute("abcdefg012345", { username: "abcdefg" }), "username");
    assert.equal(findSimilarAttribute("gfedcba012345", { username: "abcdefg" }), "username");
    assert.equal(findSimilarAttribute("abcdefghi01234567", { username: "abcdefghi" }), undefined);
  });

  it("counting each character as often as both have it", () => {
    assert.equal(findSimilarAttribute("aaaaaaaa", { username: "a1234567" }), undefined);
    assert.equal(findSimilarAttribute("aabbccdd", { username: "ddccbbaa" }), "username");
  });

  it("in any case and any width of the same letters", () => {
    assert.equal(findSimilarAttribute("GWENDOLYN1", { firstName: "gwendolyn" }), "firstName");
    assert.equal(findSimilarAttribute("ｇｗｅｎｄｏｌｙｎ1", { firstName: "Gwendolyn" }), "firstName");
  });

  it("in one of its words, which end where Python's pattern of words ends", () => {
    for (const email of ["x@gwendolyn.org", "gwendolyn+x@y.org", "x-gwendolyn@y.org", "x@y\u0301gwendolyn"]) {
      assert.equal(findSimilarAttribute("gwendolyn1", { email }), "email", email);
    }
    // An underscore, a digit and a letter of any script belong to the word.
    for (const email of [
      "qzxvkpt_gwendolyn@y.org",
      "qzxvkpt7gwendolyn@y.org",
      "名前名前名前名前gwendolyn@y.org",
    ]) {
      assert.equal(findSimilarAttribute("gwendolyn1", { email }), undefined, email);
    }
  });

  it("as a whole too: its own address, or the domain of it", () => {
    assert.equal(
      findSimilarAttribute("alice@example.com", { username: "alice", email: "alice@example.com" }),
      "email",
    );
    assert.equal(findSimilarAttribute("example.com", { email: "alice@example.com" }), "email");
  });

  it("in the first attribute of username, first name, last name and e-mail only", () => {
    const all = {
      email: "abernathy@x.org",
      lastName: "abernathy",
      firstName: "abernathy",
      username: "abernathy",
    };
    assert.equal(findSimilarAttribute("abernathy1", all), "username");
    assert.equal(findSimilarAttribute("abernathy1", { ...all, username: "q" }), "firstName");
    assert.equal(findSimilarAttribute("abernathy1", { ...all, username: "", firstName: null }), "lastName");
    assert.equal(findSimilarAttribute("abernathy1", { email: all.email }), "email");
  });
});

describe("a password does not resemble", () => {
  it("what is absent or empty", () => {
    for (const about of [{}, { email: "" }, { email: null }, { username: "@.-+", firstName: " " }]) {
      assert.equal(findSimilarAttribute("gwendolyn1", about), undefined);
    }
    assert.equal(findSimilarAttribute("", { email: "@" }), undefined);
  });

  it("a word it merely contains", () => {
    assert.equal(
      findSimilarAttribute("Str0ngPass!alice", { username: "alice", email: "alice@example.com" }),
      undefined,
    );
  });
});

describe("the measure", () => {
  it("never throws, for any texts of the lengths we take", () => {
    const worst = ["\ufdfa".repeat(256), "a.".repeat(127), "😀".repeat(254), "\ud800".repeat(254)];
    for (const password of worst) {
      for (const value of worst)
        findSimilarAttribute(password, { username: value, lastName: value, email: value });
    }
    const text = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(text, text, (password, email) => {
        findSimilarAttribute(password, { email });
        // Every text of a word resembles itself.
        if (/\w{3}/.test(email)) assert.equal(findSimilarAttribute(email, { email }), "email");
      }),
    );
  });

  it("looks at no more than the first 300 characters, however long the texts", () => {
    const start = "x".repeat(300);
    assert.equal(findSimilarAttribute(start, { email: start + "y".repeat(900) }), "email");
    const beyond = `${"z".repeat(300)}${start}`;
    assert.equal(findSimilarAttribute(start, { email: beyond }), undefined);
  });
});
