/** Several processes on one database, for tests of what two of them do at the same moment. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../platform/database/open.ts";
import type { Environment } from "../platform/settings.ts";
import { createSchema, dropSchema } from "./postgres.ts";
import { type TestAuth, testAuth } from "./test-auth.ts";

export interface ProcessCall {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** An access token. */
  readonly token?: string;
}

/** What a process is told to do: these calls, all at once. */
export interface Order {
  readonly calls: readonly ProcessCall[];
  /** What its clock shows. */
  readonly now: number;
}

export interface ProcessAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
  /** The X-Refresh header. */
  readonly outcome: string | null;
}

export interface Processes extends AsyncDisposable {
  /** The system of this process, on the same database. */
  readonly t: TestAuth;
  /** Has every process make its calls, all at the same moment; gives what the calls of each got. */
  readonly call: (callsOf: (index: number) => readonly ProcessCall[]) => Promise<ProcessAnswer[][]>;
}

export function refreshCall(refresh: string): ProcessCall {
  return { method: "POST", path: "/api/auth/token/refresh/", body: { refresh } };
}

/** On a file of SQLite, or a schema of PostgreSQL when TEST_DATABASE_URL names a server. */
export async function startProcesses(count: number, settings: Environment = {}): Promise<Processes> {
  const place = await makePlace();
  const database = await openDatabase(place.url, place.options);
  const environment = { ...settings, RATE_LIMITS: "off" };
  const t = await testAuth({ database, environment });
  const script = join(import.meta.dirname, "calling-process.ts");
  const children = Array.from({ length: count }, () =>
    fork(script, [JSON.stringify(environment), place.url, place.options.schema ?? ""], { stdio: "inherit" }),
  );
  await Promise.all(children.map((child) => once(child, "message")));
  return {
    t,
    call: (callsOf) => {
      const now = t.clock.now().getTime();
      return Promise.all(children.map((child, index) => ask(child, { calls: callsOf(index), now })));
    },
    [Symbol.asyncDispose]: async () => {
      const exits = children.map((child) => once(child, "exit"));
      for (const child of children) child.disconnect();
      await Promise.all(exits);
      await t[Symbol.asyncDispose]();
      await database.close();
      await place.remove();
    },
  };
}

async function ask(child: ChildProcess, order: Order): Promise<ProcessAnswer[]> {
  const answered = once(child, "message") as Promise<[ProcessAnswer[]]>;
  child.send(order);
  const [answers] = await answered;
  return answers;
}

async function makePlace() {
  const url = process.env.TEST_DATABASE_URL;
  if (url) {
    const schema = await createSchema(url);
    return { url, options: { schema }, remove: () => dropSchema(url, schema) };
  }
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-processes-"));
  const options: { readonly schema?: string } = {};
  return {
    url: `sqlite:${join(folder, "auth.db")}`,
    options,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
