/** What the machine can do at most: the measures that each call is held against. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { hash } from "@node-rs/argon2";

export interface Measured {
  /** Calls a second. */
  readonly rate: number;
  /** Microseconds of processor time for each of them. */
  readonly cpu: number;
}

/** argon2id at the default cost, as many at once as there are cores, for so many seconds. */
export async function measureHashes(seconds: number): Promise<Measured> {
  const before = cpuOf(process.cpuUsage());
  const until = performance.now() + seconds * 1000;
  let count = 0;
  const work = async () => {
    while (performance.now() < until) {
      await hash("a password of some length", {
        algorithm: 2, // argon2id
        memoryCost: 19_456,
        timeCost: 2,
        parallelism: 1,
      });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { rate: count / seconds, cpu: (cpuOf(process.cpuUsage()) - before) / count };
}

const cpuOf = ({ user, system }: NodeJS.CpuUsage) => user + system;

/** One-row commits, one at a time, each safely on the disk, for so many seconds. */
export function measureCommits(seconds: number): Measured {
  const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-bench-"));
  const database = new DatabaseSync(join(folder, "limit.db"));
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  database.exec("create table counters (id integer primary key, count integer not null) strict");
  database.exec("insert into counters values (1, 0)");
  const commit = database.prepare("update counters set count = count + 1 where id = 1");
  const before = cpuOf(process.cpuUsage());
  const until = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < until) {
    commit.run();
    count += 1;
  }
  const cpu = (cpuOf(process.cpuUsage()) - before) / count;
  database.close();
  rmSync(folder, { recursive: true });
  return { rate: count / seconds, cpu };
}

/** Run as a program: a server that reads a JSON body and answers with another, and does nothing else. */
if (process.argv[2] === "bare-server") {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString("utf8"));
      response.setHeader("content-type", "application/json");
      response.end("{}");
    });
  });
  server.listen(Number(process.argv[3]), "127.0.0.1");
}
