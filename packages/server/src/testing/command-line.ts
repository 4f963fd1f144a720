/** The real command in a folder of its own: run to its end, or kept running as a server. */

import { type ChildProcess, type ChildProcessWithoutNullStreams, fork, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { copyFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { stripVTControlCharacters } from "node:util";
import type { CommandCall, Finished } from "./command-process.ts";

export type { Finished } from "./command-process.ts";

const ownProgram = join(import.meta.dirname, "../../bin/imagaine-auth.mjs");

/** What Node compiled once, every process after it reads: it halves what a start costs. A test run alone has one too. */
const compileCache =
  process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), `imagaine-auth-compiled-${process.getuid?.() ?? 0}`);

/** How long a line, or the end of a command, is waited for, unless a test says so. */
const usualPatience = 30_000;

export interface RunOptions {
  /** Settings in the environment; nothing of the test's own is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; closed at once if not given. */
  readonly input?: string | Buffer;
}

export interface ProcessOptions extends RunOptions {
  /** Options of Node itself. */
  readonly node?: readonly string[];
}

/** A command at a terminal of its own, on which a person types. */
export interface Sitting {
  /** All that the terminal shows so far, without colours. */
  readonly screen: () => string;
  readonly type: (keys: string) => void;
  /** The first match on the screen, once it is there. */
  readonly shows: (pattern: RegExp) => Promise<RegExpExecArray>;
}

export interface Running {
  /** All lines on standard output so far. */
  readonly lines: readonly string[];
  readonly err: () => string;
  /** The first line that matches, once it is there. */
  readonly line: (pattern: RegExp) => Promise<string>;
  /** Closes our end of its output, as a reader does that died. */
  readonly stopReading: () => void;
  /** Sends a signal; the exit code and the signal it died of. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<readonly [number | null, NodeJS.Signals | null]>;
}

export interface RunningServer extends Running {
  readonly url: string;
  readonly post: (path: string, body: unknown) => Promise<Response>;
}

export interface Box extends AsyncDisposable {
  readonly folder: string;
  /** Runs a command to its end, in a process that runs all commands of a test file, one at a time. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Finished>;
  /** Runs it in a process of its own, as an operator does: that it ends, and with which code, is Node's word. */
  readonly runAlone: (args: readonly string[], options?: ProcessOptions) => Promise<Finished>;
  /** Starts a command that goes on until it is stopped. */
  readonly start: (args: readonly string[], options?: RunOptions) => Running;
  /** Runs a line of shell at a terminal of 100 columns; `$cli` in it is the command. Linux only: it is util-linux's `script`. */
  readonly sit: (line: string, options?: RunOptions) => Sitting;
  /** Starts a server on a free port and waits until it is ready. */
  readonly serve: (args?: readonly string[], options?: RunOptions) => Promise<RunningServer>;
  readonly write: (file: string, text: string) => Promise<void>;
  readonly copy: (from: string, to: string) => Promise<void>;
  readonly move: (from: string, to: string) => Promise<void>;
  /** Works on the SQLite file past the program. */
  readonly sqlite: <T>(work: (file: DatabaseSync) => T, path?: string) => T;
}

