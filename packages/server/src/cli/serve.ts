/** imagaine-auth serve: starts the server, and on a first run makes whatever it needs. */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { type Command, InvalidArgumentError } from "commander";
import type { Config } from "../config.ts";
import { countCaptured } from "../core/mail/captured.ts";
import { findDevelopmentWarnings, findProductionProblems } from "../core/production-checks.ts";
import { createLog } from "../platform/log.ts";
import { serve } from "../serve.ts";
import { version } from "../version.ts";
import { mailLine, startLines } from "./banner.ts";
import { databaseFile, type Loaded, loadEnvironment, type Reading, refuseProblems } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
import { type Output, outliveReader, paint } from "./output.ts";
import { openSystem, prepareFolder } from "./system.ts";

interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
}

export function addServe(program: Command): void {
  addCommand(program, {
    name: "serve",
    sentence: "Start the server; what it needs and does not find in development, it makes",
    examples: [
      "imagaine-auth serve",
      "imagaine-auth serve --port 9000 --data-dir /var/lib/imagaine-auth",
      "NODE_ENV=production imagaine-auth serve --env-file production.env",
    ],
  })
    .option("--port <port>", "the port to listen on (PORT)", readPort)
    .option("--host <address>", "the address to listen on (HOST)")
    .action((options: ServeOptions, command: Command) => run(callOf(command), options));
}

function readPort(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return text;
  throw new InvalidArgumentError("It must be from 0 to 65535.");
}

async function run({ flags, out }: Call, options: ServeOptions): Promise<void> {
  const startedAt = performance.now();
  const overrides = { PORT: options.port, HOST: options.host };
  const reading: Reading = { ...flags, overrides, makesKey: true };
  // A first look, before anything is made: what cannot start leaves nothing behind.
  const { config, problems } = await loadEnvironment({ ...reading, makesKey: false });
  refuseProblems(problems);
  refuseUnsafe(config);
  warnOfWeak(config, out);
  const port = await findPort(config, out.note);
  const loaded = await loadEnvironment({ ...reading, overrides: { ...overrides, PORT: String(port) } });
  await start(loaded, startedAt);
}

/** In production nothing starts while something is unsafe, and everything is said at once. */
function refuseUnsafe(config: Config): void {
  const problems = config.mode === "production" ? findProductionProblems(config) : [];
  if (problems.length === 0) return;
  const lines = problems.flatMap(({ problem, because, fixes }) => [
    `  ${paint("red", process.stderr)("✗")} ${problem.padEnd(48)} ${because}`,
    ...fixes.map((fix, index) => `      ${index === 0 ? "fix" : "or "}   ${fix}`),
  ]);
  const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  const title = `  imagaine-auth ${version}   production   refusing to start: ${count}`;
  throw new CommandFailed(["", title, "", ...lines, ""].join("\n"), exitCodes.configuration);
}

/** What would be refused in production is said while there is time to mend it. */
function warnOfWeak(config: Config, out: Output): void {
  if (config.mode === "production") return;
  for (const { problem, because } of findDevelopmentWarnings(config)) out.note(`▲ ${problem}: ${because}`);
}

/** The port asked for; in development the next free one, since something else may run already. */
async function findPort({ host, port, mode }: Config, note: (text: string) => void): Promise<number> {
  const last = mode === "production" ? port : Math.min(port + 20, 65535);
  for (let candidate = port; candidate <= last; candidate += 1) {
    const free = await tryPort(host, candidate);
    if (free === undefined) continue;
    if (port !== 0 && free !== port) note(`Port ${port} is in use. Using ${free}.`);
    return free;
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
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return undefined;
    throw new CommandFailed(`Cannot listen on ${host}, port ${port} (${code}).`, exitCodes.configuration);
  } finally {
    await new Promise((resolve) => probe.close(resolve));
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
  const file = databaseFile(config);
  const isNew = file !== undefined && !existsSync(file);
  prepareFolder(loaded);
  const { auth, ctx } = await openSystem(loaded, log);
  const migrations = await auth.migrate();
  await auth.checkSecret();
  const hasMailbox = config.mode !== "production" && ["capture", "both"].includes(config.mail.backend);
  const serving = await serve(auth, {
    host: config.host,
    port: config.port,
    ownsProcess: true,
    ...(hasMailbox ? { delivered: (delivery) => write(mailLine(delivery, new Date())) } : {}),
  });
  stopOnSignal(serving.stop);
  outliveReader();
  const milliseconds = Math.round(performance.now() - startedAt);
  if (!isTerminal) {
    const { publicUrl: url, mode } = config;
    log("info", "ready", { url, mode, ms: milliseconds, migrations: migrations.length });
    return;
  }
  const lines = startLines(
    {
      config,
      database: describeDatabase(file, isNew, migrations.filter((name) => /^\d/.test(name)).length),
      created: (isNew ? [...loaded.created, file] : loaded.created).map(shortPath),
      users: (await auth.administration.listUsers({ limit: 1 })).total,
      mails: hasMailbox ? await countCaptured(ctx) : undefined,
      milliseconds,
    },
    process.stdout.columns,
  );
  for (const line of lines) write(line);
}

function describeDatabase(file: string | undefined, isNew: boolean, migrations: number): string {
  if (file === undefined) return "PostgreSQL";
  const steps = `${migrations} migration${migrations === 1 ? "" : "s"}`;
  const facts = [isNew && "new", migrations > 0 && steps].filter(Boolean).join(", ");
  return `SQLite ${shortPath(file)}${facts ? ` (${facts})` : ""}`;
}

const shortPath = (path: string) => path.replace(/^\.\//, "");

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
