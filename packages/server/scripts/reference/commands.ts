/** The page of commands, from what each says of itself. */

import type { Command } from "commander";
import { exitCodes } from "../../src/cli/exit.ts";
import { createProgram } from "../../src/cli/main.ts";
import { page, table } from "./markdown.ts";

export function describeCommands(): string {
  const helps = collectHelp(createProgram());
  return page(
    "Command line",
    "Inside this repository the command is `npx imagaine-auth`, or `node packages/server/bin/imagaine-auth.mjs`. It " +
      "reads its [settings](configuration.md) from the environment and from `.env` in the folder it is started in, and " +
      "declared user fields from `imagaine-auth.config.ts` there. At a terminal it says which file that is, since its " +
      "code is run.",
    "`--settings FILE` reads another file than `.env`. Its older name `--env-file` is understood too, but Node itself " +
      "looks for that file first: one that is missing ends with Node's own words and exit code 9.",
    ...helps.flatMap(({ command, help }) => [`## ${command}`, `\`\`\`text\n${help.trimEnd()}\n\`\`\``]),
    "## Exit codes",
    table(
      ["Code", "Meaning"],
      Object.entries(exitCodes).map(([name, value]) => [String(value), exitMeanings[name] ?? name]),
    ),
  );
}

const exitMeanings: Readonly<Record<string, string>> = {
  done: "done",
  unexpected: "an unexpected error",
  usage: "wrong usage",
  notFound: "not found",
  conflict: "there already",
  invalid: "a value was refused",
  notAllowed: "not allowed",
  partlyDone: "partly done",
  problemsFound: "a check found problems",
  unfinished: "the server was told to stop, and had to leave something undone after 20 seconds",
  temporary: "a temporary failure: database, mail server, network",
  configuration: "the settings cannot be used",
  interrupted: "interrupted",
};

/** The help of a command and of all below it. */
function collectHelp(command: Command): { command: string; help: string }[] {
  const below = command.commands.flatMap(collectHelp);
  return [{ command: fullName(command), help: command.helpInformation() }, ...below];
}

const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
