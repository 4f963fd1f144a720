/** Replays the recorded exchanges of the original: ours is the same answer, or the listed one. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { differenceOf, differences } from "./differences.ts";
import { readRecordings } from "./exchanges.ts";
import { isAsRecorded, judge } from "./judge.ts";
import { type LineName, lines } from "./lines.ts";
import { openSystem, type TestSystem } from "./system.ts";

const recordings = readRecordings();
const limited = await openSystem({ limits: "on" });
const unlimited = await openSystem({ limits: "off" });
const systemFor = (profile: string): TestSystem => (profile === "throttled" ? limited : unlimited);

after(async () => {
  for (const system of [limited, unlimited]) await system[Symbol.asyncDispose]();
});

for (const [group, exchanges] of Map.groupBy(recordings, (exchange) => exchange.group)) {
  describe(`the recorded exchanges of ${group}`, () => {
    for (const exchange of exchanges) {
      const difference = differenceOf(exchange.id);
      it(`${exchange.id}: ${difference ? lines[difference.line].ours : "as recorded"}`, async () => {
        const system = systemFor(exchange.profile);
        await system.restore();
        const found = await judge(system.target, exchange);
        assert.deepEqual(found, [], `${exchange.id}\n${found.join("\n")}`);
      });
    }
  });
}

describe("the table of differences", () => {
  const listed = differences.flatMap(({ exchanges }) => exchanges);

  it("lists no exchange twice, and none that is not recorded", () => {
    assert.deepEqual(listed.toSorted(), [...new Set(listed)].toSorted());
    const known = new Set(recordings.map(({ id }) => id));
    assert.deepEqual(
      listed.filter((id) => !known.has(id)),
      [],
    );
  });

  it("uses every line that allows a difference", () => {
    const used = new Set<string>(differences.map(({ line }) => line));
    assert.deepEqual(
      (Object.keys(lines) as LineName[]).filter((line) => !used.has(line)),
      [],
    );
  });

  it("lists nothing that we answer as the original did", async () => {
    const same: string[] = [];
    for (const exchange of recordings.filter(({ id }) => listed.includes(id))) {
      const system = systemFor(exchange.profile);
      await system.restore();
      if (await isAsRecorded(system.target, exchange)) same.push(exchange.id);
    }
    assert.deepEqual(same, []);
  });
});
