/** Holds the hash queue to its two bounds, its order, and to surviving works that fail. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import { createHashQueue, TooBusy } from "./hash-queue.ts";

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
  it("runs so many at once, lets so many wait, and begins them in the order they came", async () => {
    const log: string[] = [];
    const queue = createHashQueue({ atOnce: 2, waiting: 3 });
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
    const queue = createHashQueue({ atOnce: 1, waiting: 1 });
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
    const queue = createHashQueue({ atOnce: 1, waiting: 3 });
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
    const queue = createHashQueue({ atOnce: 3, waiting: 1000 });
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
