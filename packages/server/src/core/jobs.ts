/** Does what has to be done now and then, on every node, until it is stopped. */

import { minutes } from "../platform/duration.ts";
import { describeError } from "../platform/log.ts";
import type { Context } from "./context.ts";
import type { Job } from "./feature.ts";

export interface RunningJobs {
  /** Lets what is being done finish, and begins nothing more. */
  readonly stop: () => Promise<void>;
}

/** The first run of each job comes somewhere within this time, so that nodes started together spread out. */
const spread = minutes(1);
/** The longest that a timer of Node can wait. */
const longestWait = 2 ** 31 - 1;

/**
 * Runs each job again and again, `every` so many milliseconds after it was last done: a job never overlaps with
 * itself. One that fails is logged and tried again the next time.
 */
export function startJobs(ctx: Context, jobs: readonly Job[]): RunningJobs {
  const running = jobs.map((job) => repeat(ctx, job));
  return {
    stop: async () => {
      await Promise.all(running.map((one) => one.stop()));
    },
  };
}

function repeat(ctx: Context, job: Job): RunningJobs {
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;
  let atWork = Promise.resolve();
  const takeTurn = async () => {
    await runJob(ctx, job);
    if (!isStopping) wait(job.every);
  };
  const wait = (milliseconds: number) => {
    timer = setTimeout(() => void (atWork = takeTurn()), Math.min(milliseconds, longestWait));
  };
  wait(job.startsAtOnce ? 0 : Math.min(job.every, spread) * fraction(ctx));
  return {
    stop: () => {
      isStopping = true;
      clearTimeout(timer);
      return atWork;
    },
  };
}

async function runJob(ctx: Context, job: Job): Promise<void> {
  try {
    await job.run(ctx);
  } catch (error) {
    ctx.log("error", "a job failed", { job: job.name, error: describeError(error) });
  }
}

/** A random number from 0 to 1. */
function fraction(ctx: Context): number {
  return Buffer.from(ctx.randomBytes(4)).readUInt32BE() / 2 ** 32;
}
