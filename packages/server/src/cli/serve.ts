/** imagaine-auth serve: starts the server, and on a first run makes whatever it needs. */

import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import type { Config } from "../config.ts";
import { countCaptured } from "../core/mail/captured.ts";
import { findAllowedProblems, findDevelopmentWarnings } from "../core/production-checks.ts";
import { createLog, type Log } from "../platform/log.ts";
import { serve } from "../serve.ts";
import { addressesOf, startLines } from "./banner.ts";
import { openBrowser } from "./browser.ts";
import { whenThere } from "./database-problem.ts";
import { openKeys, referencePath } from "./development-keys.ts";
import { databaseFile, type Loaded, loadEnvironment, type Reading } from "./environment.ts";
import { type Call, callOf } from "./flags.ts";
import { formatForPerson, mailLine, showEvents } from "./happenings.ts";
import { addCommand } from "./help.ts";
import { canReadKeys } from "./keyboard.ts";
import { type Output, outliveReader } from "./output.ts";
import { findPort } from "./port.ts";
import { describeWarning, refuseStart } from "./report.ts";
import { stopOnSignal } from "./stop.ts";
import { closeIfRefused, openSystem, prepareFolder } from "./system.ts";

interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
  readonly open: boolean;
}

export function addServe(program: Command): void {
  addCommand(program, {
    name: "serve",
    sentence: "Start the server; what it needs and does not find in development, it makes",
    examples: [
      "imagaine-auth serve",
      "imagaine-auth serve --port 9000 --data-dir /var/lib/imagaine-auth",
      "NODE_ENV=production imagaine-auth serve --settings production.env",
    ],
  })
    .option("--port <port>", "the port to listen on (PORT)", readPort)
    .option("--host <address>", "the address to listen on (HOST)")
    .option("--open", "open the API's reference in your browser", false)
    .action((options: ServeOptions, command: Command) => run(callOf(command), options));
}

function readPort(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return text;
  throw new InvalidArgumentError("It must be from 0 to 65535.");
}

async function run({ flags, out }: Call, options: ServeOptions): Promise<void> {
  const overrides = { PORT: options.port, HOST: options.host };
  const reading: Reading = { ...flags, overrides, makesKey: true };
  // A first look, before anything is made: what cannot start leaves nothing behind.
  const first = await loadEnvironment({ ...reading, makesKey: false });
  refuseStart(first);
  const { config } = first;
  const log = createServerLog(config, out);
  const warn = (text: string) => (out.isTerminal ? out.note(`▲ ${text}`) : log("warn", text));
  for (const one of first.warnings) warn(describeWarning(one));
  warnOfWeak(config, warn);
  const port = await findPort(config, warn);
  const loaded = await loadEnvironment({ ...reading, overrides: { ...overrides, PORT: String(port) } });
  await start(loaded, out, log);
  if (options.open) openBrowser(loaded.config.publicUrl + referencePath, out.note);
}

const isDeveloping = ({ mode }: Config, out: Output) => out.isTerminal && mode !== "production";

/** Lines of JSON; a person who develops at a terminal gets mails, sign-ins and problems, not every request. */
function createServerLog(config: Config, out: Output): Log {
  const now = () => new Date();
  if (!isDeveloping(config, out)) return createLog(config.logLevel, out.line, now);
  return createLog(config.logLevel === "info" ? "warn" : config.logLevel, out.line, now, formatForPerson);
}

/** What would be refused in production is said while there is time to mend it; there, what is allowed although unsafe. */
function warnOfWeak(config: Config, warn: (text: string) => void): void {
  const find = config.mode === "production" ? findAllowedProblems : findDevelopmentWarnings;
  for (const { problem, because } of find(config)) warn(`${problem}: ${because}`);
}

async function start(loaded: Loaded, out: Output, log: Log): Promise<void> {
  const { config } = loaded;
  const isWatched = isDeveloping(config, out) && !out.isQuiet;
  const file = databaseFile(config);
  const isNew = file !== undefined && !existsSync(file);
  prepareFolder(loaded);
  const opened = await openSystem(loaded, log, isWatched ? [showEvents(out.line)] : []);
  const { auth, ctx } = opened;
  const hasMailbox = config.mode !== "production" && ["capture", "both"].includes(config.mail.backend);
  const { migrations, serving } = await closeIfRefused(opened, async () => ({
    migrations: await whenThere(auth.migrate, (reason) =>
      log("warn", "waiting for the database, a minute at the most", { reason }),
    ),
    serving: await serve(auth, {
      host: config.host,
      port: config.port,
      ownsProcess: true,
      ...(isWatched && hasMailbox ? { delivered: (mail) => out.line(mailLine(mail, ctx.now())) } : {}),
    }),
  }));
  stopOnSignal(serving, log);
  outliveReader();
  // Since the process began: loading the program is a part of what somebody waits for.
  const milliseconds = Math.round(performance.now());
  const { publicUrl: url, mode } = config;
  if (!out.isTerminal) {
    const { api, reference, mailbox } = addressesOf(url);
    const where = { url, api, reference, ...(hasMailbox && { mailbox }) };
    return log("info", "ready", { ...where, mode, ms: milliseconds, migrations: migrations.length });
  }
  if (out.isQuiet) return out.line(url);
  const hasKeys = isWatched && canReadKeys();
  // Before they are shown: what is typed until then would be echoed.
  if (hasKeys) openKeys({ ctx, hasMailbox, write: out.line });
  const shown = {
    config,
    database: describeDatabase(file, isNew, migrations.filter((name) => /^\d/.test(name)).length),
    created: (isNew ? [...loaded.created, file] : loaded.created).map(shortPath),
    users: (await auth.administration.listUsers({ limit: 1 })).total,
    mails: hasMailbox ? await countCaptured(ctx) : undefined,
    milliseconds,
    hasKeys,
  };
  for (const line of startLines(shown, process.stdout.columns)) out.line(line);
}

function describeDatabase(file: string | undefined, isNew: boolean, migrations: number): string {
  if (file === undefined) return "PostgreSQL";
  const steps = `${migrations} migration${migrations === 1 ? "" : "s"}`;
  const facts = [isNew && "new", migrations > 0 && steps].filter(Boolean).join(", ");
  return `SQLite ${shortPath(file)}${facts ? ` (${facts})` : ""}`;
}

const shortPath = (path: string) => path.replace(/^\.\//, "");
