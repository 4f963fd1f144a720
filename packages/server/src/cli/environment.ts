/** Where the command line gets its settings from: the environment, `.env` beside it, and the declared user fields. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Config, loadConfig } from "../config.ts";
import { defineFields, type UserFields } from "../core/accounts/fields.ts";
import { toBase64Url } from "../platform/encoding.ts";
import { systemRandomBytes } from "../platform/random.ts";
import type { Environment, Problem } from "../platform/settings.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { readSettingsText } from "./settings-file.ts";

export interface Loaded {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly fields: UserFields;
  /** Files that were made on the way: on a first run, the key. */
  readonly created: readonly string[];
  /** What the settings were read from, every source together. */
  readonly environment: Environment;
  /** Where each setting that is set came from: "environment", the name of a file, or "flag". */
  readonly sources: Readonly<Record<string, string>>;
}

export interface Reading {
  readonly envFile?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Settings that flags of the command say. */
  readonly overrides?: Environment;
  /** Whether a missing key of a development system is made: only by what may begin a system. */
  readonly makesKey?: boolean;
}

/** Reads everything: flags win over the environment, which wins over the file. */
export async function loadEnvironment(reading: Reading = {}): Promise<Loaded> {
  const { file, values, problems } = readFile(reading.envFile);
  const layers: readonly (readonly [string, Environment])[] = [
    [file, values],
    ["environment", process.env],
    ["flag", { DATA_DIR: reading.dataDir, ...reading.overrides }],
  ];
  const environment: Record<string, string | undefined> = {};
  const sources: Record<string, string> = {};
  for (const [source, said] of layers) {
    for (const [name, value] of Object.entries(said)) {
      if (value === undefined || value === "") continue;
      environment[name] = value;
      sources[name] = source;
    }
  }
  const created: string[] = [];
  const first = loadConfig(environment);
  const isUsable = problems.length + first.problems.length === 0;
  if (isUsable && !first.config.secretKey && first.config.mode !== "production") {
    const path = join(first.config.dataDirectory, "secret.key");
    if (reading.makesKey && !existsSync(path)) makeKey(first.config, path, created);
    if (existsSync(path)) {
      environment.SECRET_KEY = readFileSync(path, "utf8").trim();
      sources.SECRET_KEY = path;
    }
  }
  const { config, problems: more } = loadConfig(environment);
  return {
    ...{ config, problems: [...problems, ...more] },
    ...{ fields: await loadFields(), created, environment, sources },
  };
}

function readFile(asked: string | undefined) {
  const file = asked ?? ".env";
  if (asked === undefined && !existsSync(file)) return { file, ...readSettingsText(file, "") };
  try {
    return { file, ...readSettingsText(file, readFileSync(file, "utf8")) };
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new CommandFailed(`The settings in ${file} cannot be read (${code}).`, exitCodes.configuration);
  }
}

/** The key of a development system: made once, readable for its owner alone. */
function makeKey(config: Config, path: string, created: string[]): void {
  const file = databaseFile(config);
  if (file && existsSync(file)) {
    throw new CommandFailed(
      `${path} is missing, and ${file} was made with it.\n  fix  restore it from your backup, or set SECRET_KEY to what it held`,
      exitCodes.configuration,
    );
  }
  prepareDataDirectory(config.dataDirectory, created);
  writeFileSync(path, `${toBase64Url(systemRandomBytes(32))}\n`, { mode: 0o600, flag: "wx" });
  created.push(path);
}

/** The file of an SQLite database; undefined for one that has none. */
export function databaseFile({ database }: Config): string | undefined {
  const path = /^sqlite:(.*)$/is.exec(database.url)?.[1];
  return path === undefined || path === ":memory:" ? undefined : path;
}

/** The folder that everything is written to, for its owner alone, kept out of git by a file of its own. */
export function prepareDataDirectory(directory: string, created: string[] = []): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, ".gitignore");
    if (existsSync(path)) return;
    writeFileSync(path, "*\n", { mode: 0o600 });
    created.push(path);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new CommandFailed(
      `The folder ${directory} cannot be written to (${code}).\n  fix  DATA_DIR=…, a folder that this user owns`,
      exitCodes.configuration,
    );
  }
}

/** The fields that `imagaine-auth.config.ts` (or .mjs, .js) declares, if it stands here. */
async function loadFields(): Promise<UserFields> {
  const file = ["imagaine-auth.config.ts", "imagaine-auth.config.mjs", "imagaine-auth.config.js"].find(
    existsSync,
  );
  if (!file) return {};
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { fields?: UserFields };
    return defineFields(module.fields ?? {});
  } catch (error) {
    throw new CommandFailed(`${file}: ${(error as Error).message}`, exitCodes.configuration);
  }
}

/** Refuses to go on with settings that cannot be read; says every one of them. */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ name, message }) => `  ✗ ${name} ${message}`);
  throw new CommandFailed(["The settings cannot be used:", ...lines].join("\n"), exitCodes.configuration);
}
