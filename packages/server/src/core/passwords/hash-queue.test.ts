/** Holds the hash queue to its bounds, its turns, and to surviving works that fail. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import * as fc from "fast-check";
import { createHashQueue, type HashOrder, TooBusy } from "./hash-queue.ts";

/** A work that ends when told to. */
function createWork(name: string, log: string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const work = () => {
    log.push(name);
    return promise;
  };
  return { work, finish: () => resolve(name), fail: () => reject(new Error(name)) };
}

describe("the hash queue", () => {
  it("runs so many at once, lets so many wait, and begins those of one source in the order they came", async () => {
    const log: string[] = [];
    const queue = createHashQueue({ atOnce: 2, waiting: 3, kept: 0 });
    const works = ["a", "b", "c", "d", "e"].map((name) => createWork(name, log));
    const results = works.map(({ work }) => queue.run(work));
    await settle();
    assert.deepEqual(log, ["a", "b"]);
    assert.deepEqual([queue.started, queue.waiting], [2, 3]);
    works[1]?.finish();
    await settle();
    assert.deepEqual(log, ["a", "b", "c"]);
    assert.deepEqual([queue.started, queue.waiting], [3, 2]);
    for (const work of works) work.finish();
    assert.deepEqual(await Promise.all(results), ["a", "b", "c", "d", "e"]);
    assert.deepEqual(log, ["a", "b", "c", "d", "e"]);
    assert.deepEqual([queue.started, queue.waiting], [5, 0]);
  });

  it("refuses beyond that, at once, and says when to come back", async () => {
    const log: string[] = [];
    const queue = createHashQueue({ atOnce: 1, waiting: 1, kept: 0 });
    const [first, second, third] = ["a", "b", "c"].map((name) => createWork(name, log));
    const accepted = [queue.run(first!.work), queue.run(second!.work)];
    await assert.rejects(queue.run(third!.work), (error) => {
      assert.ok(error instanceof TooBusy);
      assert.equal(error.status, 503);
      assert.equal(error.code, "too_busy");
      assert.deepEqual(error.headers, { "Retry-After": "1" });
      return true;
    });
    assert.deepEqual([queue.started, queue.waiting], [1, 1]);
    first!.finish();
    second!.finish();
    await Promise.all(accepted);
    assert.deepEqual(log, ["a", "b"]);
  });

  it("frees the place of a work that fails, even of one that throws before it promises", async () => {
    const queue = createHashQueue({ atOnce: 1, waiting: 3, kept: 0 });
    const failing = createWork("a", []);
    const results = Promise.allSettled([
      queue.run(failing.work),
      queue.run(() => {
        throw new Error("b");
      }),
      queue.run(async () => "c"),
    ]);
    failing.fail();
    assert.deepEqual(
      (await results).map((result) => (result.status === "fulfilled" ? result.value : result.reason.message)),
      ["a", "b", "c"],
    );
    assert.equal(await queue.run(async () => "d"), "d");
    assert.deepEqual([queue.started, queue.waiting], [4, 0]);
  });

  it("never runs more than allowed, also when works come while others leave", async () => {
    const queue = createHashQueue({ atOnce: 3, waiting: 1000, kept: 0 });
    let running = 0;
    let most = 0;
    async function work(turns: number) {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < turns; turn++) await settle();
      running--;
    }
    const begin = async (index: number) => {
      for (let turn = 0; turn < index % 7; turn++) await settle();
      await queue.run(() => work(index % 4));
      await queue.run(() => work(index % 2));
    };
    await Promise.all(Array.from({ length: 200 }, (_, index) => begin(index)));
    assert.equal(most, 3);
    assert.deepEqual([running, queue.started, queue.waiting], [0, 400, 0]);
  });
});

