import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { languageOf, pickLanguage, readQuality, sentence, texts } from "./texts.ts";

describe("the language to answer in", () => {
  it("is the one of ours that is wanted most", () => {
    const wishes: [string | null, string][] = [
      ["pt-BR", "pt-BR"],
      ["pt", "pt-BR"],
      ["PT-br;q=0.3, fr;q=0.9", "pt-BR"],
      ["pt-PT, en;q=0.9", "pt-BR"],
      ["en-GB,en;q=0.9,pt;q=0.8", "en"],
      ["en;q=0.2,pt-BR;q=0.7", "pt-BR"],
      ["pt ; q=0.4 , en ; q=0.5", "en"],
      // Equally welcome: the first one named.
      ["en, pt", "en"],
      ["pt, en", "pt-BR"],
    ];
    for (const [header, language] of wishes) assert.equal(pickLanguage(header, "en"), language, header ?? "");
  });

  it("is the fallback when none of ours is wanted", () => {
    for (const header of [
      null,
      undefined,
      "",
      ",,;;,",
      "*",
      "fr, de",
      "pt;q=0, en;q=0.000",
      "ptx, eng",
      "português",
    ]) {
      assert.equal(pickLanguage(header, "pt-BR"), "pt-BR", header ?? "");
      assert.equal(pickLanguage(header, "en"), "en", header ?? "");
    }
  });

  it("takes no weight that is no number from 0 to 1", () => {
    for (const weight of ["5", "-1", "abc", "NaN", "Infinity", "1.5", "1e3", "0x1", "0.5555", ""]) {
      assert.equal(pickLanguage(`pt;q=${weight}, en;q=0.001`, "pt-BR"), "en", weight);
    }
  });

  it("is found in bounded time in a header of any length", () => {
    const huge = [
      ...["pt;".repeat(50_000), ",".repeat(100_000), "a".repeat(100_000), `${"x-y;q=0.5,".repeat(10_000)}pt`],
      `pt${" ".repeat(100_000)};q=1`,
    ];
    for (const header of huge) assert.match(pickLanguage(header, "en"), /^(?:en|pt-BR)$/);
  });
});

describe("a language tag", () => {
  it("is understood as Django writes it too", () => {
    const tags = ["pt-br", "pt_BR", "PT", "en-us", "en_GB", "En", "fr", "ptx", "enx", ""];
    const meant = ["pt-BR", "pt-BR", "pt-BR", "en", "en", "en", undefined, undefined, undefined, undefined];
    assert.deepEqual(tags.map(languageOf), meant);
  });
});

describe("a weight", () => {
  it("is 1 when unsaid, and 0 when it makes no sense", () => {
    const said = [[], ["level=1"], ["q=0.5"], ["q=1.000"], ["q=0"], ["q=2"], ["q="]];
    assert.deepEqual(said.map(readQuality), [1, 1, 0.5, 1, 0, 0, 0]);
  });
});

describe("sentences", () => {
  it("stand in every language under one name", () => {
    const table = texts({ hello: "Hello" }, { "pt-BR": { hello: "Olá" } });
    assert.deepEqual(table.hello, sentence("Hello", "Olá"));
  });
});
