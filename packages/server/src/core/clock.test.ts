/** A clock that differs from the database's is said from 5 s, and no calls are taken from 30 s. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sql } from "kysely";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";
import { findClockFault, watchClock } from "./clock.ts";
import type { Context } from "./context.ts";

/** A database whose clock is so many milliseconds behind this machine's. */
const behind = (t: TestAuth, milliseconds: number): Context => ({
  ...t.ctx,
  sharedNow: () => sql<number>`cast(${t.clock.now().getTime() - milliseconds} as bigint)`,
});

const said = ({ log }: TestAuth) =>
  log
    .map((line) => JSON.parse(line) as { level: string; msg: string })
    .filter(({ msg }) => /clock of this machine/i.test(msg))
    .map(({ level, msg }) => `${level}: ${msg.split(":")[0]}`);

describe("the clock of a machine", () => {
  it("is not spoken of within 5 s of the database's", async () => {
    await using t = await testAuth();
    for (const offset of [0, 4999, -4999]) await watchClock(behind(t, offset));
    assert.deepEqual(said(t), []);
    assert.equal(await findClockFault(t.ctx), undefined);
  });

  it("is warned of from 5 s, ahead or behind, and takes calls until 30 s", async () => {
    for (const [offset, words] of [
      [5000, "5 s ahead of"],
      [-29_999, "30 s behind"],
    ] as const) {
      await using t = await testAuth();
      await watchClock(behind(t, offset));
      assert.deepEqual(said(t), [`warn: The clock of this machine is ${words} the database's`]);
      assert.equal(await findClockFault(t.ctx), undefined);
    }
  });

  it("is a reason not to be ready from 30 s on, until it is right again", async () => {
    await using t = await testAuth();
    for (const offset of [30_000, -3_600_000]) {
      await watchClock(behind(t, offset));
      assert.match(
        (await findClockFault(t.ctx)) ?? "",
        /^The clock of this machine is \d+ s (?:ahead of|behind)/,
      );
    }
    await watchClock(t.ctx);
    assert.equal(await findClockFault(t.ctx), undefined);
    assert.equal(said(t).at(-1), "info: the clock of this machine agrees with the database's again");
  });

  it("is warned of again every ten minutes, not every time", async () => {
    await using t = await testAuth();
    for (let n = 0; n < 21; n += 1) {
      await watchClock(behind(t, 6000));
      t.clock.advance("30s");
    }
    assert.equal(said(t).length, 2);
  });

  it("is not blamed for an answer that took long", async () => {
    await using t = await testAuth();
    let calls = 0;
    const start = t.clock.now().getTime();
    // Asked at 0, answered after 20 s; whatever the database says in between may be right.
    const slow = (databaseSays: number): Context => ({
      ...t.ctx,
      now: () => new Date(start + (calls++ === 0 ? 0 : 20_000)),
      sharedNow: () => sql<number>`cast(${start + databaseSays} as bigint)`,
    });
    for (const says of [0, 10_000, 20_000, 24_000]) {
      calls = 0;
      await watchClock(slow(says));
    }
    assert.deepEqual(said(t), []);
    calls = 0;
    await watchClock(slow(26_000));
    assert.deepEqual(said(t), ["warn: The clock of this machine is 6 s behind the database's"]);
  });

  it("is read of the database itself where it has one", async () => {
    await using t = await testAuth();
    const { clock } = t.database;
    if (!clock) return;
    const { rows } = await sql<{ now: number }>`select ${clock} as now`.execute(t.database.kysely);
    assert.ok(Math.abs((rows[0]?.now ?? 0) - Date.now()) < 60_000);
    // The clock of the test shows another day.
    await watchClock({ ...t.ctx, sharedNow: () => clock });
    assert.match((await findClockFault(t.ctx)) ?? "", /^The clock of this machine is \d+ s/);
  });
});
