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
    const text = command.helpInformation();
    const lines = text.split("\n");
    const [sentence = "", examples = ""] = text.split("\n\n");

    it(`of "${pathOf(command)}" is a sentence, three examples and what can be said, on one screen`, () => {
      assert.match(sentence, /^[A-Z][^]*[^.]\.$/);
      assert.match(examples, /^(?: {2}\S.*(?:\n|$)){3}$/);
      assert.ok(lines.length <= 40);
      for (const line of lines) assert.ok(line.length <= 80, line);
    });

    it(`of "${pathOf(command)}" has examples that can be typed as they stand`, () => {
      for (const example of examples.split("\n")) {
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
