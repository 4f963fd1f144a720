/** Where the command line gets its settings from: the environment, `.env` beside it, and the declared user fields. */

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseEnv } from "node:util";
import { type Config, loadConfig } from "../config.ts";
import { defineFields, type UserFields } from "../core/accounts/fields.ts";
import { toBase64Url } from "../platform/encoding.ts";
import { systemRandomBytes } from "../platform/random.ts";
import type { Environment, Problem } from "../platform/settings.ts";
import { CommandFailed, exitCodes } from "./exit.ts";

export interface Loaded {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly fields: UserFields;
  /** Files that were made on the way: on a first run, the key. */
  readonly created: readonly string[];
  /** Where each setting that is set came from. */
  readonly sources: Readonly<Record<string, "environment" | ".env" | "data/secret.key">>;
}

/** Reads everything; in development a missing key is made and kept, since nothing else should be needed to start. */
export async function loadEnvironment(overrides: Environment = {}): Promise<Loaded> {
  const fromFile = existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {};
  const fromProcess = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""));
  const environment: Record<string, string | undefined> = { ...fromFile, ...fromProcess, ...overrides };
  const sources = Object.fromEntries([
    ...Object.keys(fromFile).map((name) => [name, ".env" as const]),
    ...Object.keys(fromProcess).map((name) => [name, "environment" as const]),
  ]);
  const first = loadConfig(environment);
  const created: string[] = [];
  const needsKey = !first.config.secretKey && first.problems.every(({ name }) => name !== "SECRET_KEY");
  if (needsKey && first.config.mode !== "production") {
    environment.SECRET_KEY = keepKey(first.config.dataDirectory, created);
    sources.SECRET_KEY = "data/secret.key";
  }
  return { ...loadConfig(environment), fields: await loadFields(), created, sources };
}

/** The key of a development system: made once, readable for its owner alone. */
function keepKey(directory: string, created: string[]): string {
  prepareDataDirectory(directory, created);
  const path = join(directory, "secret.key");
  if (!existsSync(path)) {
    writeFileSync(path, `${toBase64Url(systemRandomBytes(32))}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(path, 0o600);
    created.push(path);
  }
  return readFileSync(path, "utf8").trim();
}

/** The folder that everything is written to, kept out of git by a file of its own. */
export function prepareDataDirectory(directory: string, created: string[] = []): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, ".gitignore");
  if (existsSync(path)) return;
  writeFileSync(path, "*\n");
  created.push(path);
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
