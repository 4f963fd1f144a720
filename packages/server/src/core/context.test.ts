import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isBusy, TransactionConflict } from "../platform/database/dialect.ts";
import { testAuth } from "../testing/test-auth.ts";
import type { Context } from "./context.ts";
import { event, record } from "./events/events.ts";

const tried = event("test.tried");

/** Records an event and asks for a task, then loses so many conflicts before it gets through. */
const losing = (conflicts: number) => {
  const ran = { times: 0, tasks: 0 };
  const work = async (ctx: Context) => {
    ran.times += 1;
    await record(ctx, tried, null, {});
    ctx.afterCommit(() => void (ran.tasks += 1));
    if (ran.times <= conflicts) throw new TransactionConflict("another transaction's");
    return "through";
  };
  return { ran, work };
};

describe("a transaction that is undone for the sake of another", () => {
  it("runs again, and leaves what it did once", async () => {
    await using t = await testAuth();
    const { ran, work } = losing(2);
    assert.equal(await t.ctx.transaction(work), "through");
    assert.deepEqual(ran, { times: 3, tasks: 1 });
    assert.equal((await t.happened()).filter((name) => name === "test.tried").length, 1);
  });

  it("is told that the database is busy when it loses again and again, and leaves nothing", async () => {
    await using t = await testAuth();
    const { ran, work } = losing(100);
    await assert.rejects(t.ctx.transaction(work), isBusy);
    assert.deepEqual(ran, { times: 3, tasks: 0 });
    assert.deepEqual(await t.happened(), []);
  });

  it("runs again as a whole, with what it joined", async () => {
    await using t = await testAuth();
    const { ran, work } = losing(1);
    let outer = 0;
    await t.ctx.transaction(async (ctx) => {
      outer += 1;
      await ctx.transaction(work);
    });
    assert.deepEqual([outer, ran], [2, { times: 2, tasks: 1 }]);
  });
});
