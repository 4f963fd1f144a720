/** Our own exchanges: each answers as it says. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { everywhere } from "./everywhere.ts";
import { judgeAs } from "./judge.ts";
import { ownExchanges } from "./own.ts";
import { openSystem, type TestSystem } from "./system.ts";

const unlimited = await openSystem({ limits: "off" });
const systems = [unlimited];
after(async () => {
  for (const system of systems) await system[Symbol.asyncDispose]();
});

/** Some limits live in a node's memory, which outlives what is put back. */
async function systemFor(profile: string): Promise<TestSystem> {
  if (profile !== "throttled") return unlimited;
  const system = await openSystem({ limits: "on" });
  systems.push(system);
  return system;
}

const exchanges = [...ownExchanges, ...everywhere(unlimited.ctx)];

for (const [group, members] of Map.groupBy(exchanges, (exchange) => exchange.group)) {
  describe(`exchanges of our own about ${group}`, () => {
    for (const exchange of members) {
      it(exchange.id, async () => {
        const { target, restore } = await systemFor(exchange.profile);
        await restore();
        const found = await judgeAs(target, exchange, exchange.response);
        assert.deepEqual(found, [], `${exchange.id}\n${found.join("\n")}`);
      });
    }
  });
}
