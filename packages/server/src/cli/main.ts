/** imagaine-auth: the server and its operator's commands. */

import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { paint } from "./banner.ts";
import { exitCodes } from "./exit.ts";
import { addServe } from "./serve.ts";
import { explain } from "./system.ts";

/** Runs what the arguments say; the process's exit code is set, and a message is on standard error, if it fails. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  const program = new Command("imagaine-auth")
    .description("Sign-in for your application: accounts, sessions, tokens and mail in one process.")
    .version(version)
    .showSuggestionAfterError()
    .exitOverride();
  addServe(program);
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
      return;
    }
    const { message, exitCode } = explain(error);
    process.stderr.write(`${message.startsWith("\n") ? message : `${paint("red")("✗")} ${message}`}\n`);
    if (process.env.DEBUG) process.stderr.write(`${(error as Error).stack}\n`);
    process.exitCode = exitCode;
  }
}
