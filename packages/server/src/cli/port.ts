/** The port to listen on: the one asked for; in development the next free one, since something else may run already. */

import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { basename } from "node:path";
import type { Config } from "../config.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { visible } from "./visible.ts";

/** `note` is told when it is another than the one asked for. Throws CommandFailed when there is none. */
export async function findPort({ host, port, mode }: Config, note: (text: string) => void): Promise<number> {
  const last = mode === "production" ? port : Math.min(port + 20, 65535);
  for (let candidate = port; candidate <= last; candidate += 1) {
    const free = await tryPort(host, candidate);
    if (free === undefined) continue;
    if (port !== 0 && free !== port) note(`${describeTaken(port)} Using ${free}.`);
    return free;
  }
  throw new CommandFailed(`${describeTaken(port)}\n  fix  PORT=${port + 1}`, exitCodes.unexpected);
}

async function tryPort(host: string, port: number): Promise<number | undefined> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, "listening");
    const address = probe.address();
    return address && typeof address === "object" ? address.port : port;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return undefined;
    throw new CommandFailed(explainRefusal(host, port, code), exitCodes.configuration);
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}

/** Why nothing can listen there, by the name of the setting that says where. */
function explainRefusal(host: string, port: number, code = "unknown"): string {
  const cause =
    code === "EADDRNOTAVAIL"
      ? `HOST is ${visible(host)}, which is no address of this machine`
      : code === "ENOTFOUND" || code === "EAI_AGAIN"
        ? `HOST is ${visible(host)}, and no machine of that name is found`
        : code === "EACCES"
          ? `PORT is ${port}, on which this user may not listen`
          : `Cannot listen on HOST ${visible(host)}, PORT ${port}`;
  const fix =
    code === "EACCES"
      ? "PORT=8000 (a proxy in front can take the other)"
      : "HOST=127.0.0.1 (this machine alone), or HOST=0.0.0.0 (every address that it has)";
  return `${cause} (${code}).\n  fix  ${fix}`;
}

/** "Port 8000 is in use (node, pid 812).", with the program where Linux lets us see it. */
function describeTaken(port: number): string {
  const owner = findListener(port);
  return `Port ${port} is in use${owner ? ` (${owner.name}, pid ${owner.pid})` : ""}.`;
}

function findListener(port: number): { readonly name: string; readonly pid: string } | undefined {
  try {
    const sockets = new Set(["tcp", "tcp6"].flatMap((table) => readListeners(table, port)));
    const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && holdsOne(name, sockets));
    return pid === undefined ? undefined : { name: visible(basename(readLink(`/proc/${pid}/exe`))), pid };
  } catch {
    // There is no /proc here, or it is closed to us.
    return undefined;
  }
}

const listening = "0A";

/** The sockets that listen on the port, by inode (proc_net(5): the second column is address:port, in hexadecimal). */
function readListeners(table: string, port: number): string[] {
  return readFileSync(`/proc/net/${table}`, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local = "", , state]) =>
        state === listening && Number.parseInt(local.split(":")[1] ?? "", 16) === port,
    )
    .map((columns) => `socket:[${columns[9]}]`);
}

/** Whether one of the process's open files is one of the sockets; those of other users are closed to us. */
function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((file) => sockets.has(readLink(`${folder}/${file}`)));
  } catch {
    return false;
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
