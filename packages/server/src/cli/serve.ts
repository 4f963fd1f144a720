/** imagaine-auth serve: starts the server, and on a first run makes whatever it needs. */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import { findProductionProblems } from "../core/production-checks.ts";
import { createLog } from "../platform/log.ts";
import { serve } from "../serve.ts";
import { version } from "../version.ts";
import { mailLine, paint, startLines } from "./banner.ts";
import { type Loaded, loadEnvironment, refuseProblems } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { openSystem } from "./system.ts";

interface Flags {
  readonly port?: string;
  readonly host?: string;
  readonly dataDir?: string;
}

export function addServe(program: Command): void {
  program
    .command("serve", { isDefault: true })
    .description("Start the server")
    .option("--port <port>", "port to listen on (PORT)")
    .option("--host <address>", "address to listen on (HOST)")
    .option("--data-dir <folder>", "folder for the database and the key (DATA_DIR)")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const startedAt = performance.now();
  const overrides = Object.fromEntries(
    Object.entries({ PORT: flags.port, HOST: flags.host, DATA_DIR: flags.dataDir }).filter(
      ([, value]) => value,
    ),
  );
  const asked = await loadEnvironment(overrides);
  refuseProblems(asked.problems);
  refuseUnsafe(asked.config);
  const port = await findPort(asked.config);
  const loaded =
    port === asked.config.port ? asked : await loadEnvironment({ ...overrides, PORT: String(port) });
  await start({ ...loaded, created: asked.created }, startedAt);
}

/** In production nothing starts while something is unsafe, and everything is said at once. */
function refuseUnsafe(config: Config): void {
  const problems = config.mode === "production" ? findProductionProblems(config) : [];
  if (problems.length === 0) return;
  const lines = problems.flatMap(({ problem, because, fixes }) => [
    `  ${paint("red")("✗")} ${problem.padEnd(48)} ${because}`,
    ...fixes.map((fix, index) => `      ${index === 0 ? "fix" : "or "}   ${fix}`),
  ]);
  const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  const title = `  imagaine-auth ${version}   production   refusing to start: ${count}`;
  throw new CommandFailed(["", title, "", ...lines, ""].join("\n"), exitCodes.configuration);
}

/** The port asked for; in development the next free one, since something else may run already. */
async function findPort({ host, port, mode }: Config): Promise<number> {
  for (let candidate = port; candidate < port + 20; candidate += 1) {
    const free = await tryPort(host, candidate);
    if (free !== undefined) {
      if (port !== 0 && free !== port) process.stderr.write(`Port ${port} is in use. Using ${free}.\n`);
      return free;
    }
    if (mode === "production") break;
  }
  throw new CommandFailed(`Port ${port} is in use.\n  fix  PORT=${port + 1}`, exitCodes.unexpected);
}

async function tryPort(host: string, port: number): Promise<number | undefined> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, "listening");
    const address = probe.address();
    return address && typeof address === "object" ? address.port : port;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  } finally {
    probe.close();
  }
}

async function start(loaded: Loaded, startedAt: number): Promise<void> {
  const { config } = loaded;
  const isTerminal = process.stdout.isTTY;
  const write = (line: string) => process.stdout.write(`${line}\n`);
  // A person at a terminal wants to see mails and problems, not every request.
  const level =
    isTerminal && config.mode !== "production" && config.logLevel === "info" ? "warn" : config.logLevel;
  const log = createLog(level, write, () => new Date());
  const file = config.database.url.replace(/^sqlite:/, "");
  const isNew = config.database.url.startsWith("sqlite:") && !existsSync(file);
  const { auth } = await openSystem(loaded, log);
  const migrations = await auth.migrate();
  await auth.checkSecret();
  const isShown = config.mode !== "production" && ["capture", "both"].includes(config.mail.backend);
  const serving = await serve(auth, {
    host: config.host,
    port: config.port,
    ...(isShown ? { delivered: (delivery) => write(mailLine(delivery, new Date())) } : {}),
  });
  const milliseconds = Math.round(performance.now() - startedAt);
  if (isTerminal) {
    const created = isNew ? [...loaded.created, file] : loaded.created;
    const database = describeDatabase(config, file, isNew, migrations.length);
    for (const line of startLines({ config, database, created, milliseconds })) write(line);
  } else {
    log("info", "ready", {
      url: config.publicUrl,
      mode: config.mode,
      ms: milliseconds,
      migrations: migrations.length,
    });
  }
  stopOnSignal(serving.stop);
}

function describeDatabase(config: Config, file: string, isNew: boolean, migrations: number): string {
  if (!config.database.url.startsWith("sqlite:")) return "PostgreSQL";
  const facts = [isNew && "new", migrations > 0 && `${migrations} migrations`].filter(Boolean).join(", ");
  return `SQLite ${file.replace(/^\.\//, "")}${facts ? ` (${facts})` : ""}`;
}

/** The first signal stops in order; a second one at once. */
function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const onSignal = () => {
    if (isStopping) process.exit(exitCodes.interrupted);
    isStopping = true;
    stop().then(
      () => process.exit(exitCodes.done),
      (error: unknown) => {
        process.stderr.write(`${(error as Error).message}\n`);
        process.exit(exitCodes.unexpected);
      },
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}
