/** Runs one command after another, each in its own folder and environment, so that a test need not start Node for each. */

import { Readable, Writable } from "node:stream";
import { runCommand } from "../cli/main.ts";

export interface CommandCall {
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: string | Buffer;
}

export interface Finished {
  readonly code: number | null;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
}

async function runHere({ args, folder, env, input }: CommandCall): Promise<Finished> {
  const [out, err] = [collect(), collect()];
  setStreams({ stdin: Readable.from([Buffer.from(input)]), stdout: out.stream, stderr: err.stream });
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(folder);
  process.exitCode = 0;
  await runCommand(args);
  const code = process.exitCode;
  process.exitCode = 0;
  return { code, out: out.text(), err: err.text() };
}

/** They are looked up at every use, as getters of `process`. */
function setStreams(streams: Readonly<Record<"stdin" | "stdout" | "stderr", unknown>>): void {
  for (const [name, value] of Object.entries(streams))
    Object.defineProperty(process, name, { value, configurable: true });
}

function collect() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

// Never two at a time: a folder, an environment and an exit code are the whole process's.
process.on("message", (call: CommandCall) => {
  void runHere(call).then((finished) => process.send?.(finished));
});
process.once("disconnect", () => process.exit());
