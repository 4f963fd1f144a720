import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openKeyboard } from "./keyboard.ts";

/** A terminal that notes what is done to it, in order. */
function openTerminal({ isOurs = true } = {}) {
  const done: string[] = [];
  const state = { isOurs };
  const input = Object.assign(new PassThrough(), {
    setRawMode: (isRaw: boolean) => void done.push(isRaw ? "single keys" : "whole lines"),
  });
  const keyboard = openKeyboard((key) => void done.push(`key ${key}`), {
    input,
    isOurs: () => state.isOurs,
    signal: (signal) => void done.push(signal),
  });
  const type = async (keys: string) => {
    input.write(keys);
    await nextTurn();
    return done;
  };
  return { done, state, input, type, [Symbol.dispose]: keyboard.close };
}

describe("a keyboard", () => {
  it("gives back the terminal before Ctrl-C, Ctrl-Z and Ctrl-\\ do what they always do", async () => {
    for (const [typed, signal] of [
      ["\u0003", "SIGINT"],
      ["\u001a", "SIGTSTP"],
      ["\u001c", "SIGQUIT"],
      ["uu\u0003", "SIGINT"],
    ] as const) {
      using terminal = openTerminal();
      assert.deepEqual(await terminal.type(typed), ["single keys", "whole lines", signal]);
    }
  });

  it("reads on when the shell brings the process back", async () => {
    using terminal = openTerminal();
    await terminal.type("\u001a");
    process.emit("SIGCONT");
    assert.deepEqual((await terminal.type("u")).slice(2), ["SIGTSTP", "single keys", "key u"]);
  });

  it("does not touch a terminal that the shell has given to somebody else, until it is ours", async () => {
    using terminal = openTerminal({ isOurs: false });
    process.emit("SIGCONT");
    assert.deepEqual(await terminal.type("u"), []);
  });

  it("takes one key at a time, capital or not, and nothing of what is pasted or of an arrow", async () => {
    using terminal = openTerminal();
    for (const keys of ["quota", "\u001b[A", "U", "?"]) await terminal.type(keys);
    assert.deepEqual(terminal.done, ["single keys", "key u", "key ?"]);
  });

  it("outlives its window", async () => {
    using terminal = openTerminal();
    terminal.input.emit("error", new Error("read EIO"));
    assert.deepEqual(terminal.done, ["single keys", "whole lines"]);
  });

  it("leaves nothing behind when it is closed", () => {
    const count = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
    const before = count();
    openTerminal()[Symbol.dispose]();
    assert.equal(count(), before);
  });
});
