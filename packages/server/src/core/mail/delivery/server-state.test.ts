import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { standardFeatures } from "../../../features.ts";
import { minutes, seconds } from "../../../platform/duration.ts";
import { noteMail, transportOf } from "../../../testing/mail.ts";
import { type TestAuth, testAuth } from "../../../testing/test-auth.ts";
import { enqueueMail, outboxIn } from "../outbox.ts";
import { MailRefused, MailUnreachable } from "../transports/transport.ts";
import { sendNextMail, startMailWorker } from "../worker.ts";

const { mail: note, feature } = noteMail();
const options = { features: [...standardFeatures, feature] };
const addresses = Array.from({ length: 7 }, (_, n) => `person${n}@example${n}.org`);

const enqueueAll = (t: TestAuth) =>
  t.ctx.transaction(async (ctx) => {
    for (const to of addresses) await enqueueMail(ctx, note, to, { text: "Hello" });
  });

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, `not in time: ${what}`);
    await pause(5);
  }
}

function startWorker(t: TestAuth, transport: ReturnType<typeof transportOf>) {
  const worker = startMailWorker(t.ctx, transport, undefined, { rest: 0, lookEvery: 5, stopWithin: 5 });
  return { ...worker, [Symbol.asyncDispose]: worker.stop };
}

const rowsAreIdle = async (t: TestAuth) => (await t.rows("outbox")).every(({ lease }) => lease === null);
const states = async (t: TestAuth) => (await t.rows("outbox")).map(({ state }) => state);

/** What the log says of the mail server as such. */
const told = (t: TestAuth) =>
  t.log
    .map((line) => JSON.parse(line) as { msg: string; error?: string; seconds?: number })
    .filter(({ msg }) => msg.startsWith("the mail server"));

const causes = {
  "that nobody reaches": new MailUnreachable("Nothing listens there.", "server"),
  "that turns us away": new MailRefused({ permanent: false, reply: "554 Go away", about: "server" }),
} as const;

describe("a mail server", () => {
  for (const [which, error] of Object.entries(causes)) {
    it(`${which} costs no mail a try: one asks after 5, 10, 20, 30 and 30 s, and at its yes all leave`, async () => {
      await using t = await testAuth(options);
      let isWell = false;
      const transport = transportOf(async () => {
        if (!isWell) throw error;
        return { reply: "250 ok" };
      });
      await enqueueAll(t);
      await using workers = new AsyncDisposableStack();
      workers.use(startWorker(t, transport));
      await until(async () => transport.seen.length > 0 && (await rowsAreIdle(t)), "the first tries");
      // Those that were under way at once; then nobody, until somebody asks.
      await pause(100);
      const first = transport.seen.length;
      assert.ok(first <= 3, `${first} tries`);
      for (const [asked, wait] of [5, 10, 20, 30, 30].entries()) {
        t.clock.advance(seconds(wait) - 1);
        await pause(50);
        assert.equal(transport.seen.length, first + asked, `${wait} s are not over`);
        t.clock.advance(1);
        await until(
          async () => transport.seen.length > first + asked && (await rowsAreIdle(t)),
          "a question",
        );
        await pause(50);
        assert.equal(transport.seen.length, first + asked + 1, "one at a time");
      }
      for (const { attempts, state, reply } of await t.rows("outbox"))
        assert.deepEqual([attempts, state, reply], [0, "waiting", error.message]);
      isWell = true;
      t.clock.advance("30s");
      await until(async () => (await states(t)).every((state) => state === "sent"), "all of them");
      const [gone, back, ...more] = told(t);
      assert.deepEqual([gone?.error, more], [error.message, []], "one line at each change");
      assert.deepEqual(
        [gone?.msg, back?.msg],
        ["the mail server cannot be used", "the mail server can be used again"],
      );
      assert.equal(back?.seconds, 125);
    });
  }

  it("that is back takes at once what broke off as it went, and what it asked to come back with only when that is due", async () => {
    await using t = await testAuth(options);
    const answers: Record<string, () => Promise<{ reply: string }>> = {
      "person0@example0.org": () => Promise.reject(new MailUnreachable("cut off")),
      "person1@example1.org": () =>
        Promise.reject(new MailRefused({ permanent: false, reply: "451 Later", isGreylisted: true })),
      "person2@example2.org": () => Promise.reject(causes["that nobody reaches"]),
    };
    let isWell = false;
    const transport = transportOf(
      async ({ to }) => (isWell ? { reply: "250 ok" } : answers[to]?.()) ?? { reply: "250 ok" },
    );
    for (const to of addresses.slice(0, 3)) {
      await enqueueMail(t.ctx, note, to, { text: "Hello" });
      await sendNextMail(t.ctx, transport);
    }
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t, transport));
    await until(() => told(t).length === 1, "that it is down");
    isWell = true;
    t.clock.advance("5s");
    await until(
      async () => (await states(t)).filter((state) => state === "sent").length === 2,
      "two of three",
    );
    const waiting = (await t.rows("outbox")).find(({ state }) => state === "waiting");
    assert.equal(waiting?.recipient, "person1@example1.org");
    t.clock.advance(minutes(1));
    await until(async () => (await states(t)).every((state) => state === "sent"), "the third");
  });

  it("that refuses one mail is well: the others leave", async () => {
    await using t = await testAuth(options);
    const transport = transportOf(async ({ to }) => {
      if (to.startsWith("person0")) throw new MailRefused({ permanent: false, reply: "550 Not to relay" });
      if (to.startsWith("person1")) throw new MailUnreachable("cut off");
      return { reply: "250 ok" };
    });
    await enqueueAll(t);
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t, transport));
    await until(async () => (await states(t)).filter((state) => state === "sent").length === 5, "the others");
    assert.deepEqual(told(t), []);
    const attempts = await outboxIn(t.ctx)
      .selectFrom("outbox")
      .select("attempts")
      .where("state", "=", "waiting")
      .execute();
    assert.deepEqual(
      attempts.map((row) => row.attempts),
      [1, 1],
    );
  });

  it("is asked at once when the clock was set back since", async () => {
    await using t = await testAuth(options);
    const transport = transportOf(() => Promise.reject(causes["that nobody reaches"]));
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t, transport));
    await until(() => told(t).length === 1, "that it is down");
    const db = outboxIn(t.ctx);
    await db.updateTable("outbox").set({ due_at: 0 }).execute();
    t.clock.advance(-minutes(60));
    await until(() => transport.seen.length > 1, "another try");
  });
});
