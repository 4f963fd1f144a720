/** Compares this machine's clock with the database's, which all nodes share: tokens and limits live by it. */

import { sql } from "kysely";
import { minutes, seconds } from "../platform/duration.ts";
import { type Context, perSystem } from "./context.ts";
import type { Job } from "./feature.ts";

/** From here on it is said. */
const worthSaying = seconds(5);
/** From here on what this node signs is refused elsewhere: the leeway for tokens is as much. */
const tooMuch = seconds(30);
const saidAgainAfter = minutes(10);

interface State {
  /** Milliseconds that we are ahead, for certain; negative when behind. */
  offset: number;
  saidAt: number | undefined;
}

const stateOf = perSystem((): State => ({ offset: 0, saidAt: undefined }));

export const watchingClock: Job = { name: "clock", every: seconds(30), startsAtOnce: true, run: watchClock };

/** Measures, and says a difference that is worth it: when it comes, every ten minutes, and when it is gone. */
export async function watchClock(ctx: Context): Promise<void> {
  const state = stateOf(ctx);
  state.offset = await measureOffset(ctx);
  const now = ctx.now().getTime();
  if (Math.abs(state.offset) >= worthSaying) {
    // A clock that was set back must not silence it.
    if (state.saidAt !== undefined && Math.abs(now - state.saidAt) < saidAgainAfter) return;
    state.saidAt = now;
    ctx.log("warn", `${describe(state.offset)}: sessions, links and limits end at other times here`, {
      fix: "keep both machines' clocks by NTP",
    });
  } else if (state.saidAt !== undefined) {
    state.saidAt = undefined;
    ctx.log("info", "the clock of this machine agrees with the database's again");
  }
}

/** Why this node had better get no calls, as far as its clock goes: what was found at the last measuring. */
export async function findClockFault(ctx: Context): Promise<string | undefined> {
  const { offset } = stateOf(ctx);
  return Math.abs(offset) < tooMuch ? undefined : describe(offset);
}

/**
 * The database read its clock at some moment between our question and its answer: half of that time is taken off, and
 * only what the other half cannot explain counts. Zero where the database has no clock but ours.
 */
async function measureOffset(ctx: Context): Promise<number> {
  const asked = ctx.now().getTime();
  const { rows } = await sql<{ now: number }>`select ${ctx.sharedNow()} as now`.execute(ctx.db);
  const answered = ctx.now().getTime();
  const halfway = Math.max(0, answered - asked) / 2;
  const offset = asked + halfway - (rows[0]?.now ?? asked);
  return Math.sign(offset) * Math.max(0, Math.abs(offset) - halfway);
}

const describe = (offset: number) =>
  `The clock of this machine is ${Math.round(Math.abs(offset) / 1000)} s ${offset > 0 ? "ahead of" : "behind"} the database's`;
