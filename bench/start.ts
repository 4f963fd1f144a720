/** node bench/start.ts [times]: from the command to "ready", and the memory that a server at rest takes, as packaged. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const times = Number(process.argv[2] ?? 9);
const root = join(import.meta.dirname, "..");
const server = join(root, "packages/server");
const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-start-"));

/** The package as it is installed: JavaScript, beside the packages that it needs. */
function layOutPackage(): string {
  const home = join(folder, "package");
  mkdirSync(home);
  execFileSync(process.execPath, [join(server, "scripts/build.ts")], { stdio: "inherit" });
  renameSync(join(server, "dist"), join(home, "dist"));
  for (const name of ["bin", "package.json"])
    cpSync(join(server, name), join(home, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(home, "node_modules"), "junction");
  return join(home, "bin/imagaine-auth.mjs");
}

/** Milliseconds until it says that it is ready, and MiB a while later. */
async function measureStart(args: readonly string[], run: number): Promise<readonly [number, number]> {
  const cwd = join(folder, `${run}`);
  mkdirSync(cwd, { recursive: true });
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, PORT: "0" } });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += String(chunk)));
  while (!said.includes('"ready"')) await once(child.stdout, "data");
  const milliseconds = performance.now() - startedAt;
  await pause(2000);
  const kibibytes = Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)], { encoding: "utf8" }));
  child.kill();
  await once(child, "exit");
  return [milliseconds, kibibytes / 1024];
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function measure(name: string, args: readonly string[]): Promise<void> {
  const runs: (readonly [number, number])[] = [];
  // The first one fills the system's cache of files.
  for (let run = 0; run <= times; run += 1) runs.push(await measureStart(args, run));
  const [starts, sizes] = [runs.slice(1).map(([ms]) => ms), runs.slice(1).map(([, mib]) => mib)];
  const seconds = (median(starts) / 1000).toFixed(2);
  process.stdout.write(`${name.padEnd(32)}${seconds} s   ${median(sizes).toFixed(0)} MiB\n`);
  for (let run = 0; run <= times; run += 1) rmSync(join(folder, `${run}`), { recursive: true });
}

const bare = `require("node:http").createServer().listen(0, () => console.log('"ready"'))`;
try {
  const program = layOutPackage();
  await measure("node:http that answers nothing", ["--eval", bare]);
  await measure("imagaine-auth", [program]);
  await measure("… with a smaller nursery", ["--max-semi-space-size=2", program]);
} finally {
  rmSync(folder, { recursive: true });
}
