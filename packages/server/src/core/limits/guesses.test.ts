import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { standardFeatures } from "../../features.ts";
import { defineFormError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";
import { rounds } from "../../testing/rounds.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import type { Context } from "../context.ts";
import { hashQueue } from "../passwords/passwords.ts";
import { hold, settle } from "./guesses.ts";

const wrongPassword = "Wrong-Harbour-1";
/** Another address block for every number. */
const block = (n: number) => `10.${n >> 8}.${n & 255}.1`;
const countOf = (answers: readonly { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

class OneMoreStep extends defineFormError("one_more_step", sentence("One more step.", "Mais um passo.")) {}

/** A system whose sign-ins stop at a gate, where a test wants it. */
async function gatedAuth(gate: (ctx: Context) => Promise<void>, options = {}): Promise<TestAuth> {
  return testAuth({ ...options, features: [...standardFeatures, { name: "gated", gates: [gate] }] });
}

/** A gate that is shut until it is opened, and how many stand before it. */
function turnstile() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gate = {
    standing: 0,
    open: resolve,
    pass: async () => {
      gate.standing += 1;
      await promise;
    },
  };
  return gate;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
async function until(isSo: () => boolean): Promise<void> {
  for (let n = 0; n < 2000 && !isSo(); n += 1) await turn();
  assert.ok(isSo(), "it never came to that");
}

describe("right passwords at once", () => {
  for (const many of [20, 50])
    it(`all sign in, ${many} of one account`, async () => {
      await using t = await testAuth();
      const ada = await t.person();
      const answers = await Promise.all(
        Array.from({ length: many }, (_, n) => ada.login(ada.password, { from: block(n) })),
      );
      assert.equal(countOf(answers, 200), many);
    });

  it("are told to come back in a second while another node judges as many as there are guesses", async () => {
    const gate = turnstile();
    await using t = await gatedAuth(gate.pass);
    const ada = await t.person();
    await using other = await t.restart();
    const judged = Array.from({ length: 10 }, (_, n) => ada.login(ada.password, { from: block(n) }));
    await until(() => gate.standing === 10);
    const body = { email: ada.email, password: ada.password };
    const refused = await other.http.post("/api/auth/login/", body);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "1"]);
    assert.equal(refused.body.detail, "Request was throttled. Expected available in 1 second.");
    gate.open();
    assert.equal(countOf(await Promise.all(judged), 200), 10);
    assert.equal((await other.http.post("/api/auth/login/", body)).status, 200);
  });

  it("and wrong ones wait no longer than for those under way: then the answer says when the window ends", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const before = t.hashes();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => ada.login(wrongPassword, { from: block(n) })),
    );
    assert.equal(t.hashes() - before, 10);
    assert.equal(countOf(answers, 400), 10);
    for (const { status, headers } of answers.filter((answer) => answer.status !== 400))
      assert.deepEqual([status, headers.get("retry-after")], [429, "900"]);
  });

  it("raise no alarm, nor does a wrong one among them, as long as one of them may give its guess back", async () => {
    const gate = turnstile();
    await using t = await gatedAuth(gate.pass);
    const ada = await t.person();
    const judged = Array.from({ length: 9 }, (_, n) => ada.login(ada.password, { from: block(n) }));
    await until(() => gate.standing === 9);
    assert.equal((await ada.login(wrongPassword)).status, 400);
    const mailed = await t.mailbox();
    gate.open();
    assert.equal(countOf(await Promise.all(judged), 200), 9);
    assert.ok(![...mailed, ...(await t.mailbox())].some(({ mail }) => mail === "account-locked"));
  });

  it("are no way to judge more wrong ones: of two hundred at once ten are, whatever lies between", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const isRight = (n: number) => n % 20 === 19;
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        ada.login(isRight(n) ? ada.password : wrongPassword, { from: block(n) }),
      ),
    );
    assert.equal(countOf(answers, 400), 10);
  });

  it("and wrong ones, in whatever order: no more than ten wrong ones are judged, and none that is right is called wrong", async () => {
    await using t = await testAuth();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 11, maxLength: 40 }), async (rights) => {
        t.clock.advance("15m");
        const ada = await t.person();
        const answers = await Promise.all(
          rights.map((isRight, n) => ada.login(isRight ? ada.password : wrongPassword, { from: block(n) })),
        );
        const [right, wrong] = [true, false].map((kind) => answers.filter((_, n) => rights[n] === kind));
        assert.equal(countOf(wrong ?? [], 200) + countOf(right ?? [], 400), 0);
        assert.equal(countOf(wrong ?? [], 400), Math.min(10, wrong?.length ?? 0));
        if ((wrong?.length ?? 0) < 10) assert.equal(countOf(right ?? [], 429), 0);
      }),
      { numRuns: rounds(10, 100) },
    );
  });
});

