/** imagaine-auth version and info: what runs here, in so few words that anybody may read them. */

import { arch, platform, release } from "node:os";
import type { Command } from "commander";
import { settings } from "../config.ts";
import { listSettings } from "../platform/settings.ts";
import { version } from "../version.ts";
import { type Loaded, loadEnvironment } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf, type GlobalFlags } from "./flags.ts";
import { addCommand } from "./help.ts";
import { facts } from "./output.ts";
import { withDatabase } from "./system.ts";

export function addAbout(program: Command): void {
  addCommand(program, {
    name: "version",
    sentence: "Show the version of this program, and of Node",
    examples: ["imagaine-auth version", "imagaine-auth version --json", "imagaine-auth version --quiet"],
  }).action((_options: unknown, command: Command) => showVersion(callOf(command)));
  addCommand(program, {
    name: "info",
    sentence: "Show what a report of a bug should say: versions, and which settings are set, never to what",
    examples: [
      "imagaine-auth info",
      "imagaine-auth info --json",
      "imagaine-auth info --settings production.env",
    ],
  }).action((_options: unknown, command: Command) => showInfo(callOf(command)));
}

function showVersion({ out }: Call): void {
  const node = process.versions.node;
  if (out.isJson) out.document({ version, node });
  else out.line(out.isQuiet ? version : `imagaine-auth ${version}   Node ${node}`);
}

async function showInfo({ flags, out }: Call): Promise<void> {
  const loaded = await loadEnvironment(flags);
  const { config, sources, problems, fields } = loaded;
  const isOurs = new Set(listSettings(settings).flatMap(({ name }) => [name, `${name}_FILE`]));
  const info = {
    version,
    node: process.versions.node,
    system: `${platform()} ${release()} ${arch()}`,
    mode: config.mode,
    database: await describeDatabase(flags, loaded),
    mail: config.mail.backend,
    tokens: config.tokens.algorithm,
    fields: Object.keys(fields).length,
    settings: Object.keys(sources).filter((name) => isOurs.has(name)),
    problems: problems.map(({ name }) => name.replace(/:$/, "")),
  };
  if (out.isJson) return out.document(info);
  const said = Object.entries(info).map(([name, value]) => [name, spell(value)] as const);
  facts(out, said);
}

const spell = (value: string | number | readonly string[]) =>
  Array.isArray(value) ? value.join(" ") || "none" : String(value);

/** The kind of database and how far it is; where it lies, and what its server says, might be nobody's business. */
async function describeDatabase(flags: GlobalFlags, { config, problems }: Loaded): Promise<string> {
  const isPostgres = config.database.url.startsWith("postgres");
  const kind = isPostgres ? "PostgreSQL" : `SQLite ${process.versions.sqlite}`;
  if (problems.length > 0) return `${kind}, not looked at`;
  try {
    return await withDatabase(flags, async ({ auth }) => {
      const [applied, pending] = [await auth.appliedMigrations(), await auth.pendingMigrations()];
      return `${kind}, ${applied.length} migrations applied, ${pending.length} pending`;
    });
  } catch (error) {
    const isMissing = error instanceof CommandFailed && error.exitCode === exitCodes.notFound;
    return `${kind}, ${isMissing ? "not made yet" : "cannot be opened"}`;
  }
}
