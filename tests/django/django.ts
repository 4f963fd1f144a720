/** A Django service beside ours, asked through its standard input: Debian's Django, DRF and simplejwt. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Django {
  readonly ask: (command: Readonly<Record<string, string>>) => Promise<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** `PYTHON` names another interpreter than Debian's. */
export function startDjango(options: { readonly secret: string; readonly simple_jwt?: object }): Django {
  const program = join(import.meta.dirname, "resource_server.py");
  const python = process.env.PYTHON ?? "/usr/bin/python3";
  const service = spawn(python, [program, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (command) => {
      service.stdin.write(`${JSON.stringify(command)}\n`);
      const { value } = (await lines.next()) as { value: string | undefined };
      if (value === undefined) throw new Error("The Django service has ended.");
      return JSON.parse(value) as Record<string, string>;
    },
    stop: async () => {
      const exited = once(service, "exit");
      service.stdin.end();
      await exited;
    },
  };
}
