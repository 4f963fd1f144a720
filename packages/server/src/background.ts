/** What runs beside the answering of requests: mail leaves, and jobs such as housekeeping come round. */

import type { System } from "./auth.ts";
import { startJobs } from "./core/jobs.ts";
import { chooseTransport } from "./core/mail/transports/choose.ts";
import { type Delivery, startMailWorker } from "./core/mail/worker.ts";

export interface Background {
  /** Takes nothing more on, and finishes the jobs at work; mail that takes longer than five seconds is given back. */
  readonly stop: () => Promise<void>;
  /** What a stop that has begun is waiting for. */
  readonly left: () => readonly string[];
}

/**
 * Starts it in this process; `serve` does so by itself. Any number of processes may do it on one database: each mail
 * leaves once. `delivered` is told of every mail that leaves from here.
 */
export function startBackground(auth: System, delivered?: (delivery: Delivery) => void): Background {
  const ctx = auth.context("mail worker");
  const transport = chooseTransport(ctx);
  const worker = startMailWorker(ctx, transport, delivered);
  const jobs = startJobs(auth.context("jobs"), ctx.additions.jobs);
  const left = new Set<string>();
  const finish = async (name: string, stop: () => Promise<void>) => {
    left.add(name);
    await stop();
    left.delete(name);
  };
  return {
    stop: async () => {
      await Promise.all([finish("mail", worker.stop), finish("jobs", jobs.stop)]);
      transport.close();
    },
    left: () => [...left],
  };
}
