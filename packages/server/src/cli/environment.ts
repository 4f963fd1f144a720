/** Where the command line gets its settings from: the environment, `.env` beside it, and the declared user fields. */

import { isUtf8 } from "node:buffer";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig, settings } from "../config.ts";
import { baseFields, type UserFields } from "../core/accounts/fields.ts";
import { findTokenClaimProblems } from "../core/tokens/tokens.ts";
import { toBase64Url } from "../platform/encoding.ts";
import { systemRandomBytes } from "../platform/random.ts";
import {
  cleanValue,
  type Environment,
  findOtherMeaning,
  listSettings,
  type Problem,
} from "../platform/settings.ts";
import { readDeclaredFields } from "./config-file.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { findReaders, findWriters } from "./file-trust.ts";
import { paint } from "./output.ts";
import { readSettingsText } from "./settings-file.ts";

export interface Loaded {
  readonly config: Config;
  /** Everything for which nothing may start. */
  readonly problems: readonly Problem[];
  /** What somebody should know, and nothing ends for. */
  readonly warnings: readonly Problem[];
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
  /** Whether nothing is said beside the result. */
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Reads everything: flags win over the environment, which wins over the file. */
export async function loadEnvironment(reading: Reading = {}): Promise<Loaded> {
  const { file, values, problems } = readFile(reading.envFile);
  const { environment, sources } = mergeLayers([
    [file, values],
    ["environment", process.env],
    ["flag", { DATA_DIR: reading.dataDir, ...reading.overrides }],
  ]);
  const own = new Set(Object.keys(sources).filter((name) => sources[name] !== "environment"));
  const declared = await readDeclaredFields(".", (path) => tellFile(path, reading));
  problems.push(...declared.problems);
  const created: string[] = [];
  const warnings: Problem[] = [];
  const first = loadConfig(environment, own);
  const isUsable = problems.length + first.problems.length === 0;
  if (isUsable && !first.config.secretKey && first.config.mode !== "production") {
    const path = join(first.config.dataDirectory, "secret.key");
    if (reading.makesKey && !existsSync(path)) makeKey(first.config, path, created);
    if (existsSync(path)) {
      environment.SECRET_KEY = readKey(path);
      sources.SECRET_KEY = path;
      warnings.push(...findOpenFiles([path]));
    }
  }
  const { config, ...read } = loadConfig(environment, own);
  problems.push(...read.problems);
  warnings.push(...read.warnings);
  if (problems.length === 0) {
    const wrong = findTokenClaimProblems(config.tokens.claims, { ...baseFields, ...declared.fields });
    problems.push(...wrong.map((message) => ({ name: settings.tokens.claims.name, message })));
  }
  const open = findOpenFiles(listSecretFiles(environment));
  // A secret that others may change is theirs; while developing it is said, since some folders cannot be closed.
  (config.mode === "production" ? problems : warnings).push(...open.filter(({ isWritable }) => isWritable));
  warnings.push(...open.filter(({ isWritable }) => !isWritable));
  return { config, problems, warnings, fields: declared.fields, created, environment, sources };
}

type Layer = readonly [source: string, said: Environment];

/** What is said, the later layer before the earlier, and which layer said it. */
function mergeLayers(layers: readonly Layer[]) {
  const environment: Record<string, string | undefined> = {};
  const sources: Record<string, string> = {};
  for (const [source, said] of layers) {
    for (const [name, value] of Object.entries(said)) {
      if (value === undefined || cleanValue(value) === "") continue;
      // What another program put there is no word against our own file's.
      const isOthers = source === "environment" && findOtherMeaning(name, value) !== undefined;
      if (isOthers && environment[name] !== undefined) continue;
      environment[name] = value;
      sources[name] = source;
    }
  }
  return { environment, sources };
}

/** The files that hold secrets: those that SECRET_KEY_FILE and its like name. */
function listSecretFiles(environment: Environment): string[] {
  return listSettings(settings)
    .filter(({ secret, name }) => secret && !cleanValue(environment[name]))
    .map(({ name }) => cleanValue(environment[`${name}_FILE`]))
    .filter((path) => path !== "" && existsSync(path));
}

/** Files that others may change or read. What an engine mounts under /run/secrets it opens to the whole container. */
function findOpenFiles(paths: readonly string[]): (Problem & { readonly isWritable: boolean })[] {
  return paths.flatMap((path) => {
    const writers = findWriters(path);
    const found = writers ?? (path.startsWith("/run/secrets/") ? undefined : findReaders(path));
    if (!found) return [];
    // Nobody else needs to read it either.
    const fix = found.fix.replace(`go-w ${path}`, `600 ${path}`);
    return [{ name: path, message: found.problem, fix, isWritable: writers !== undefined }];
  });
}

const told = new Set<string>();

/** A person is told once whose code runs: it is that of whatever folder they stand in. */
function tellFile(path: string, { quiet, json }: Reading): void {
  if (told.has(path) || !process.stderr.isTTY || quiet || json) return;
  told.add(path);
  process.stderr.write(`${paint("dim", process.stderr)(`with the fields of ${path}`)}\n`);
}

function readFile(asked: string | undefined) {
  const file = asked ?? ".env";
  if (asked === undefined && !existsSync(file)) return { file, ...readSettingsText(file, "") };
  try {
    const bytes = readFileSync(file);
    const isText = isUtf8(bytes) && !bytes.includes(0);
    const { values, problems } = readSettingsText(file, isText ? bytes.toString() : "");
    if (!isText) problems.push({ name: file, message: "is no UTF-8 text", fix: "save it anew, as UTF-8" });
    const distrust = findWriters(file);
    if (distrust) problems.push({ name: file, message: distrust.problem, fix: distrust.fix });
    return { file, values, problems };
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new CommandFailed(`The settings in ${file} cannot be read (${code}).`, exitCodes.configuration);
  }
}

function readKey(path: string): string {
  try {
    const key = cleanValue(readFileSync(path, "utf8"));
    if (key !== "") return key;
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new CommandFailed(
      `The key in ${path} cannot be read (${code}).\n  fix  run the command as the user who owns it`,
      exitCodes.configuration,
    );
  }
  throw new CommandFailed(
    `${path} is empty.\n  fix  restore it from your backup, or set SECRET_KEY to what it held`,
    exitCodes.configuration,
  );
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
