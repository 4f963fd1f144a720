/** PostgreSQL falls silent, goes, comes back as another, or is locked: the server says so, loses nothing, and is well again. */

import { setTimeout as pause } from "node:timers/promises";
import { type Cluster, connectPostgres } from "./cluster.ts";
import { measure, runScenarios, scenario } from "./scenario.ts";
import { type DatabaseStage, openPostgresStage } from "./stage.ts";

/** What holds in every outage: nothing acknowledged is lost, nothing that was ended is back, and it says it lives. */
const always = {
  "acknowledged lost": 0,
  "ended revived": 0,
  "shut out": 0,
  "health not 200": 0,
  "longest health": 2,
};

/** For 8 s, by somebody else. */
async function lockAccounts({ url }: Cluster): Promise<void> {
  await using connection = await connectPostgres(url);
  await connection.run(
    "do $$ begin lock table accounts in access exclusive mode; perform pg_sleep(8); end $$",
  );
}

/** What can be the matter when the server is told to stop; what is given back ends it. */
const outages: Readonly<Record<string, (stage: DatabaseStage) => Promise<() => Promise<unknown> | void>>> = {
  "is silent": async ({ proxy }) => {
    proxy.silence();
    return proxy.speak;
  },
  "is frozen": async ({ cluster }) => {
    cluster.freeze();
    return cluster.thaw;
  },
  "refuses connections": async ({ proxy }) => {
    await proxy.cut();
    return proxy.mend;
  },
  "has its accounts locked": async ({ cluster }) => {
    const lock = lockAccounts(cluster);
    return () => lock;
  },
};

runScenarios("PostgreSQL", 4, () => {
  scenario("falls silent for 12 s, and its old connections for ever, as where an address moved", {
    stage: openPostgresStage,
    fault: (stage) =>
      measure(stage, async () => {
        stage.proxy.silence();
        await pause(12_000);
        stage.proxy.speak();
      }),
    must: { ...always, "well after": 15, "longest answer": 15 },
  });

  scenario("freezes for 12 s with all its processes", {
    stage: openPostgresStage,
    fault: (stage) =>
      measure(stage, async () => {
        stage.cluster.freeze();
        await pause(12_000);
        stage.cluster.thaw();
      }),
    must: { ...always, "well after": 15, "longest answer": 15 },
  });

  scenario("refuses connections for 5 s, and takes them again", {
    stage: openPostgresStage,
    fault: (stage) =>
      measure(stage, async () => {
        await stage.proxy.cut();
        await pause(5000);
        await stage.proxy.mend();
      }),
    must: { ...always, "well after": 5, "longest answer": 6 },
  });

  scenario("dies, and its standby takes over at the same address", {
    stage: openPostgresStage,
    fault: async (stage) => {
      await using standby = await stage.cluster.follow();
      return await measure(stage, async () => {
        await stage.cluster.kill();
        await standby.promote();
        stage.proxy.target = standby.port;
      });
    },
    must: { ...always, "well after": 15, "longest answer": 15 },
  });

  scenario("is demoted under its connections, while its standby takes over at the same address", {
    stage: openPostgresStage,
    fault: async (stage) => {
      await using standby = await stage.cluster.follow();
      return await measure(stage, async () => {
        await stage.cluster.demote();
        await standby.promote();
        stage.proxy.target = standby.port;
      });
    },
    must: { ...always, "well after": 15, "longest answer": 15 },
  });

  scenario("has its accounts locked by somebody for 8 s", {
    stage: openPostgresStage,
    fault: (stage) => measure(stage, () => lockAccounts(stage.cluster)),
    // A lock is waited for 3 s; a call takes more than one at the most.
    must: { ...always, "well after": 5, "longest answer": 5 },
  });

  for (const [sentence, begin] of Object.entries(outages)) {
    scenario(`${sentence} when SIGTERM comes`, {
      stage: openPostgresStage,
      fault: async (stage) => {
        const end = await begin(stage);
        await pause(1000);
        const { seconds, code } = await stage.stop();
        await end();
        return { figures: { "ended after": seconds, "had to be killed": code === null ? 1 : 0 } };
      },
      must: { "ended after": 25, "had to be killed": 0 },
    });
  }

  scenario("is written to when the server is killed, three times", {
    stage: openPostgresStage,
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
