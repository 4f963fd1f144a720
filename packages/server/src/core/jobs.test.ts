import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { days, hours } from "../platform/duration.ts";
import { testAuth } from "../testing/test-auth.ts";
import { startJobs } from "./jobs.ts";

/** Waits for something to become true; a test that waits in vain fails. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let n = 0; n < 1000; n += 1) {
    if (isTrue()) return;
    await pause(2);
  }
  assert.fail("It never came true.");
}

describe("a job", () => {
  it("is done again and again, never twice at once, until it is stopped", async () => {
    await using t = await testAuth();
    let [runs, atOnce, mostAtOnce] = [0, 0, 0];
    const run = async () => {
      atOnce += 1;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      await pause(10);
      atOnce -= 1;
      runs += 1;
    };
    const jobs = startJobs(t.ctx, [{ name: "slow", every: 1, run }]);
    await until(() => runs >= 5);
    await jobs.stop();
    const before = runs;
    await pause(30);
    assert.deepEqual([runs, mostAtOnce, atOnce], [before, 1, 0]);
  });

  it("that starts at once does not wait for its turn", async () => {
    await using t = await testAuth();
    let runs = 0;
    const jobs = startJobs(t.ctx, [
      { name: "first", every: days(1), startsAtOnce: true, run: async () => void (runs += 1) },
    ]);
    await until(() => runs > 0);
    await jobs.stop();
    assert.equal(runs, 1);
  });

  it("that fails is logged, and done again; it does not keep others from their turn", async () => {
    await using t = await testAuth();
    let [failures, others] = [0, 0];
    const failing = async () => {
      failures += 1;
      throw new Error("Out of paper.");
    };
    const jobs = startJobs(t.ctx, [
      { name: "failing", every: 1, run: failing },
      { name: "other", every: 1, run: async () => void (others += 1) },
      {
        name: "throwing at once",
        every: 1,
        run: () => {
          throw new Error("Not even a promise.");
        },
      },
    ]);
    await until(() => failures >= 3 && others >= 3);
    await jobs.stop();
    const lines = t.log.filter((line) => line.includes("a job failed"));
    assert.ok(lines.some((line) => line.includes("Out of paper.") && line.includes('"job":"failing"')));
    assert.ok(lines.some((line) => line.includes("Not even a promise.")));
  });

  it("under way is finished before the stop is", async () => {
    await using t = await testAuth();
    let [begun, done] = [false, false];
    const run = async () => {
      begun = true;
      await pause(40);
      done = true;
    };
    const jobs = startJobs(t.ctx, [{ name: "slow", every: 1, run }]);
    await until(() => begun);
    await jobs.stop();
    assert.equal(done, true);
  });

  it("begins somewhere within the first minute, as chance has it, and not any more once stopped", async () => {
    await using t = await testAuth();
    let runs = 0;
    const latest = { ...t.ctx, randomBytes: (size: number) => new Uint8Array(size).fill(255) };
    const jobs = startJobs(latest, [{ name: "late", every: hours(1), run: async () => void (runs += 1) }]);
    await pause(20);
    await jobs.stop();
    await pause(5);
    assert.equal(runs, 0);
  });

  it("that is rare is not done without end, though no timer can count so far", async () => {
    await using t = await testAuth();
    let runs = 0;
    const earliest = { ...t.ctx, randomBytes: (size: number) => new Uint8Array(size) };
    const jobs = startJobs(earliest, [{ name: "rare", every: days(40), run: async () => void (runs += 1) }]);
    await until(() => runs > 0);
    await pause(20);
    await jobs.stop();
    assert.equal(runs, 1);
  });

  it("housekeeping, counting the makes of passwords, watching neighbours and clock, and removing what nobody verifies are jobs of every system", async () => {
    await using t = await testAuth();
    assert.deepEqual(
      t.ctx.additions.jobs.map((job) => job.name),
      ["housekeeping", "password makes", "neighbours", "clock", "unconfirmed registrations"],
    );
  });
});
