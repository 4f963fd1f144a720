/** A real server on a real database with people on it, for something to go wrong with. */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Box, openBox, type RunningServer } from "../../packages/server/src/testing/command-line.ts";
import { findFreePort } from "../../packages/server/src/testing/postgres.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type Load, startLoad } from "./load.ts";
import { type Proxy, startProxy } from "./proxy.ts";

export interface Stage extends AsyncDisposable {
  readonly box: Box;
  /** The settings that it runs with. */
  readonly env: Readonly<Record<string, string>>;
  readonly server: () => RunningServer;
  /** Starts it again where it was. */
  readonly start: () => Promise<void>;
  /** Sends SIGTERM: seconds until it ended, and with which code; killed, and null, when it has not after 40 s. */
  readonly stop: () => Promise<{ readonly seconds: number; readonly code: number | null }>;
  readonly kill: () => Promise<void>;
}

export interface DatabaseStage extends Stage {
  readonly load: Load;
  readonly cluster: Cluster;
  /** Between the server and the cluster. */
  readonly proxy: Proxy;
}

const password = "securepassword123\n";
const people = ["ada", "bob", "cy", "dan"].map((name) => `${name}@example.com`);

/** One stage is set at a time: to start a server takes all of a processor. */
let turn: Promise<unknown> = Promise.resolve();

/** A server on its own port with these settings. */
export function openStage(settings: Readonly<Record<string, string>>): Promise<Stage> {
  const opened = turn.then(() => setStage(settings));
  turn = opened.catch(() => undefined);
  return opened;
}

async function setStage(settings: Readonly<Record<string, string>>): Promise<Stage> {
  await using things = new AsyncDisposableStack();
  const box = things.use(await openBox({ patience: 120_000 }));
  const port = await findFreePort();
  const env = {
    SECRET_KEY: randomBytes(32).toString("base64url"),
    RATE_LIMITS: "off",
    DATABASE_URL: `sqlite:${join(box.folder, "auth.db")}`,
    ...settings,
  };
  const serve = () => box.serve(["--port", String(port)], { env });
  let running = await serve();
  const owned = things.move();
  return {
    box,
    env,
    server: () => running,
    start: async () => void (running = await serve()),
    kill: async () => void (await running.stop("SIGKILL")),
    stop: async () => {
      const began = performance.now();
      const isOver = new AbortController();
      const late = pause(40_000, undefined, { signal: isOver.signal }).then(() => running.stop("SIGKILL"));
      const [code] = await Promise.race([running.stop("SIGTERM"), late]);
      isOver.abort();
      await late.catch(() => undefined);
      return { seconds: (performance.now() - began) / 1000, code };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Makes a verified account for each address, and has them use the server. */
async function openLoad(stage: Stage): Promise<Load & AsyncDisposable> {
  for (const email of people) {
    const name = email.split("@")[0] ?? "";
    const args = ["user", "create", email, "--verified", "--password-stdin", "--username", name];
    const { code, err } = await stage.box.run(args, { env: stage.env, input: password });
    if (code !== 0) throw new Error(err);
  }
  return startLoad(() => stage.server().url, people);
}

/** A cluster, and a wire to it: what is closed takes both along. */
export async function openDatabase() {
  await using things = new AsyncDisposableStack();
  const cluster = things.use(await startCluster());
  const proxy = things.use(await startProxy(cluster.port));
  const url = Object.assign(new URL(cluster.url), { port: String(proxy.port) }).href;
  const owned = things.move();
  return { cluster, proxy, url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** On PostgreSQL, through a proxy, with people who use it. */
export async function openPostgresStage(): Promise<DatabaseStage> {
  await using things = new AsyncDisposableStack();
  const { cluster, proxy, url } = things.use(await openDatabase());
  const stage = things.use(await openStage({ DATABASE_URL: url }));
  const load = things.use(await openLoad(stage));
  const owned = things.move();
  return { ...stage, load, cluster, proxy, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** On a file of SQLite, with people who use it. */
export async function openSqliteStage(): Promise<Stage & { readonly load: Load; readonly file: string }> {
  await using things = new AsyncDisposableStack();
  const stage = things.use(await openStage({}));
  const load = things.use(await openLoad(stage));
  const owned = things.move();
  const file = join(stage.box.folder, "auth.db");
  return { ...stage, load, file, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
