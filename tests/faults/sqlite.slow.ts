/** SQLite's file is locked by another process: what needs no writing goes on, and what does is told to come again. */

import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { measure, runScenarios, scenario } from "./scenario.ts";
import { openSqliteStage } from "./stage.ts";

/** Another process that holds the write lock; this one is another, for the server. */
function holdWriteLock(file: string): { readonly release: () => void } {
  const database = new DatabaseSync(file, { timeout: 5000 });
  database.exec("begin immediate");
  return {
    release: () => {
      database.exec("rollback");
      database.close();
    },
  };
}

runScenarios("SQLite", 3, () => {
  scenario("has its write lock held by another process for 12 s", {
    stage: openSqliteStage,
    fault: (stage) =>
      measure(stage, async () => {
        const lock = holdWriteLock(stage.file);
        await pause(12_000);
        lock.release();
      }),
    // A write waits for 5 s; a call takes its turn behind others that wait.
    must: {
      ...{
        "acknowledged lost": 0,
        "ended revived": 0,
        "shut out": 0,
        "health not 200": 0,
        "longest health": 2,
      },
      ...{ "well after": 6, "longest answer": 12, "longest read": 2 },
    },
  });

  scenario("has its write lock held by another process when SIGTERM comes", {
    stage: openSqliteStage,
    fault: async (stage) => {
      const lock = holdWriteLock(stage.file);
      await pause(1000);
      const { seconds, code } = await stage.stop();
      lock.release();
      return { figures: { "ended after": seconds, "had to be killed": code === null ? 1 : 0 } };
    },
    must: { "ended after": 25, "had to be killed": 0 },
  });

  scenario("is written to when the server is killed, three times", {
    stage: openSqliteStage,
    fault: (stage) =>
      measure(stage, async () => {
        for (let round = 0; round < 3; round += 1) {
          await pause(1000);
          await stage.kill();
          await stage.start();
        }
      }),
    must: { "acknowledged lost": 0, "ended revived": 0, "shut out": 0, "well after": 5 },
  });
});
