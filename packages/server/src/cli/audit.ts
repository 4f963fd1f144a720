/** imagaine-auth audit: what happened, to whom, when, and who did it. */

import { setTimeout as wait } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { Context } from "../core/context.ts";
import { listTrail, type TrailEntry, type TrailFilter } from "../core/events/trail.ts";
import { findUser } from "../features/administration/flow.ts";
import { parseDuration } from "../platform/duration.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf, readLimit } from "./flags.ts";
import { addCommand } from "./help.ts";
import { localTime, type Output } from "./output.ts";
import { type Opened, withSystem } from "./system.ts";
import type { Column } from "./table.ts";
import { cutTo, toVisibleJson, visible, widthOf } from "./visible.ts";

interface AuditOptions {
  readonly event?: string;
  readonly user?: string;
  readonly since?: Date;
  readonly limit: number;
  readonly follow?: boolean;
}

export function addAudit(program: Command): void {
  const audit = addCommand(program, {
    name: "audit",
    sentence: "See what happened, to whom, when, and who did it",
    examples: [
      "imagaine-auth audit tail -f",
      "imagaine-auth audit search --user ada@example.org --since 7d",
      "imagaine-auth audit search --event 'password.*' --json",
    ],
  });
  const tail = addCommand(audit, {
    name: "tail",
    sentence: "Show the last events, the newest last",
    examples: [
      "imagaine-auth audit tail",
      "imagaine-auth audit tail -f --event 'sign_in.*'",
      "imagaine-auth audit tail -f --json",
    ],
  });
  addFilters(tail, 20)
    .option("-f, --follow", "go on with those to come, until Ctrl-C", false)
    .action((options: AuditOptions, command: Command) => follow(callOf(command), options));
  const search = addCommand(audit, {
    name: "search",
    sentence: "Search what happened, the newest last",
    examples: [
      "imagaine-auth audit search --event 'account.*' --since 24h",
      "imagaine-auth audit search --user ada@example.org",
      "imagaine-auth audit search --since 2026-11-01 --limit 1000 --json",
    ],
  });
  addFilters(search, 100).action((options: AuditOptions, command: Command) => find(callOf(command), options));
}

function addFilters(command: Command, limit: number): Command {
  return command
    .option("--event <pattern>", "events of this name; * stands for anything")
    .option("--user <user>", "what concerns an account: its id, e-mail address or username")
    .option("--since <time>", "not before: 30m, 24h, 7d ago, or a day such as 2026-11-24", readSince)
    .option("--limit <number>", "events at the most, the newest, up to 1000", readLimit, limit);
}

function readSince(text: string): Date {
  const span = parseDuration(text);
  const moment = span === undefined ? new Date(text) : new Date(Date.now() - span);
  const isMeant = span !== undefined || /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  if (!isMeant || Number.isNaN(moment.getTime())) {
    throw new InvalidArgumentError("It must be 30m, 24h, 7d, or a day such as 2026-11-24.");
  }
  return moment;
}

async function find({ flags, out }: Call, options: AuditOptions): Promise<void> {
  await withSystem(flags, async (opened) => {
    const entries = await listTrail(opened.ctx, await filterOf(opened, options));
    if (out.isJson) return out.document({ events: entries.map(presentEntry) });
    if (out.isQuiet) return entries.forEach(({ id }) => out.line(id));
    out.table(columns(out), entries);
    out.note(`${entries.length} event${entries.length === 1 ? "" : "s"}`);
  });
}

async function filterOf({ ctx }: Opened, options: AuditOptions): Promise<TrailFilter> {
  const { event, user, since, limit } = options;
  return { event, since, limit, accountId: user === undefined ? undefined : await findAccountId(ctx, user) };
}

/** An account that is gone still has its trail, under its id. */
async function findAccountId(ctx: Context, user: string): Promise<string> {
  const account = await findUser(ctx, user);
  if (account) return account.id;
  if (/^[0-9a-f-]{36}$/.test(user)) return user;
  throw new CommandFailed(`There is no account \`${visible(user)}\`.`, exitCodes.notFound);
}

function columns(out: Output): readonly Column<TrailEntry>[] {
  return [
    { title: "TIME", value: ({ at }) => (out.isTerminal ? localTime(at) : at.toISOString()) },
    { title: "EVENT", value: ({ event }) => event },
    { title: "USER", value: ({ email, accountId }) => email ?? accountId ?? "–", mayShrink: true },
    { title: "BY", value: ({ by }) => by || "–", mayShrink: true },
    { title: "DETAILS", value: ({ details }) => describeDetails(details), mayShrink: true },
  ];
}

const describeDetails = (details: TrailEntry["details"]) =>
  Object.entries(details)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");

function presentEntry(entry: TrailEntry): Record<string, unknown> {
  return {
    id: entry.id,
    at: entry.at,
    event: entry.event,
    user: entry.accountId,
    email: entry.email,
    by: entry.by,
    user_agent: entry.userAgent,
    ref: entry.ref,
    details: entry.details,
  };
}

/** How often it looks for more. */
const lookEvery = 1000;
/** Rows may be committed a while after the moment they bear, and clocks of nodes differ. */
const overlap = 60_000;
const mostAtOnce = 1000;

async function follow({ flags, out }: Call, options: AuditOptions): Promise<void> {
  await withSystem(flags, async (opened) => {
    const filter = await filterOf(opened, options);
    const write = writeEntries(out);
    // Before the first look, so that what comes between the two is new.
    const recent = await listRecent(opened.ctx, filter);
    const entries = await listTrail(opened.ctx, filter);
    write(entries);
    const seen = new Set([...recent, ...entries].map(({ id }) => id));
    if (options.follow) await writeNewEntries(opened.ctx, filter, seen, write);
  });
}

const listRecent = (ctx: Context, filter: TrailFilter) =>
  listTrail(ctx, { ...filter, since: new Date(Date.now() - overlap), limit: mostAtOnce });

async function writeNewEntries(
  ctx: Context,
  filter: TrailFilter,
  seenBefore: ReadonlySet<string>,
  write: (entries: readonly TrailEntry[]) => void,
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  let seen = seenBefore;
  while (!stopping.signal.aborted) {
    await wait(lookEvery, undefined, { signal: stopping.signal }).catch(() => undefined);
    const entries = await listRecent(ctx, filter);
    write(entries.filter(({ id }) => !seen.has(id)));
    seen = new Set(entries.map(({ id }) => id));
  }
  process.exitCode = exitCodes.interrupted;
}

/** Lines as they come: their columns are as wide as the widest so far; on a terminal, one line each. */
function writeEntries(out: Output): (entries: readonly TrailEntry[]) => void {
  const shown = columns(out).slice(0, -1);
  const isNarrow = out.isTerminal && process.stdout.columns < 100;
  const width = out.isTerminal ? process.stdout.columns : Number.POSITIVE_INFINITY;
  const widths = [0, 22, 24, 12];
  return (entries) => {
    for (const entry of entries) {
      if (out.isJson) {
        out.line(toVisibleJson(presentEntry(entry)));
        continue;
      }
      const cells = shown.map((column, index) => {
        const text = visible(column.value(entry));
        widths[index] = Math.max(widths[index] ?? 0, widthOf(text));
        return text + " ".repeat((widths[index] ?? 0) - widthOf(text));
      });
      const line = [...cells, visible(describeDetails(entry.details))].join("  ").trimEnd();
      out.line(cutTo(isNarrow ? line.slice("2026-11-24 ".length) : line, width));
    }
  };
}
