/** What is in the way between us and the database: the thing, the setting that named it, and how to mend it. */

import { setTimeout as pause } from "node:timers/promises";
import {
  DatabaseRefused,
  DatabaseUnreachable,
  DatabaseUnusable,
  DatabaseUnwritable,
  isBusy,
} from "../platform/database/dialect.ts";
import type { Loaded } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";

type Settings = Pick<Loaded, "sources">;

/** The error to end a command with; whatever is not about the database comes back as it is. */
export function explainDatabase(error: unknown, settings: Settings): unknown {
  const isUnusable = error instanceof DatabaseUnusable;
  if (!isUnusable && !isBusy(error)) return error;
  const isSetting = isUnusable || error instanceof DatabaseRefused;
  const lines = [error.message, `  from  ${sourceOf(settings)}`];
  if (error.remedy) lines.push(`  fix   ${error.remedy}`);
  const code = isSetting ? exitCodes.configuration : exitCodes.temporary;
  return new CommandFailed(lines.join("\n"), code, { cause: error });
}

function sourceOf({ sources }: Settings): string {
  const set = ["DATABASE_URL", "DATABASE_URL_FILE", "DATA_DIR"].find((name) => sources[name] !== undefined);
  return set === undefined ? "the default of DATA_DIR" : `${set} (${sources[set]})`;
}

/** How long a database that is not there yet is waited for: what starts it may start us at the same time. */
const longestWait = 60_000;
const rest = 1_000;

/** Does `work` once the database is there; `tell` hears what is waited for, and again if the reason changes. */
export async function whenThere<Result>(
  work: () => Promise<Result>,
  tell: (reason: string) => void,
): Promise<Result> {
  let isOver = false;
  const deadline = setTimeout(() => {
    isOver = true;
  }, longestWait);
  let told: string | undefined;
  try {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const mayCome = error instanceof DatabaseUnreachable || error instanceof DatabaseUnwritable;
        if (!mayCome || isOver) throw error;
        if (error.message !== told) tell(error.message);
        told = error.message;
      }
      await pause(rest);
    }
  } finally {
    clearTimeout(deadline);
  }
}
