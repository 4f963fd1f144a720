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
  readonly env: Readonly<Record<string, string>>;
  readonly server: () => RunningServer;
  /** Starts it again where it was; seconds until it was ready. */
  readonly start: () => Promise<number>;
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

/** A server on its own port with these settings. */
export async function openStage(settings: Readonly<Record<string, string>>): Promise<Stage> {
  const box = await openBox();
  const port = await findFreePort();
  const env = {
    SECRET_KEY: randomBytes(32).toString("base64url"),
    RATE_LIMITS: "off",
    DATABASE_URL: `sqlite:${join(box.folder, "auth.db")}`,
    ...settings,
  };
  let server: RunningServer | undefined;
  const start = async () => {
    const began = performance.now();
    server = await box.serve(["--port", String(port)], { env });
    return (performance.now() - began) / 1000;
  };
  await start();
  const running = () => {
    if (!server) throw new Error("It was not started.");
    return server;
  };
  return {
    box,
    env,
    server: running,
    start,
    kill: async () => {
      await running().stop("SIGKILL");
    },
    stop: async () => {
      const began = performance.now();
      const stopped = running().stop("SIGTERM");
      const isOver = new AbortController();
      const wait = pause(40_000, undefined, { signal: isOver.signal }).then(() => running().stop("SIGKILL"));
      const [code] = await Promise.race([stopped, wait]);
      isOver.abort();
      await wait.catch(() => undefined);
      return { seconds: (performance.now() - began) / 1000, code };
    },
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

/** Makes a verified account for each address. */
export async function makePeople({ box, env }: Stage, emails: readonly string[]): Promise<void> {
  for (const email of emails) {
    const args = [
      "user",
      "create",
      email,
      "--verified",
      "--password-stdin",
      "--username",
      email.split("@")[0] ?? "",
    ];
    const { code, err } = await box.run(args, { env, input: password });
    if (code !== 0) throw new Error(err);
  }
}

/** On PostgreSQL, through a proxy, with people who use it. */
export async function openPostgresStage(): Promise<DatabaseStage> {
  const cluster = await startCluster();
  const proxy = await startProxy(cluster.port);
  const url = Object.assign(new URL(cluster.url), { port: String(proxy.port) }).href;
  const stage = await openStage({ DATABASE_URL: url });
  await makePeople(stage, people);
  const load = await startLoad(() => stage.server().url, people);
  return {
    ...stage,
    load,
    cluster,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await load.stop();
      await stage[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

/** On a file of SQLite, with people who use it. */
export async function openSqliteStage(): Promise<Stage & { readonly load: Load; readonly file: string }> {
  const stage = await openStage({});
  await makePeople(stage, people);
  const load = await startLoad(() => stage.server().url, people);
  return {
    ...stage,
    load,
    file: join(stage.box.folder, "auth.db"),
    [Symbol.asyncDispose]: async () => {
      await load.stop();
      await stage[Symbol.asyncDispose]();
    },
  };
}
