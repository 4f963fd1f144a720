/** Counts what our own code does, and not how long it takes: the same on every machine, however busy. */

import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const ours = pathToFileURL(`${join(import.meta.dirname, "..")}/`).href;
const harness = pathToFileURL(`${import.meta.dirname}/`).href;
const isCounted = (url: string) => url.startsWith(ours) && !url.startsWith(harness);

export interface StepCounter extends Disposable {
  /** How often the blocks of our code were entered meanwhile: loops by each turn, functions by each call. */
  readonly count: (work: () => Promise<unknown>) => Promise<number>;
}

export async function createStepCounter(): Promise<StepCounter> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  // What was counted is counted anew from here on.
  const take = async () => (await session.post("Profiler.takePreciseCoverage")).result;
  return {
    count: async (work) => {
      await take();
      await work();
      return (await take())
        .filter(({ url }) => isCounted(url))
        .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
        .reduce((sum, { count }) => sum + count, 0);
    },
    [Symbol.dispose]: () => session.disconnect(),
  };
}
