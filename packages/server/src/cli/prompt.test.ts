import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { CommandFailed } from "./exit.ts";
import { choosePasswordSource, confirm } from "./prompt.ts";

/** A terminal on which somebody types; what is on its screen, and whether the terminal itself shows what is typed. */
function openTerminal({ isTTY = true } = {}) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode: (isRaw: boolean) => modes.push(isRaw),
  });
  let screen = "";
  const output = { write: (text: string) => void (screen += text) };
  return {
    terminal: { input, output },
    type: (text: string) => input.write(text),
    modes,
    screen: () => screen,
  };
}

const failsWith = (exitCode: number) => (error: unknown) =>
  error instanceof CommandFailed && error.exitCode === exitCode;

describe("a password typed at a terminal", () => {
  it("is asked for twice and shown nowhere", async () => {
    const { terminal, type, modes, screen } = openTerminal();
    const asked = choosePasswordSource(false, terminal)();
    type("Blue-Harbouz\u007fr-71\rBlue-Harbour-71\r");
    assert.equal(await asked, "Blue-Harbour-71");
    assert.equal(screen(), "Password: \nThe same again: \n");
    // Raw while it is typed, so that the terminal echoes nothing either; and as before afterwards.
    assert.deepEqual(modes, [true, false, true, false]);
  });

  it("is taken only when both are the same", async () => {
    const { terminal, type } = openTerminal();
    const asked = choosePasswordSource(true, terminal)();
    type("Blue-Harbour-71\r\nBlue-Harbour-72\r\n");
    await assert.rejects(asked, failsWith(5));
  });

  it("is given up with Ctrl-C, and the terminal is as before", async () => {
    const { terminal, type, modes } = openTerminal();
    const asked = choosePasswordSource(false, terminal)();
    type("Blue\u0003");
    await assert.rejects(asked, failsWith(130));
    assert.deepEqual(modes, [true, false]);
  });
});

describe("a password on standard input", () => {
  it("is all of it but the last line break", async () => {
    const { terminal } = openTerminal({ isTTY: false });
    const read = choosePasswordSource(true, terminal)();
    terminal.input.end(" pass\nword \r\n");
    assert.equal(await read, " pass\nword ");
  });

  it("is not waited for unless it is said to come", () => {
    const { terminal } = openTerminal({ isTTY: false });
    assert.throws(() => choosePasswordSource(false, terminal), failsWith(2));
  });

  it("that never ends is cut short", async () => {
    const { terminal } = openTerminal({ isTTY: false });
    const read = choosePasswordSource(true, terminal)();
    terminal.input.end("x".repeat(100_000));
    await assert.rejects(read, failsWith(5));
  });
});

describe("what cannot be undone", () => {
  it("is done only after a yes", async () => {
    for (const [answer, isMeant] of [
      ["y\n", true],
      ["YES\n", true],
      ["\n", false],
      ["n\n", false],
      ["yikes\n", false],
    ] as const) {
      const { terminal, type } = openTerminal();
      const asked = confirm("Really?", false, terminal);
      type(answer);
      await (isMeant ? asked : assert.rejects(asked, failsWith(130)));
    }
  });

  it("is not asked about without a terminal, nor when it was said already", async () => {
    const { terminal, screen } = openTerminal({ isTTY: false });
    await assert.rejects(confirm("Really?", false, terminal), failsWith(2));
    await confirm("Really?", true, terminal);
    assert.equal(screen(), "");
  });
});