/** `program`: another file than the command's own, which Node runs in its place. `patience`: how long a line is waited for. */
export async function openBox({ program = ownProgram, patience = usualPatience } = {}): Promise<Box> {
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-cli-"));
  const running = new Set<ChildProcess>();
  const environment = (env: RunOptions["env"]) => ({
    PATH: process.env.PATH,
    HOME: folder,
    NODE_COMPILE_CACHE: compileCache,
    ARGON2: "8,1,1",
    ...env,
  });
  const spawnIn = (args: readonly string[], { env = {}, node = [] }: ProcessOptions) =>
    spawnProgram(process.execPath, [...node, program, ...args], env);
  const spawnProgram = (file: string, args: readonly string[], env: RunOptions["env"]) => {
    const child = spawn(file, args, { cwd: folder, env: environment(env) });
    running.add(child);
    child.once("exit", () => running.delete(child));
    return child;
  };
  return {
    folder,
    run: (args, { env, input = "" } = {}) => callProcess({ args, folder, env: environment(env), input }),
    runAlone: async (args, options = {}) => {
      const child = spawnIn(args, options);
      const [out, err] = [collect(child.stdout), collect(child.stderr)];
      // It may end without reading what it is told.
      child.stdin.on("error", () => undefined);
      child.stdin.end(options.input ?? "");
      const deadline = setTimeout(() => child.kill("SIGKILL"), patience);
      const [code] = (await once(child, "close")) as [number | null];
      clearTimeout(deadline);
      return { code, out: out(), err: err() };
    },
    start: (args, options = {}) => watch(spawnIn(args, options), patience),
    sit: (line, { env = {} } = {}) => {
      const cli = `${process.execPath} ${program}`;
      const script = [
        "--quiet",
        "--return",
        "--command",
        `trap : INT; stty cols 100 rows 40; ${line}`,
        "/dev/null",
      ];
      return watchScreen(spawnProgram("script", script, { TERM: "xterm", SHELL: "/bin/bash", cli, ...env }));
    },
    serve: (args = [], options = {}) =>
      reach(watch(spawnIn(["serve", "--port", "0", ...args], options), patience)),
    write: (file, text) => writeFile(join(folder, file), text),
    copy: (from, to) => copyFile(join(folder, from), join(folder, to)),
    move: (from, to) => rename(join(folder, from), join(folder, to)),
    sqlite: (work, path = "data/auth.db") => {
      const file = new DatabaseSync(join(folder, path), { timeout: 5000 });
      try {
        return work(file);
      } finally {
        file.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      const exits = [...running].map((child) => once(child, "exit"));
      for (const child of running) child.kill("SIGKILL");
      await Promise.all(exits);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let commandProcess: ChildProcess | undefined;

function startCommandProcess(): ChildProcess {
  const child = fork(join(import.meta.dirname, "command-process.ts"), {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache },
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.once("exit", () => {
    commandProcess = undefined;
  });
  return child;
}

let lastCall: Promise<unknown> = Promise.resolve();

/** One call after another. Rejects when the process ends of it, as it does of an error that nobody catches. */
function callProcess(call: CommandCall): Promise<Finished> {
  const finished = lastCall.then(() => callNow(call));
  lastCall = finished.catch(() => undefined);
  return finished;
}

async function callNow(call: CommandCall): Promise<Finished> {
  commandProcess ??= startCommandProcess();
  const child = commandProcess;
  // It is waited for during a call, and keeps no test file from ending after it.
  child.ref();
  child.channel?.ref();
  const deadline = setTimeout(() => child.kill("SIGKILL"), usualPatience);
  const isOver = new AbortController();
  const ended = once(child, "exit", { signal: isOver.signal }).then(() => {
    throw new Error(`The process ended of: ${call.args.join(" ")}`);
  });
  try {
    child.send(call);
    const [finished] = await Promise.race([once(child, "message"), ended]);
    return finished as Finished;
  } finally {
    isOver.abort();
    clearTimeout(deadline);
    child.unref();
    child.channel?.unref();
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** What a process says, and a way to wait for it: until `find` finds something, or an error that shows all. */
function follow(child: ChildProcessWithoutNullStreams, patience = usualPatience) {
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const changes = new EventEmitter();
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  child.stdout.on("data", () => changes.emit("change"));
  child.once("close", () => changes.emit("change"));
  const wait = async <T>(pattern: RegExp, find: () => T | null | undefined): Promise<T> => {
    const deadline = AbortSignal.timeout(patience);
    for (;;) {
      const found = find();
      if (found !== undefined && found !== null) return found;
      if (isOver()) throw new Error(`It ended before ${pattern}.\n${out()}${err()}`);
      await once(changes, "change", { signal: deadline }).catch(() => {
        throw new Error(`It did not say ${pattern} in time.\n${out()}${err()}`);
      });
    }
  };
  return { out, err, wait };
}

function watch(child: ChildProcessWithoutNullStreams, patience: number): Running {
  const { out, err, wait } = follow(child, patience);
  const lines = () => out().split("\n").slice(0, -1);
  return {
    get lines() {
      return lines();
    },
    err,
    line: (pattern) => wait(pattern, () => lines().find((one) => pattern.test(one))),
    stopReading: () => {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    stop: async (signal = "SIGTERM") => {
      const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
      child.kill(signal);
      return exit;
    },
  };
}

function watchScreen(child: ChildProcessWithoutNullStreams): Sitting {
  const { out, wait } = follow(child);
  const screen = () => stripVTControlCharacters(out()).replaceAll("\r", "");
  return {
    screen,
    type: (keys) => void child.stdin.write(keys),
    shows: (pattern) => wait(pattern, () => pattern.exec(screen())),
  };
}

async function reach(running: Running): Promise<RunningServer> {
  const { url } = JSON.parse(await running.line(/"msg":"ready"/)) as { url: string };
  const post = (path: string, body: unknown) =>
    fetch(new URL(path, url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  // Not spread: `lines` is what there is at the moment it is asked for.
  return Object.defineProperties({ url, post }, Object.getOwnPropertyDescriptors(running)) as RunningServer;
}
