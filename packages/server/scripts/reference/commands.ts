/** The page of commands, from what each says of itself. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { exitCodes } from "../../src/cli/exit.ts";
import { page, table } from "./markdown.ts";
import { source } from "./source.ts";

export async function describeCommands(): Promise<string> {
  const helps = await collectHelp([]);
  return page(
    "Command line",
    "Inside this repository the command is `npx imagaine-auth`, or `node packages/server/bin/imagaine-auth.mjs`. It " +
      "reads its [settings](configuration.md) from the environment and from `.env` in the folder it is started in, and " +
      "declared user fields from `imagaine-auth.config.ts` there.",
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
  temporary: "a temporary failure: database, mail server, network",
  configuration: "the settings cannot be used",
  interrupted: "interrupted",
};

/** The help of a command and of all below it, as a pipe gets it: 80 columns, no colours. */
async function collectHelp(words: readonly string[]): Promise<{ command: string; help: string }[]> {
  const program = join(source, "../bin/imagaine-auth.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...words, "--help"]);
  const listed = stdout.split(/^Commands:$/m)[1] ?? "";
  const names = [...listed.matchAll(/^ {2}(?<name>[a-z][a-z-]*)/gm)].map(({ groups }) => groups?.name ?? "");
  const below = await Promise.all(
    names.filter((name) => name !== "help").map((name) => collectHelp([...words, name])),
  );
  return [{ command: ["imagaine-auth", ...words].join(" "), help: stdout }, ...below.flat()];
}
