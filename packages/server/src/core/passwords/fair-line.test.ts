/** Holds the fair line to its order in any history: everybody's turn comes, and nobody overtakes within a source. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createFairLine, type FairLine, type Source } from "./fair-line.ts";

interface Item {
  readonly source: Source;
  readonly number: number;
}

const part = fc.constantFrom("a", "b", "c", "");
const source = fc.array(part, { maxLength: 3 });
/** Somebody comes, somebody's turn comes, or there is one too many. */
const step = fc.oneof(
  { weight: 5, arbitrary: source.map((from) => ({ kind: "add", from }) as const) },
  { weight: 3, arbitrary: fc.constant({ kind: "next" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "drop" } as const) },
);
const history = fc.array(step, { maxLength: 80 });

const key = (from: Source) => JSON.stringify(from);

/** Lives through a history, beside a plain list of all that should be waiting. */
function play(
  steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  look: (line: FairLine<Item>, waiting: readonly Item[], taken: Item | undefined, kind: string) => void,
): { line: FairLine<Item>; waiting: Item[] } {
  const line = createFairLine<Item>();
  let waiting: Item[] = [];
  for (const [number, one] of steps.entries()) {
    let taken: Item | undefined;
    if (one.kind === "add") {
      const item = { source: one.from, number };
      line.add(one.from, item);
      waiting.push(item);
    } else if (one.kind === "next") taken = line.takeNext()?.item;
    else {
      const last = line.takeLastOfMost();
      if (last) assert.deepEqual(last.source, last.item.source);
      taken = last?.item;
    }
    look(line, waiting, taken, one.kind);
    waiting = waiting.filter((item) => item !== taken);
    assert.equal(line.length, waiting.length);
    if (one.kind !== "add" && taken === undefined) assert.deepEqual(waiting, []);
  }
  return { line, waiting };
}

/** How many wait from one source and its parts. */
const countAt = (waiting: readonly Item[], from: Source) =>
  waiting.filter((item) => from.every((name, depth) => item.source[depth] === name)).length;

describe("the fair line", () => {
  it("serves each source in the order it came, and drops from its end", () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, (_line, waiting, taken, kind) => {
          if (!taken) return;
          const same = waiting.filter((item) => key(item.source) === key(taken.source));
          assert.equal(kind === "next" ? same[0] : same.at(-1), taken);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("drops from whoever has most waiting, and inside from which part of it has", () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, (_line, waiting, taken, kind) => {
          if (kind !== "drop" || !taken) return;
          for (let depth = 0; depth < taken.source.length; depth += 1) {
            const above = taken.source.slice(0, depth);
            const own = countAt(waiting, taken.source.slice(0, depth + 1));
            for (const name of ["a", "b", "c"]) assert.ok(countAt(waiting, [...above, name]) <= own);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  it("brings everybody's turn after one round for each that the same block had waiting, whatever comes", () => {
    const block = fc.constantFrom("a", "b", "c");
    fc.assert(
      fc.property(history, block, fc.array(source, { maxLength: 60 }), (steps, own, later) => {
        const { line, waiting } = play(steps, () => undefined);
        const before = countAt(waiting, [own]);
        const comers = later.filter((from) => from[0] !== own);
        const others = new Set([...waiting.map((item) => item.source), ...comers].map(([first]) => first));
        others.delete(own);
        const mine = { source: [own], number: -1 };
        line.add(mine.source, mine);
        let turns = 0;
        for (let taken: Item | undefined; taken !== mine; turns += 1) {
          const comer = comers.pop();
          if (comer) line.add(comer, { source: comer, number: -2 });
          taken = line.takeNext()?.item;
        }
        assert.ok(turns <= (before + 1) * (others.size + 1), `${turns} turns`);
      }),
      { numRuns: 500 },
    );
  });

  it("gives one source among a hundred others its turn after one round, however much each of them has waiting", () => {
    const line = createFairLine<string>();
    for (let n = 0; n < 5000; n += 1) line.add([`block ${n % 100}`, `part ${n}`], "theirs");
    line.add(["another block"], "ours");
    for (let n = 0; n < 100; n += 1) assert.equal(line.takeNext()?.item, "theirs");
    assert.equal(line.takeNext()?.item, "ours");
  });

  it("lets the parts of a block share its turns", () => {
    const line = createFairLine<string>();
    for (const name of ["a1", "a1", "a1", "a2", "b1", "b1", "b1"]) line.add([name.charAt(0), name], name);
    const order = Array.from({ length: 7 }, () => line.takeNext()?.item);
    assert.deepEqual(order, ["a1", "b1", "a2", "b1", "a1", "b1", "a1"]);
    assert.equal(line.takeNext(), undefined);
    assert.equal(line.takeLastOfMost(), undefined);
  });
});
