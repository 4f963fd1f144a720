/** How a command is declared, and how it explains itself: one sentence, examples first, then what can be said. */

import type { Argument, Command, Help, Option } from "commander";
import { globalOptions } from "./flags.ts";
import { wrap } from "./visible.ts";

export interface Described {
  /** The name, with its arguments: `create <email>`. */
  readonly name: string;
  /** What it does, without a full stop. */
  readonly sentence: string;
  /** As they are typed. */
  readonly examples: readonly string[];
}

const examplesOf = new WeakMap<Command, readonly string[]>();

export function addCommand(parent: Command, { name, sentence, examples }: Described): Command {
  const command = parent.command(name).description(sentence);
  return withExamples(command, examples);
}

export function withExamples(command: Command, examples: readonly string[]): Command {
  examplesOf.set(command, examples);
  return command;
}

/** What a terminal has at the least. */
const width = 80;

/** The help of a command: on one screen, wherever that is. */
export function formatHelp(command: Command, help: Help): string {
  const isRoot = command.parent === null;
  const commands = help.visibleCommands(command).filter((one) => one.name() !== "help");
  const sections = [
    wrap(`${help.commandDescription(command)}.`, 0, width),
    (examplesOf.get(command) ?? []).map((example) => `  ${example}`),
    [`Usage: ${help.commandUsage(command)}`],
    section("Arguments", command.registeredArguments.filter(isDescribed).map(argumentRow)),
    section("Options", help.visibleOptions(command).map(optionRow)),
    isRoot ? [] : wrap(`Also: ${globalOptions.filter(isShown).map(longFlag).join(" ")}`, 6, width),
    section(
      "Commands",
      commands.map((one) => [one.name(), help.subcommandDescription(one)]),
    ),
  ];
  const texts = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}

const isDescribed = ({ description }: Argument) => description !== "";
const argumentRow = (one: Argument) => [one.name(), one.description] as const;
const optionRow = ({ flags, description }: Option) => [flags, description] as const;
const isShown = ({ hidden }: Option) => !hidden;
const longFlag = ({ long }: Option) => long;

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const room = Math.max(...rows.map(([term]) => term.length));
  return [
    `${title}:`,
    ...rows.flatMap(([term, text]) => wrap(`  ${term.padEnd(room)}  ${text}`, room + 4, width)),
  ];
}
