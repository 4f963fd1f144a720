/** How a server is told to stop: the first signal stops it in order, within a time; an impatient second one at once. */

import type { Log } from "../platform/log.ts";
import type { Serving } from "../serve.ts";
import { exitCodes, exitNow } from "./exit.ts";

/** A window that is closed and a session that ends say it with SIGHUP. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function stopOnSignal({ stop }: Serving, log: Log): void {
  let isStopping = false;
  const onSignal = async (signal: NodeJS.Signals) => {
    if (isStopping) {
      // A closed window says it twice, by the kernel and by the shell; nobody grew impatient.
      if (signal !== "SIGHUP") exitNow(exitCodes.interrupted);
      return;
    }
    isStopping = true;
    log("info", "stopping", { signal });
    try {
      const left = await stop();
      if (left.length === 0) process.exit(exitCodes.done);
      log("error", "stopped before all was done", { left: left.join(", ") });
      exitNow(exitCodes.unfinished);
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`);
      exitNow(exitCodes.unexpected);
    }
  };
  for (const one of signals) process.on(one, (signal) => void onSignal(signal));
}
