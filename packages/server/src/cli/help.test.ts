import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Command } from "commander";
import { createProgram } from "./main.ts";

/** A command and all below it. */
function collect(command: Command): Command[] {
  return [command, ...command.commands.flatMap(collect)];
}

const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

describe("help", () => {
  for (const command of collect(createProgram())) {
    const lines = command.helpInformation().split("\n");

    it(`of "${pathOf(command)}" is a sentence, three examples and what can be said, on one screen`, () => {
      assert.match(lines[0] ?? "", /^[A-Z].*[^.]\.$/);
      assert.equal(lines[1], "");
      assert.equal(lines.slice(2, 5).filter((line) => /^ {2}\S/.test(line)).length, 3);
      assert.equal(lines[5], "");
      assert.ok(lines.length <= 40);
      for (const line of lines) assert.ok(line.length <= 110, line);
    });

    it(`of "${pathOf(command)}" has examples that can be typed as they stand`, () => {
      for (const example of lines.slice(2, 5)) {
        const words = /\bimagaine-auth\b([^|<>)]*)/.exec(example)?.[1]?.split(/\s+/).filter(Boolean) ?? [];
        const program = createProgram();
        // What is called is found, and takes these words; nothing is run.
        for (const one of collect(program)) one.action(() => undefined);
        const unquoted = words.map((word) => word.replaceAll(/^['"]|['"]$/g, ""));
        assert.doesNotThrow(() => program.parse(unquoted, { from: "user" }), example);
      }
    });
  }
});
