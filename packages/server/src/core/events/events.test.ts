import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { standardFeatures } from "../../features.ts";
import { testAuth } from "../../testing/test-auth.ts";
import { findAccount } from "../accounts/accounts.ts";
import type { Feature } from "../feature.ts";
import { event, type Reaction, type RecordedEvent, record } from "./events.ts";

const lampWasLit = event<{ lamp: string }>("lamp.lit");

function withReactions(...react: Reaction["react"][]) {
  const reactions = react.map((one): Reaction => ({ event: lampWasLit, react: one }));
  const lamps: Feature = { name: "lamps", reactions };
  return testAuth({ features: [...standardFeatures, lamps] });
}

describe("an event", () => {
  it("is one row of the trail: what, whose, when, from where", async () => {
    await using t = await withReactions();
    await record(t.ctx, lampWasLit, "an-account", { lamp: "red\nroom" });
    const [row] = await t.rows("audit");
    assert.deepEqual(
      [row?.event, row?.account_id, row?.at, row?.user_agent, JSON.parse(String(row?.details))],
      ["lamp.lit", "an-account", t.clock.now().getTime(), "test", { lamp: "red\nroom" }],
    );
  });

  it("is followed by its reactions once it is committed, with a database that works", async () => {
    const seen: RecordedEvent[] = [];
    await using t = await withReactions(async (ctx, happened) => {
      await findAccount(ctx, "nobody");
      await ctx.transaction(async (ctx) => findAccount(ctx, "nobody"));
      seen.push(happened);
    });
    await t.ctx.transaction(async (ctx) => {
      await record(ctx, lampWasLit, null, { lamp: "red" });
      assert.equal(seen.length, 0);
    });
    for (let n = 0; n < 1000 && seen.length === 0; n += 1) await pause(2);
    assert.deepEqual(seen, [{ name: "lamp.lit", accountId: null, details: { lamp: "red" } }]);
  });

  it("that is rolled back never happened: no row, no reaction", async () => {
    let count = 0;
    await using t = await withReactions(async () => {
      count += 1;
    });
    const failing = t.ctx.transaction(async (ctx) => {
      await record(ctx, lampWasLit, null, { lamp: "red" });
      throw new Error("The bulb broke.");
    });
    await assert.rejects(failing, /bulb/);
    await nextTurn();
    assert.equal(count, 0);
    assert.deepEqual(await t.rows("audit"), []);
  });

  it("stands though a reaction fails, at once or later; the others react all the same", async () => {
    let count = 0;
    await using t = await withReactions(
      () => {
        throw new Error("At once.");
      },
      async () => {
        await nextTurn();
        throw new Error("Later.");
      },
      async () => {
        count += 1;
      },
    );
    await t.ctx.transaction((ctx) => record(ctx, lampWasLit, null, { lamp: "red" }));
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    assert.equal(count, 1);
    assert.deepEqual(await t.happened(), ["lamp.lit"]);
    assert.equal(t.log.filter((line) => line.includes("a reaction failed")).length, 2);
  });

  it("of another name moves nobody", async () => {
    let count = 0;
    await using t = await withReactions(async () => {
      count += 1;
    });
    await record(t.ctx, event("lamp.put_out"), null, {});
    await nextTurn();
    assert.equal(count, 0);
  });
});
