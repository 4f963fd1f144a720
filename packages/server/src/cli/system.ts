/** Opens the system that the settings describe, for a command to work with. */

import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type Auth, createAuth } from "../auth.ts";
import type { Context } from "../core/context.ts";
import type { Feature } from "../core/feature.ts";
import { standardFeatures } from "../features.ts";
import { createLog, type Log } from "../platform/log.ts";
import { explainDatabase } from "./database-problem.ts";
import {
  databaseFile,
  type Loaded,
  loadEnvironment,
  prepareDataDirectory,
  type Reading,
} from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { refuseUnreadable } from "./report.ts";

type OpenAuth = Auth<typeof standardFeatures>;

export interface Opened extends Loaded {
  readonly auth: OpenAuth;
  /** The context of the person at the keyboard, named in the audit trail. */
  readonly ctx: Context;
}

type Work<T> = (opened: Opened) => Promise<T>;

/** Opens the system, with what the command line itself adds to it. Nothing is migrated yet. */
export async function openSystem(
  loaded: Loaded,
  log: Log,
  additions: readonly Feature[] = [],
): Promise<Opened> {
  const { config, fields } = loaded;
  refuseUnreadable(loaded);
  if (!config.secretKey) {
    throw new CommandFailed(
      "SECRET_KEY is missing: nothing can be signed or decrypted without it.\n  fix  SECRET_KEY=… (npx imagaine-auth secret prints one), kept with your backups",
      exitCodes.configuration,
    );
  }
  try {
    const features = [...standardFeatures, ...additions];
    const auth = (await createAuth({ config, fields, features, log })) as OpenAuth;
    return { ...loaded, auth, ctx: auth.context(actor()) };
  } catch (error) {
    const explained = explainDatabase(error, loaded);
    if (explained instanceof CommandFailed) throw explained;
    // The fields and the claims are settings too.
    throw new CommandFailed((error as Error).message, exitCodes.configuration, { cause: error });
  }
}

/** Who is at the keyboard. The colon keeps it apart from every id that a request may have. */
function actor(): string {
  return `cli:${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that has no name.
    return String(process.getuid?.() ?? "unknown");
  }
}

/** Runs a command on the system and closes it again, whatever comes of it. The database must be up to date. */
export async function withSystem<T>(reading: Reading, work: Work<T>): Promise<T> {
  return withDatabase(reading, async (opened) => {
    const pending = await opened.auth.pendingMigrations();
    if (pending.length > 0) {
      throw new CommandFailed(
        `The database lacks ${pending.length} migration${pending.length === 1 ? "" : "s"}.\n  fix  imagaine-auth migrate`,
        exitCodes.configuration,
      );
    }
    await opened.auth.checkSecret();
    return work(opened);
  });
}

/** The same with a database that is there, however old it is. */
export async function withDatabase<T>(reading: Reading, work: Work<T>): Promise<T> {
  const loaded = await loadEnvironment(reading);
  refuseUnreadable(loaded);
  const file = databaseFile(loaded.config);
  if (file && !existsSync(file)) {
    throw new CommandFailed(
      `There is no database at ${file} yet.\n  fix  imagaine-auth migrate`,
      exitCodes.notFound,
    );
  }
  return closeAfter(await openSystem(loaded, warnings), work);
}

/** The same with a database that may have to be made first. */
export async function openForMigrating<T>(reading: Reading, work: Work<T>): Promise<T> {
  const loaded = await loadEnvironment({ ...reading, makesKey: true });
  refuseUnreadable(loaded);
  prepareFolder(loaded);
  return closeAfter(await openSystem(loaded, warnings), work);
}

/** Makes the data folder where the database will lie in it. */
export function prepareFolder({ config, created }: Loaded): void {
  const file = databaseFile(config);
  if (file?.startsWith(`${config.dataDirectory}/`)) prepareDataDirectory(config.dataDirectory, [...created]);
}

async function closeAfter<T>(opened: Opened, work: Work<T>): Promise<T> {
  const result = await closeIfRefused(opened, work);
  await opened.auth.close();
  return result;
}

/** Leaves nothing open when the work fails: a connection left to itself would keep the process for a while. */
export async function closeIfRefused<T>(opened: Opened, work: Work<T>): Promise<T> {
  try {
    return await work(opened);
  } catch (error) {
    await opened.auth.close();
    throw explainDatabase(error, opened);
  }
}

const complain = createLog(
  "warn",
  (line) => process.stderr.write(`${line}\n`),
  () => new Date(),
);

/** What is the matter with the database, a command says itself when it ends. */
const warnings: Log = (level, message, fields) => {
  if (!/^database (?:gone|back)$/.test(message)) complain(level, message, fields);
};