/** A queue whose one place is taken, and works for it that say when they began. */
function createFullQueue(limits: { waiting: number; kept: number }) {
  const queue = createHashQueue({ atOnce: 1, ...limits });
  const { promise, resolve } = Promise.withResolvers<void>();
  const began: string[] = [];
  const refused: string[] = [];
  const first = queue.run(() => promise);
  const all: Promise<void>[] = [first];
  const ask = (name: string, order: HashOrder) => {
    const result = queue.run(async () => void began.push(name), order);
    all.push(
      result.catch((error: unknown) => {
        assert.ok(error instanceof TooBusy);
        refused.push(name);
      }),
    );
  };
  const finish = async () => {
    resolve();
    await Promise.all(all);
  };
  return { queue, ask, finish, began, refused };
}

describe("the hash queue in a flood", () => {
  it("refuses whoever has most waiting, not who comes last, and lets sources take turns", async () => {
    const { ask, finish, began, refused } = createFullQueue({ waiting: 5, kept: 0 });
    for (let n = 0; n < 5; n += 1) ask(`flood ${n}`, { source: ["flood"] });
    ask("ada", { source: ["ada"] });
    ask("bob", { source: ["bob"] });
    ask("flood 5", { source: ["flood"] });
    await finish();
    assert.deepEqual(refused.toSorted(), ["flood 3", "flood 4", "flood 5"]);
    assert.deepEqual(began, ["flood 0", "ada", "bob", "flood 1", "flood 2"]);
  });

  it("keeps places for known devices, of which strangers get none, however many blocks they come from", async () => {
    const { queue, ask, finish, began, refused } = createFullQueue({ waiting: 10, kept: 3 });
    for (let n = 0; n < 50; n += 1) ask(`stranger ${n}`, { source: [`block ${n}`] });
    assert.equal(queue.waiting, 7);
    for (const name of ["ada", "bob", "cy"]) ask(name, { source: ["home"], isKnown: true });
    assert.equal(queue.waiting, 10);
    await finish();
    assert.equal(refused.length, 43);
    assert.deepEqual(
      began.filter((name) => !name.startsWith("stranger")),
      ["ada", "bob", "cy"],
    );
    assert.ok(began.indexOf("cy") <= 5, "strangers have every other turn at the most");
    assert.ok(began.indexOf("stranger 0") <= 1, "and at the least");
  });

  it("lets known devices beyond their places wait as everybody, and first those of which most wait", async () => {
    const { ask, finish, began, refused } = createFullQueue({ waiting: 4, kept: 2 });
    for (let n = 0; n < 6; n += 1) ask(`eve ${n}`, { source: ["eve"], isKnown: true });
    ask("ada", { source: ["ada"], isKnown: true });
    await finish();
    assert.ok(began.includes("ada"));
    assert.ok(began.includes("eve 0"));
    assert.equal(refused.length, 3);
  });

  it("holds its bounds whatever comes: each work begins or is refused, and as many as there are places begin", async () => {
    const order = fc.record({
      source: fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 2 }),
      isKnown: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(order, { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(8),
        async (orders, waiting, most) => {
          const kept = Math.min(most, waiting);
          const { queue, ask, finish, began, refused } = createFullQueue({ waiting, kept });
          for (const [number, one] of orders.entries()) {
            ask(`${one.isKnown ? "known" : "stranger"} ${number}`, one);
            assert.ok(queue.waiting <= waiting);
          }
          await finish();
          assert.equal(began.length + refused.length, orders.length);
          assert.equal(queue.waiting, 0);
          const [known, strangers] = [true, false].map((is) =>
            orders.filter(({ isKnown }) => isKnown === is),
          );
          const begun = (kind: string) => began.filter((name) => name.startsWith(kind)).length;
          assert.ok(begun("known") >= Math.min(kept, known?.length ?? 0));
          assert.ok(begun("stranger") <= waiting - kept);
          if ((known?.length ?? 0) <= kept) {
            assert.equal(begun("stranger"), Math.min(waiting - kept, strangers?.length ?? 0));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
