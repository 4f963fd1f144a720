/** Whether this node can do its work: a look at what that needs, at most a second old and shared by all who ask. */

import { setTimeout as pause } from "node:timers/promises";
import { seconds } from "../platform/duration.ts";
import { findClockFault } from "./clock.ts";
import { type Context, perSystem } from "./context.ts";

/** Something without which a node had better get no calls. */
interface Check {
  /** In one word, which strangers may see. */
  readonly name: string;
  /** What is wrong, for the log; undefined when nothing is. To throw says the same. */
  readonly findFault: (ctx: Context) => Promise<string | undefined>;
}

const checks: readonly Check[] = [
  {
    name: "database",
    findFault: async (ctx) => {
      await ctx.checkWritable();
      return undefined;
    },
  },
  { name: "clock", findFault: findClockFault },
];

export interface Readiness {
  readonly status: "ok" | "unavailable" | "stopping";
  /** The names of what failed. */
  readonly failed: readonly string[];
}

interface State {
  isStopping: boolean;
  /** What was found last, and when. */
  known: { readonly failed: readonly string[]; readonly at: number } | undefined;
  /** Checks that have not come to their end: whoever asks meanwhile waits for the same ones. */
  readonly running: Map<string, Promise<string | undefined>>;
}

const freshFor = seconds(1);
/** Longer than any check takes on a node that is well. */
const patience = seconds(2);

const stateOf = perSystem((): State => ({ isStopping: false, known: undefined, running: new Map() }));

/** From now on this node says that it is stopping, so that no more calls are sent to it. */
export function announceStop(ctx: Context): void {
  stateOf(ctx).isStopping = true;
}

/** Never throws, and takes two seconds at the most. */
export async function readReadiness(ctx: Context): Promise<Readiness> {
  const state = stateOf(ctx);
  if (state.isStopping) return { status: "stopping", failed: [] };
  const age = ctx.now().getTime() - (state.known?.at ?? 0);
  // A clock that was set back makes it look younger than it can be.
  const isFresh = age >= 0 && age < freshFor;
  const failed = state.known && isFresh ? state.known.failed : await look(ctx, state);
  return { status: failed.length === 0 ? "ok" : "unavailable", failed };
}

async function look(ctx: Context, state: State): Promise<readonly string[]> {
  const found = await Promise.all(
    checks.map(async (one) => ({ name: one.name, fault: await waitFor(ctx, state, one) })),
  );
  const faults = found.filter(({ fault }) => fault !== undefined);
  const failed = faults.map(({ name }) => name);
  if (failed.join() !== (state.known?.failed ?? []).join()) {
    const error = faults.map(({ fault }) => fault).join("; ");
    if (failed.length > 0) ctx.log("warn", "not ready", { failed: failed.join(), error });
    else ctx.log("info", "ready again");
  }
  state.known = { failed, at: ctx.now().getTime() };
  return failed;
}

/** What a check finds, or that it finds nothing out in time. */
async function waitFor(ctx: Context, { running }: State, one: Check): Promise<string | undefined> {
  const check = running.get(one.name) ?? begin(ctx, running, one);
  const isOver = new AbortController();
  const late = pause(patience, `no answer within ${patience / 1000} s`, {
    signal: isOver.signal,
  });
  const fault = await Promise.race([check, late]);
  isOver.abort();
  return fault;
}

function begin(ctx: Context, running: State["running"], { name, findFault }: Check) {
  const check = findFault(ctx)
    .catch(describe)
    .finally(() => running.delete(name));
  running.set(name, check);
  return check;
}

/** In one short line: whoever called in vain has the whole story in the log. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const said = error.message || ("code" in error ? String(error.code) : error.name);
  return error.cause === undefined ? said : `${said} <- ${describe(error.cause)}`;
}
