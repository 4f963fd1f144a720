/** Opens the system that the settings describe, for a command to work with. */

import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type Auth, createAuth } from "../auth.ts";
import type { Context } from "../core/context.ts";
import { SecretMismatch } from "../core/keys/fingerprint.ts";
import { standardFeatures } from "../features.ts";
import { isBusy } from "../platform/database/dialect.ts";
import { DatabaseTooNew } from "../platform/database/migrate.ts";
import { createLog, type Log } from "../platform/log.ts";
import { type Loaded, loadEnvironment, prepareDataDirectory, refuseProblems } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";

export type OpenAuth = Auth<typeof standardFeatures>;

export interface Opened extends Loaded {
  readonly auth: OpenAuth;
  /** The context of the person at the keyboard, named in the audit trail. */
  readonly ctx: Context;
}

/** Opens the system. Nothing is migrated yet. */
export async function openSystem(loaded: Loaded, log: Log): Promise<Opened> {
  const { config, fields } = loaded;
  refuseProblems(loaded.problems);
  if (!config.secretKey) throw new CommandFailed("SECRET_KEY is missing.", exitCodes.configuration);
  if (config.database.url.startsWith(`sqlite:${config.dataDirectory}/`))
    prepareDataDirectory(config.dataDirectory);
  const auth = await createAuth({ config, fields, features: standardFeatures, log });
  return { ...loaded, auth, ctx: auth.context(actor()) };
}

function actor(): string {
  return `cli:${userInfo().username}@${hostname()}`;
}

/** Runs a command on the system and closes it again, whatever comes of it. */
export async function withSystem<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
  const loaded = await loadEnvironment();
  const { config } = loaded;
  const log = createLog(
    "warn",
    (line) => process.stderr.write(`${line}\n`),
    () => new Date(),
  );
  const file = config.database.url.startsWith("sqlite:")
    ? config.database.url.slice("sqlite:".length)
    : undefined;
  if (file && file !== ":memory:" && !existsSync(file)) {
    throw new CommandFailed(
      `There is no database at ${file} yet.\n  fix  imagaine-auth migrate`,
      exitCodes.notFound,
    );
  }
  const opened = await openSystem(loaded, log);
  try {
    await checkDatabase(opened.auth);
    return await work(opened);
  } finally {
    await opened.auth.close();
  }
}

/** The database must be as new as this program, and made with this secret. */
export async function checkDatabase(auth: OpenAuth): Promise<void> {
  const pending = await auth.pendingMigrations();
  if (pending.length > 0) {
    throw new CommandFailed(
      `The database lacks ${pending.length} migrations.\n  fix  imagaine-auth migrate`,
      exitCodes.configuration,
    );
  }
  await auth.checkSecret();
}

/** What went wrong, in words, and the code to end with. */
export function explain(error: unknown): { message: string; exitCode: number } {
  if (error instanceof CommandFailed) return error;
  if (error instanceof SecretMismatch || error instanceof DatabaseTooNew) {
    return { message: error.message, exitCode: exitCodes.configuration };
  }
  if (isBusy(error)) return { message: error.message, exitCode: exitCodes.temporary };
  return { message: (error as Error).message ?? String(error), exitCode: exitCodes.unexpected };
}
