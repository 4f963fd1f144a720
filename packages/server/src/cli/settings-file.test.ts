import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { readSettingsText } from "./settings-file.ts";

const read = (text: string) => readSettingsText("my.env", text);
const said = (text: string) => read(text).problems.map(({ name, message }) => `${name} ${message}`);

describe("a file of settings", () => {
  it("is lines of NAME=value, empty ones and comments", () => {
    const { values, problems } = read(
      [
        ...[
          "# The server",
          "",
          "  ",
          "PORT=9000",
          "export HOST = localhost ",
          "  A1=a=b==",
          "EMPTY=",
          "ALSO= # none",
        ],
        ...[
          "B=plain # with a comment",
          'C="a # b" # c',
          "D='a \"b\" #'",
          "E=`it's`",
          'F="two\nlines"',
          "G=it's $5\tx",
        ],
      ].join("\n"),
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(
      { ...values },
      {
        ...{ PORT: "9000", HOST: "localhost", A1: "a=b==", EMPTY: "", ALSO: "", B: "plain", C: "a # b" },
        ...{ D: 'a "b" #', E: "it's", F: "two\nlines", G: "it's $5\tx" },
      },
    );
  });

  it("may come from Windows, mark and line ends and all", () => {
    const { values, problems } = read("\uFEFFSECRET_KEY=one\r\nPORT=9000\r\n");
    assert.deepEqual([{ ...values }, problems], [{ SECRET_KEY: "one", PORT: "9000" }, []]);
  });

  it("is refused where a # would cut a value short", () => {
    for (const line of ["SECRET_KEY=abc#def", "SECRET_KEY=#abc", "A=a b#c # d", "export A=x#"]) {
      assert.deepEqual(said(`PORT=1\n${line}\nHOST=x`), [
        "my.env, line 2, has a # in its value, which would begin a comment: put the value in quotes",
      ]);
    }
  });

  it("is refused where a quote does not end with the value", () => {
    for (const line of ['A="abc', "A='abc", 'A="abc" def', 'A="a\\"b"', "A='a'b'", 'A="a"#"b" c"', "A=`x"]) {
      assert.match(
        said(`${line}\n`)[0] ?? line,
        /^my\.env, line 1, has a quote that does not end with the value$/,
      );
    }
  });

  it("is refused where a line is none", () => {
    for (const line of [
      "SECRET_KEY: abc",
      "SECRET_KEY",
      "=abc",
      "SECRET KEY=abc",
      "-A=b",
      "1A=b",
      "é=b",
      "S\0E\0C=x",
    ]) {
      assert.deepEqual(
        said(`\n# x\n${line}\nHOST=x`),
        ["my.env, line 3, is not of the form NAME=value"],
        line,
      );
    }
  });

  it("is refused where it says two things", () => {
    assert.deepEqual(said('PORT=1\nA="x\ny"\n\nPORT=2\nPORT=2'), [
      "my.env, line 5, says PORT again, after line 1",
      "my.env, line 6, says PORT again, after line 1",
    ]);
  });

  it("is told every problem, without a word of what it holds", () => {
    const told = said("hunter2\nA=hunter2#3\nB='hunter2\nC: hunter2");
    assert.equal(told.length, 4);
    assert.doesNotMatch(told.join(), /hunter2/);
  });

  it("gives every value as it stands, or refuses it", () => {
    const value = fc.string({ unit: fc.constantFrom(..."ab1 #\"'`=\\$\t".split("")), maxLength: 12 });
    let [kept, refused] = [0, 0];
    fc.assert(
      fc.property(value, (written) => {
        const { values, problems } = read(`A=${written}\nC=end`);
        if (problems.length > 0) return void (refused += 1);
        kept += 1;
        const quote = /^\s*(["'`])(.*?)\1/.exec(written);
        assert.equal(values.A, quote ? quote[2] : written.replace(/(^|\s)#.*/, "").trim());
        assert.equal(values.C, "end");
      }),
      { numRuns: 3000, seed: 20_261_124 },
    );
    assert.ok(kept > 300 && refused > 300, `${kept} ${refused}`);
  });
});
