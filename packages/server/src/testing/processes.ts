/** Several processes on one database, for tests of what two of them do at the same moment. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../platform/database/open.ts";
import { createSchema, dropSchema } from "./postgres.ts";
import { type TestAuth, testAuth } from "./test-auth.ts";

/** What a process is told to do: to refresh with one token so many times at once. */
export interface Order {
  readonly refresh: string;
  readonly times: number;
  /** What its clock shows. */
  readonly now: number;
}

export interface Outcome {
  readonly status: number;
  readonly refresh: string | undefined;
  /** The X-Refresh header. */
  readonly outcome: string | null;
}

export interface Processes extends AsyncDisposable {
  /** The system of this process, on the same database. */
  readonly t: TestAuth;
  /** Has every process refresh with a token so many times, all at once; gives what each call got. */
  readonly refresh: (token: string, timesEach: number) => Promise<Outcome[]>;
}

/** On a file of SQLite, or a schema of PostgreSQL when TEST_DATABASE_URL names a server. */
export async function startProcesses(count: number): Promise<Processes> {
  const place = await makePlace();
  const database = await openDatabase(place.url, place.options);
  const t = await testAuth({ database, environment: { RATE_LIMITS: "off" } });
  const script = join(import.meta.dirname, "refreshing-process.ts");
  const children = Array.from({ length: count }, () =>
    fork(script, [place.url, place.options.schema ?? ""], { stdio: "inherit" }),
  );
  await Promise.all(children.map((child) => once(child, "message")));
  return {
    t,
    refresh: async (token, times) => {
      const order: Order = { refresh: token, times, now: t.clock.now().getTime() };
      return (await Promise.all(children.map((child) => ask(child, order)))).flat();
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

async function ask(child: ChildProcess, order: Order): Promise<Outcome[]> {
  const answered = once(child, "message") as Promise<[Outcome[]]>;
  child.send(order);
  const [outcomes] = await answered;
  return outcomes;
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
