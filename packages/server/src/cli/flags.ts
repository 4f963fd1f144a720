/** What every command takes. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { createOutput, type Output } from "./output.ts";

export interface GlobalFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly absolute: boolean;
  readonly yes: boolean;
  readonly debug: boolean;
  readonly color: boolean;
  readonly settings?: string;
  readonly envFile?: string;
  readonly dataDir?: string;
}

export const globalOptions: readonly Option[] = [
  new Option("--json", "the result as one JSON document (audit tail: one a line)").default(false),
  new Option("-q, --quiet", "nothing but the result, as short as it can be").default(false),
  new Option("--absolute", "moments by the clock, not from now").default(false),
  new Option("--no-color", "no colours (so do NO_COLOR and TERM=dumb)"),
  new Option("-y, --yes", "do not ask whether it is meant").default(false),
  new Option("--settings <file>", "settings from this file instead of .env"),
  // Node looks at this one itself, wherever it stands, and ends in its own words if there is no such file.
  new Option("--env-file <file>", "the same").hideHelp().conflicts("settings"),
  new Option("--data-dir <folder>", "folder for the database and the key (DATA_DIR)"),
  new Option("--debug", "where an error comes from").default(false),
];

/** What a command is run with. */
export interface Call {
  readonly flags: GlobalFlags;
  readonly out: Output;
}

export function callOf(command: Command): Call {
  const given = command.optsWithGlobals<GlobalFlags>();
  const envFile = given.settings ?? given.envFile;
  const flags: GlobalFlags = envFile === undefined ? given : { ...given, envFile };
  return { flags, out: createOutput(flags) };
}

/** How many rows a list has at the most. */
export function readLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 1000) throw new InvalidArgumentError("It must be from 1 to 1000.");
  return limit;
}
