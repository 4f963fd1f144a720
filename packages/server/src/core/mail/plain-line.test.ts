import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { naughtyStrings } from "../../testing/naughty-strings.ts";
import { neutraliseName, toPlainLine } from "./plain-line.ts";

describe("toPlainLine", () => {
  it("leaves ordinary text as it is, whatever its script", () => {
    for (const text of ["Olá, João", "Ελλάδα", "مرحبا", "日本語", "👩‍👩‍👧", "a > b & c"])
      assert.equal(toPlainLine(text), text);
  });

  it("makes one line of many, whichever character breaks them", () => {
    for (const lineBreak of ["\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029", "\v", "\f", "\0", "\t"]) {
      assert.equal(toPlainLine(`a${lineBreak}Bcc: b@y.test`), "a Bcc: b@y.test", JSON.stringify(lineBreak));
    }
  });

  it("drops what turns the direction of writing, and half a surrogate pair", () => {
    assert.equal(toPlainLine("\u202egpj.exe\u2066\ud800"), "gpj.exe\ufffd");
  });
});

describe("neutraliseName", () => {
  it("leaves names as they are", () => {
    const names = [
      "Maria",
      "João da Silva",
      "J.R.R. Tolkien",
      "Dr. Ana Lee",
      "O'Neill-Smith",
      "王小明",
      "Łukasz",
      "Zoë :)",
    ];
    for (const name of names) assert.equal(neutraliseName(name), name);
  });

  it("takes out whatever a mail program would make a link of", () => {
    const links = [
      "https://evil.example/x",
      "HTTP://evil.example",
      "evil.example",
      "www.evil",
      "evil.example/path?x=1",
      "x@evil.example",
      "javascript:alert(1)",
      "mailto:x@evil.example",
      "tel:+123",
      "192.0.2.1",
      "[x](http://evil.example)",
      "evil。example",
      "ｅｖｉｌ．ｅｘａｍｐｌｅ",
      "ev\u200bil.exam\u00adple",
      "evil.\u2060example",
      "\u202eevil.example",
      "пример.рф",
      "evil.xn--p1ai",
      "<a/href=//evil.example>",
      "(evil.example)",
      "evil\u2024example",
      "http://localhost",
      "//evil.example",
    ]; // prettier-ignore
    for (const link of links) assert.equal(neutraliseName(`Win ${link} now`), "Win now", link);
  });

  it("is empty when nothing but a link was given", () => {
    assert.equal(neutraliseName("https://evil.example"), "");
  });

  it("is at most 40 characters on one line, whatever comes in", () => {
    const long = ["a".repeat(1_000_000), "e\u0301".repeat(500), "😀".repeat(100), "a ".repeat(500)];
    for (const name of [...naughtyStrings, ...long, "a\r\nb", "\ud800"]) {
      const plain = neutraliseName(name);
      assert.ok(Array.from(plain).length <= 40, name.slice(0, 80));
      assert.ok(plain.isWellFormed());
      assert.doesNotMatch(plain, /[\p{Cc}\p{Zl}\p{Zp}]|:\/\/|www\./u);
    }
  });
});
