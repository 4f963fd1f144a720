/**
 * No pattern of ours takes more than linear time, whatever text it meets: one that begins anew at every blank, or that
 * can read a text in many ways, lets one request hold up everybody (CWE-1333).
 */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Node, parseSync, Visitor } from "oxc-parser";
import { analyse } from "scslre";

/** Where a function makes patterns, so that not every one may be known when the files are loaded. */
const madeLater: Readonly<Record<string, string>> = {
  "core/passwords/formats.ts": "it is called while the file is loaded, and no later",
  "core/mail/delivery/retry.ts": "an address, every sign of it escaped: there is one way to read it",
  "core/mail/group-code.ts": "groups of so many digits: no part of it repeats without a bound",
};

const directory = import.meta.dirname;
const files = globSync("**/*.ts", { cwd: directory }).filter(
  (path) => !/\.test(?:ing)?\.ts$|^testing\//.test(path),
);

interface Found {
  readonly path: string;
  readonly literals: readonly RegExp[];
  /** Where `RegExp` is called: at the top of a file, when it is loaded, or in a function, later. */
  readonly callsLater: boolean;
}

function readPatterns(path: string): Found {
  const { program } = parseSync(path, readFileSync(join(directory, path), "utf8"));
  const literals: RegExp[] = [];
  const functions: (readonly [number, number])[] = [];
  const calls: number[] = [];
  const enter = ({ start, end }: Node) => functions.push([start, end]);
  new Visitor({
    FunctionDeclaration: enter,
    FunctionExpression: enter,
    ArrowFunctionExpression: enter,
    Literal: (node) => {
      if ("regex" in node) literals.push(new RegExp(node.regex.pattern, node.regex.flags));
    },
    NewExpression: ({ callee, start }) => {
      if (callee.type === "Identifier" && callee.name === "RegExp") calls.push(start);
    },
  }).visit(program);
  const callsLater = calls.some((at) => functions.some(([start, end]) => start < at && at < end));
  return { path, literals, callsLater };
}

/** The patterns that files put together while they are loaded. */
async function recordMade(): Promise<{ path: string; pattern: RegExp }[]> {
  const made: { path: string; pattern: RegExp }[] = [];
  const original = globalThis.RegExp;
  globalThis.RegExp = new Proxy(original, {
    construct: (target, given: [string, string?]) => {
      const pattern = new target(...given);
      const caller = new Error().stack?.split("\n")[2] ?? "";
      const path = files.find((one) => caller.includes(join(directory, one)));
      if (path) made.push({ path, pattern });
      return pattern;
    },
  });
  try {
    for (const path of files) await import(join(directory, path));
  } finally {
    globalThis.RegExp = original;
  }
  return made;
}

function complain(path: string, { source, flags }: RegExp): string[] {
  return analyse({ source, flags }).reports.map(({ type, exponential }) => {
    const [how, growth] = [type.toLowerCase(), exponential ? "exponential" : "quadratic"];
    return `${path}: /${source}/${flags} is ${growth} (${how})`;
  });
}

describe("the patterns of this program", () => {
  it("are linear, one and all", async () => {
    const written = files.map(readPatterns);
    const made = await recordMade();
    const complaints = [
      ...written.flatMap(({ path, literals }) => literals.flatMap((literal) => complain(path, literal))),
      ...made.flatMap(({ path, pattern }) => complain(path, pattern)),
    ];
    assert.deepEqual(complaints, []);
    const count = written.reduce((sum, { literals }) => sum + literals.length, 0);
    assert.ok(count > 100 && made.length > 0, `only ${count} were written and ${made.length} made`);
  });

  it("are known before the program runs, but for those named here with their reason", () => {
    const later = files.map(readPatterns).filter(({ callsLater }) => callsLater);
    assert.deepEqual(later.map(({ path }) => path).toSorted(), Object.keys(madeLater).toSorted());
  });

  it("would be found out if they were not linear", () => {
    assert.equal(complain("x.ts", /^[ \t]+|[ \t]+$/g).length, 1);
    assert.equal(complain("x.ts", /^(?:a+)+$/).length, 1);
  });
});
