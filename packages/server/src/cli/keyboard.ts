/** Single keys, while a server runs at a terminal; however that ends, the terminal is left as it was found. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";

export interface KeyTerminal {
  readonly input: Readable & { setRawMode?: (isRaw: boolean) => unknown };
  /** Whether the shell has given it to us: one that it runs something else on stops who changes it. */
  readonly isOurs: () => boolean;
  /** What the terminal itself would send to everybody who was started from this line of the shell. */
  readonly signal: (signal: NodeJS.Signals) => void;
}

export interface Keyboard {
  readonly close: () => void;
}

/** What a terminal does by itself as long as nobody reads single keys. */
const signals: ReadonlyMap<string, NodeJS.Signals> = new Map([
  ["\u0003", "SIGINT"],
  ["\u001a", "SIGTSTP"],
  ["\u001c", "SIGQUIT"],
]);

/** The one of them that ends a process before anybody, Node included, gives the terminal back. */
const deadly: NodeJS.Signals = "SIGQUIT";

/** Calls `press` with each key, in lower case, until it is closed. Ctrl-C, Ctrl-Z and Ctrl-\ mean what they always do. */
export function openKeyboard(press: (key: string) => void, terminal = ownTerminal()): Keyboard {
  const { input, isOurs, signal } = terminal;
  let isReading = false;
  const open = () => {
    if (isReading || !isOurs()) return;
    isReading = true;
    input.setRawMode?.(true);
    input.on("data", onData).resume();
  };
  const close = () => {
    if (!isReading) return;
    isReading = false;
    input.setRawMode?.(false);
    input.off("data", onData).pause();
  };
  const onData = (chunk: string) => {
    const sent = signals.get([...chunk].find((character) => signals.has(character)) ?? "");
    if (sent) {
      close();
      signal(sent);
    } else if (chunk.length === 1) press(chunk.toLowerCase());
    // More at once was pasted, or is an arrow: no word of it is meant for us.
  };
  input.setEncoding("utf8");
  // The window is gone; the server stays.
  input.on("error", close);
  const die = () => {
    close();
    process.kill(process.pid, deadly);
  };
  process.on("SIGCONT", open);
  process.on("exit", close);
  process.once(deadly, die);
  open();
  return {
    close: () => {
      close();
      process.off("SIGCONT", open);
      process.off("exit", close);
      process.off(deadly, die);
    },
  };
}

/** Whether somebody sits at a terminal that gives keys to us. */
export function canReadKeys(): boolean {
  return process.stdin.isTTY && process.env.TERM !== "dumb" && isInForeground();
}

/** Ends everything that was started with us, as Ctrl-C does. */
export const interrupt = () => signalGroup("SIGINT");

const ownTerminal = (): KeyTerminal => ({
  input: process.stdin,
  isOurs: isInForeground,
  signal: signalGroup,
});

/** To the whole group, as a terminal does: npm and `node --watch` above us stop as they do without us. */
function signalGroup(signal: NodeJS.Signals): void {
  if (process.platform === "win32") process.emit(signal);
  else process.kill(0, signal);
}

function isInForeground(): boolean {
  if (process.platform === "win32") return true;
  try {
    const [group, foreground] = process.platform === "linux" ? readGroups() : askForGroups();
    return group === foreground;
  } catch {
    return true;
  }
}

/** Our process group and the terminal's; they stand behind the name, which may hold anything (proc_pid_stat(5)). */
function readGroups(): readonly (string | undefined)[] {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const [, , group, , , foreground] = stat
    .slice(stat.lastIndexOf(")") + 1)
    .trim()
    .split(" ");
  return [group, foreground];
}

const askForGroups = () =>
  execFileSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], { encoding: "utf8" })
    .trim()
    .split(/\s+/);
