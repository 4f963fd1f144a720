/** Starts what is measured as processes of their own, as people run them. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface Running {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** The product, on SQLite, with its limits off and its mail kept. */
export async function startProduct(environment: Readonly<Record<string, string>> = {}): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-bench-"));
  const port = await freePort();
  const program = resolve(import.meta.dirname, "../packages/server/bin/imagaine-auth.mjs");
  const server = spawn(process.execPath, [program, "serve"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      RATE_LIMITS: "off",
      LOG_LEVEL: "warn",
      ...environment,
    },
  });
  const url = `http://localhost:${port}`;
  await untilAnswers(`${url}/_/health/`);
  return {
    url,
    pid: server.pid ?? 0,
    stop: () => stopProcess(server, () => rmSync(folder, { recursive: true })),
  };
}

/** Node's own server, which does nothing. */
export async function startBareServer(): Promise<Running> {
  const port = await freePort();
  const program = resolve(import.meta.dirname, "limits.ts");
  const server = spawn(process.execPath, [program, "bare-server", String(port)], { stdio: "ignore" });
  const url = `http://localhost:${port}`;
  await untilAnswers(url);
  return { url, pid: server.pid ?? 0, stop: () => stopProcess(server, () => undefined) };
}

/** Microseconds of processor time that a server has used so far, all threads; NaN where there is no `/proc`. */
export function cpuTime({ pid }: Running): number {
  if (!existsSync(`/proc/${pid}/task`)) return Number.NaN;
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8"));
  return nanoseconds.reduce((sum, text) => sum + Number(text.split(" ")[0]) / 1000, 0);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (!address || typeof address === "string") throw new Error("No port is free.");
  return address.port;
}

async function untilAnswers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return void (await answer.text());
    await new Promise((wait) => setTimeout(wait, 100));
  }
  throw new Error(`${url} does not answer.`);
}

async function stopProcess(server: ChildProcess, cleanUp: () => void): Promise<void> {
  const exited = once(server, "exit");
  server.kill("SIGTERM");
  await exited;
  cleanUp();
}
