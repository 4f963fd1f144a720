/** imagaine-auth: the server and its operator's commands. */

import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { addAbout } from "./about.ts";
import { addAudit } from "./audit.ts";
import { addConfig } from "./config.ts";
import { exitCodes } from "./exit.ts";
import { explain } from "./explain.ts";
import { globalOptions } from "./flags.ts";
import { formatHelp, withExamples } from "./help.ts";
import { addKeys } from "./keys.ts";
import { addMail } from "./mail.ts";
import { addMigrate } from "./migrate.ts";
import { addOutbox } from "./outbox.ts";
import { endWithReader, paint } from "./output.ts";
import { addSecret } from "./secret.ts";
import { addServe } from "./serve.ts";
import { addUser } from "./user.ts";

/** Runs what the arguments say; the process's exit code is set, and a message is on standard error, if it fails. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  process.stdout.on("error", endWithReader);
  if (argv.includes("--no-color")) {
    process.env.NO_COLOR = "1";
    delete process.env.FORCE_COLOR;
  }
  const program = createProgram();
  try {
    await program.parseAsync(namesCommand(argv) ? [...argv] : ["serve", ...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) refuseUsage(error, commandOf.get(error));
    else refuse(error, argv.includes("--debug"));
  }
}

/** Every command there is. */
export function createProgram(): Command {
  const program = new Command("imagaine-auth")
    .description("Sign-in for your application: accounts, sessions, tokens and mail in one process")
    .version(version, "-V, --version", "the version")
    .usage("[options] [command]   (no command: serve)")
    .helpOption("-h, --help", "this help, or that of a command")
    .configureHelp({ formatHelp })
    .configureOutput({ outputError: () => undefined });
  for (const option of globalOptions) program.addOption(option);
  withExamples(program, [
    "imagaine-auth",
    "imagaine-auth user create ada@example.org --verified",
    "imagaine-auth audit tail -f",
  ]);
  const additions = [
    addServe,
    addMigrate,
    addConfig,
    addSecret,
    addUser,
    addKeys,
    addMail,
    addOutbox,
    addAudit,
    addAbout,
  ];
  for (const add of additions) add(program);
  rememberCommand(program);
  return program;
}

/** Whose words were not understood. */
const commandOf = new WeakMap<CommanderError, string>();

function rememberCommand(command: Command, path = command.name()): void {
  command.exitOverride((error) => {
    commandOf.set(error, path);
    throw error;
  });
  for (const one of command.commands) rememberCommand(one, `${path} ${one.name()}`);
}

/** Whether a command, or help, is asked for; without either, the server is meant. */
function namesCommand(argv: readonly string[]): boolean {
  if (argv.some((word) => ["-h", "--help", "-V", "--version"].includes(word))) return true;
  return createProgram().parseOptions([...argv]).operands.length > 0;
}

/** What commander has to say, in our words; it prints help itself. */
function refuseUsage(error: CommanderError, command = "imagaine-auth"): void {
  process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error.exitCode === 0 || error.code === "commander.help") return;
  const said = error.message
    .replace(/^error: /, "")
    .replace(/^command-argument value ('.*?') is invalid for argument '.*?'\. /, "there is no $1 here. ")
    .replace(
      /\s?\(Did you mean (?:one of )?([^()]+)\?\)$/,
      (_, names: string) => ` Did you mean ${quoted(names)}?`,
    )
    .replaceAll(/'([^']*)'/g, "`$1`")
    .replace(/^(.*[^.?])( Did you mean .*)$/s, "$1.$2")
    .replace(/[^.?]$/, "$&.");
  complain(`${said.charAt(0).toUpperCase()}${said.slice(1)}\n  see  ${command} --help`);
}

const quoted = (names: string) =>
  names
    .split(", ")
    .map((name) => `\`${name}\``)
    .join(" or ");

function refuse(error: unknown, isDebugging: boolean): void {
  const { message, exitCode } = explain(error);
  complain(message);
  if (isDebugging) process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = exitCode;
}

function complain(message: string): void {
  const sign = message.startsWith("\n") ? "" : `${paint("red", process.stderr)("✗")} `;
  process.stderr.write(`${sign}${message}\n`);
}
