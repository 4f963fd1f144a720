import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createLog, describeError, type LogLevel } from "./log.ts";

function write(level: LogLevel, use: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  use(
    createLog(
      level,
      (line) => lines.push(line),
      () => new Date("2026-11-24T12:00:00Z"),
    ),
  );
  return lines;
}

describe("a log line", () => {
  it("is one line of visible ASCII-safe JSON, whatever a stranger puts into it", () => {
    const hostile = [
      ...['x\r\n{"level":"info","msg":"forged"}', "\u001b[2J\u001b[31m", "a\u2028b\u2029c", "\u202egnp.exe"],
      ...["\u2066x\u2069", "\u0000", "\u007f\u0085\u009b", "\ufeff\u200b\u00ad\u180e\u2060", "\u{e0041}"],
      "\ud800 alone",
    ];
    for (const text of hostile) {
      const [line = "", ...more] = write("debug", (log) => log("info", text, { path: text, agent: text }));
      assert.deepEqual(more, []);
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u, JSON.stringify(text));
      const read = JSON.parse(line);
      assert.deepEqual([read.msg, read.path, read.agent], [text, text, text]);
    }
  });

  it("can be read back, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const [line = ""] = write("debug", (log) => log("warn", "x", { text }));
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.equal(JSON.parse(line).text, text);
      }),
      { numRuns: 500 },
    );
  });

  it("says when, how bad and what", () => {
    const [line] = write("debug", (log) => log("error", "request failed", { status: 500 }));
    assert.equal(
      line,
      '{"time":"2026-11-24T12:00:00.000Z","level":"error","msg":"request failed","status":500}',
    );
  });

  it("is left out below the level that was asked for", () => {
    const all = (log: ReturnType<typeof createLog>) => {
      for (const level of ["debug", "info", "warn", "error"] as const) log(level, level);
    };
    assert.deepEqual(
      [4, 3, 2, 1],
      (["debug", "info", "warn", "error"] as const).map((least) => write(least, all).length),
    );
  });
});

describe("an error described", () => {
  it("names its message, its place and its causes", () => {
    const text = describeError(new Error("outer", { cause: new Error("inner", { cause: "the disk" }) }));
    assert.match(text, /^Error: outer\n\s+at .*log\.test\.ts[\s\S]* <- Error: inner\n[\s\S]* <- the disk$/);
  });

  it("need not be an Error", () => {
    assert.deepEqual(["plain", undefined, 7].map(describeError), ["plain", "undefined", "7"]);
  });
});