describe("a guess that was not judged wrong", () => {
  it("is not counted: the right password of an address that is not verified, or of who is one step short", async () => {
    await using t = await gatedAuth(async () => {
      throw new OneMoreStep();
    });
    const [waiting, short] = [await t.person({ verified: false }), await t.person()];
    for (const person of [waiting, short]) {
      for (let n = 0; n < 14; n += 1)
        assert.equal((await person.login(person.password, { from: block(n) })).status, 400);
      assert.equal((await person.login(wrongPassword)).status, 400);
    }
    assert.ok(!(await t.mailbox()).some(({ mail }) => mail === "account-locked"));
  });

  it("is counted where nobody may tell it from a wrong one: a disabled account is as an unknown one", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await t.database.kysely
      .$extendTables<{ accounts: { disabled_at: number } }>()
      .updateTable("accounts")
      .set({ disabled_at: 1 })
      .execute();
    const statusesOf = async (body: object) => {
      const statuses = [];
      for (let n = 0; n < 12; n += 1)
        statuses.push((await t.http.post("/api/auth/login/", body, { from: block(n) })).status);
      return statuses;
    };
    const [disabled, unknown] = [
      await statusesOf({ email: ada.email, password: ada.password }),
      await statusesOf({ email: "nobody@example.org", password: ada.password }),
    ];
    assert.deepEqual(disabled, [...Array(10).fill(400), 429, 429]);
    assert.deepEqual(unknown, disabled);
  });

  it("is not counted when no turn was left to hash it", async () => {
    // What is expected here is a 503, which passes where faults are expected.
    await using t = await testAuth({ aroundStatement: (_sql, run) => run() });
    const ada = await t.person();
    const { promise, resolve } = Promise.withResolvers<void>();
    const occupied: Promise<void>[] = [];
    const queue = hashQueue(t.ctx);
    // As many strangers as may wait, each from elsewhere.
    for (let n = 0; queue.waiting < 80; n += 1) occupied.push(queue.run(() => promise, { source: [`${n}`] }));
    for (let n = 0; n < 14; n += 1)
      assert.equal((await ada.login(wrongPassword, { from: block(n) })).status, 503);
    resolve();
    await Promise.all(occupied);
    const statuses = [];
    for (let n = 0; n < 11; n += 1) statuses.push((await ada.login(wrongPassword)).status);
    assert.deepEqual(statuses, [...Array(10).fill(400), 429]);
  });

  it("of a node that died while it judged holds nothing up: it counts, and nobody is told to wait for it", async () => {
    await using t = await testAuth();
    const rule = { most: 2, within: 60_000 };
    await hold(t.ctx, "test", rule);
    await settle(t.ctx, await hold(t.ctx, "test", rule), true);
    assert.equal((await hold(t.ctx, "test", rule)).wait, 1000);
    t.clock.advance("30s");
    assert.equal((await hold(t.ctx, "test", rule)).wait, 30_000);
  });

  it("is put back into no window that began after it was taken", async () => {
    await using t = await testAuth();
    const rule = { most: 1, within: 60_000 };
    const early = await hold(t.ctx, "test", rule);
    t.clock.advance("1m");
    const late = await hold(t.ctx, "test", rule);
    await settle(t.ctx, early, false);
    assert.ok((await hold(t.ctx, "test", rule)).wait);
    await settle(t.ctx, late, false);
    assert.equal((await hold(t.ctx, "test", rule)).wait, undefined);
  });

  it("is not held for a day when the clock is set back by one", async () => {
    await using t = await testAuth();
    const rule = { most: 1, within: 60_000 };
    await hold(t.ctx, "test", rule);
    t.clock.advance(-24 * 3_600_000);
    assert.equal((await hold(t.ctx, "test", rule)).wait, undefined);
  });
});
