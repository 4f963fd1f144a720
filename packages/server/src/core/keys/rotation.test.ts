/** Keys that take turns while people use the product: not one call fails. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { minutes } from "../../platform/duration.ts";
import { type ProcessCall, type Processes, refreshCall, startProcesses } from "../../testing/processes.ts";
import { rounds } from "../../testing/rounds.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { keyIdOf, opens, payloadOf, refresh } from "../../testing/tokens.ts";
import { getNextKey, retireKey, rotateKeys } from "./ring.ts";

const environment = { JWT_ALGORITHM: "ES256", RATE_LIMITS: "off" };
const count = rounds(12, 100);
/** The hand-over is half of it, so that calls fall before, into and after it. */
const step = "15s";

async function rotate(t: TestAuth): Promise<void> {
  assert.ok(await rotateKeys(t.ctx, await getNextKey(t.ctx, "ES256")));
}

/** Access tokens whose time is not over. */
function stillGood(t: TestAuth, tokens: readonly string[]): string[] {
  const now = t.clock.now().getTime();
  return tokens.filter((token) => payloadOf(token).iat * 1000 + minutes(15) > now);
}

function profileCall(token: string): ProcessCall {
  return { method: "GET", path: "/api/auth/profile/", token };
}

function statuses(answers: readonly (readonly { readonly status: number }[])[]): Set<number> {
  return new Set(answers.flat().map(({ status }) => status));
}

describe("keys that are rotated again and again", () => {
  let processes: Processes;
  before(async () => {
    processes = await startProcesses(3, environment);
  });
  after(() => processes[Symbol.asyncDispose]());

  it("fail no call of one process", async () => {
    await using t = await testAuth({ environment });
    const ada = await t.person();
    let pair: { access: string; refresh: string } = await ada.signIn();
    let given = [pair.access];
    for (let round = 0; round < count; round += 1) {
      const [signedIn, refreshed, opened] = await Promise.all([
        ada.signIn(),
        refresh(t, pair.refresh),
        Promise.all(given.map((access) => opens(t, access))),
        round % 3 === 0 ? rotate(t) : undefined,
      ]);
      assert.equal(refreshed.status, 200);
      assert.deepEqual(new Set(opened), new Set([true]));
      pair = refreshed.body;
      given = [...given, pair.access, signedIn.access];
      t.clock.advance(step);
      given = stillGood(t, given);
    }
    assert.ok(new Set(given.map(keyIdOf)).size > 3, "several keys signed");
  });

  it("fail no call of three processes on one database, whoever signed and whoever is asked", async () => {
    const { t } = processes;
    const people = [await t.person(), await t.person(), await t.person()];
    const pairs = await Promise.all(people.map((person) => person.signIn()));
    const current = pairs.map((pair) => pair.refresh);
    let given = pairs.map((pair) => pair.access);
    for (let round = 0; round < count; round += 1) {
      const refreshing = (index: number) => Array(3).fill(refreshCall(current[index] ?? ""));
      const [answers] = await Promise.all([
        processes.call((index) => [...refreshing(index), ...given.map(profileCall)]),
        round % 3 === 0 ? rotate(t) : undefined,
      ]);
      assert.deepEqual(statuses(answers), new Set([200]));
      for (const [index, own] of answers.entries()) {
        const refreshed = own.slice(0, 3).map(({ body }) => body);
        current[index] = refreshed[0]?.refresh ?? "";
        given.push(...refreshed.map(({ access }) => access ?? ""));
      }
      t.clock.advance(step);
      given = stillGood(t, given);
    }
    assert.ok(new Set(given.map(keyIdOf)).size > 3, "several keys signed");
  });

  it("and ended cost three processes the tokens of the ended key alone", async () => {
    const { t } = processes;
    let { access, refresh: token } = await (await t.person()).signIn();
    for (let round = 0; round < rounds(4, 100); round += 1) {
      await processes.call(() => [profileCall(access)]);
      assert.equal(await retireKey(t.ctx, keyIdOf(access) ?? ""), true);
      const ended = await processes.call(() => [profileCall(access)]);
      assert.deepEqual(statuses(ended), new Set([401]));
      const renewed = await processes.call(() => [refreshCall(token), refreshCall(token)]);
      assert.deepEqual(statuses(renewed), new Set([200]));
      const pairs = renewed.flat().map(({ body }) => body);
      const again = await processes.call(() => pairs.map((pair) => profileCall(pair.access ?? "")));
      assert.deepEqual(statuses(again), new Set([200]));
      ({ access = "", refresh: token = "" } = pairs[0] ?? {});
      // Nobody has waited for anything: the ring was read by all of them a second ago.
      t.clock.advance("1s");
    }
  });
});
