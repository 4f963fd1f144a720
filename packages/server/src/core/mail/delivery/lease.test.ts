import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createAuth } from "../../../auth.ts";
import { loadConfig } from "../../../config.ts";
import { standardFeatures } from "../../../features.ts";
import { type AroundStatement, DatabaseBusy } from "../../../platform/database/dialect.ts";
import { openDatabase } from "../../../platform/database/open.ts";
import { hours, seconds } from "../../../platform/duration.ts";
import { noteMail, type TestTransport, transportOf } from "../../../testing/mail.ts";
import { createSchema, dropSchema } from "../../../testing/postgres.ts";
import { type TestAuth, testAuth, testSecret } from "../../../testing/test-auth.ts";
import type { Context } from "../../context.ts";
import { enqueueMail } from "../outbox.ts";
import { MailRefused } from "../transports/transport.ts";
import { type Pace, sendNextMail, startMailWorker } from "../worker.ts";
import { claimMail, listLapsedLeases } from "./claim.ts";

const { mail: note, feature } = noteMail();
const options = { features: [...standardFeatures, feature] };
/** Looks and renews all the time: what happens when goes by the clock that the test turns. */
const quick: Partial<Pace> = { rest: 0, lookEvery: 5, renewEvery: 5, stopWithin: 5 };
const email = "ada@example.org";

function startWorker(ctx: Context, transport: TestTransport, pace: Partial<Pace> = quick) {
  const worker = startMailWorker(ctx, transport, undefined, pace);
  return { ...worker, [Symbol.asyncDispose]: worker.stop };
}

/** A mail server that has the mail in hand until it is let go. */
function holding() {
  const held = Promise.withResolvers<void>();
  const transport = transportOf(async () => {
    await held.promise;
    return { reply: "250 2.0.0 Taken" };
  });
  return { transport, letGo: held.resolve };
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, `not in time: ${what}`);
    await pause(5);
  }
}

async function onlyRow(t: TestAuth): Promise<Record<string, unknown>> {
  const [row = assert.fail("no mail"), ...others] = await t.rows("outbox");
  assert.deepEqual(others, []);
  return row;
}

const isSent = async (t: TestAuth) => (await onlyRow(t)).state === "sent";
/** Time for many looks at the outbox. */
const aWhile = () => pause(100);

describe("the lease of a mail", () => {
  it("lasts as long as it is being sent, however long that takes", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    const { transport, letGo } = holding();
    await enqueueMail(t.ctx, note, email, { text: "Hello" });
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t.ctx, transport));
    await until(() => transport.seen.length === 1, "the mail in hand");
    for (let n = 0; n < 6; n += 1) {
      t.clock.advance("10s");
      const renewed = async () =>
        Number((await onlyRow(t)).leased_until) === t.clock.now().getTime() + seconds(15);
      await until(renewed, "a renewal");
      assert.equal(await sendNextMail(other.ctx, transportOf()), false);
    }
    letGo();
    await until(() => isSent(t), "the note");
    assert.equal(transport.seen.length, 1);
  });

  it("is given back when the worker stops in the middle, and the try does not count", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    const { transport } = holding();
    await enqueueMail(t.ctx, note, email, { text: "Hello" });
    const worker = startWorker(t.ctx, transport);
    await until(() => transport.seen.length === 1, "the mail in hand");
    await worker.stop();
    const { state, lease, leased_until, attempts } = await onlyRow(t);
    assert.deepEqual([state, lease, leased_until, attempts], ["waiting", null, null, 0]);
    const next = transportOf();
    assert.equal(await sendNextMail(other.ctx, next), true, "at once");
    assert.deepEqual(next.seen, transport.seen);
  });

  it("that lapsed while its own process stood still is not taken from itself", async () => {
    await using t = await testAuth(options);
    const { transport, letGo } = holding();
    await enqueueMail(t.ctx, note, email, { text: "Hello" });
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t.ctx, transport, { ...quick, renewEvery: 60_000 }));
    await until(() => transport.seen.length === 1, "the mail in hand");
    t.clock.advance("1h");
    await aWhile();
    letGo();
    await until(() => isSent(t), "the note");
    assert.equal(transport.seen.length, 1);
  });

  it("of a worker that stood still is lost, and what it was sending is broken off", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    const { transport, letGo } = holding();
    await enqueueMail(t.ctx, note, email, { text: "Hello" });
    await using workers = new AsyncDisposableStack();
    // It renews nothing for a second, as one that is suspended.
    workers.use(startWorker(t.ctx, transport, { ...quick, renewEvery: 1000 }));
    await until(() => transport.seen.length === 1, "the mail in hand");
    assert.equal(transport.signals[0]?.aborted, false);
    t.clock.advance("15s");
    await sendNextMail(
      other.ctx,
      transportOf(() => Promise.reject(new MailRefused({ permanent: true, reply: "550 No" }))),
    );
    const failed = await onlyRow(t);
    assert.equal(failed.state, "failed");
    await until(() => transport.signals[0]?.aborted === true, "the end of it");
    letGo();
    await aWhile();
    assert.deepEqual(await onlyRow(t), failed);
  });
});

describe("a mail in hand when its worker is killed", () => {
  it("is under way again within twenty seconds of the next start", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, email, { text: "Hello" });
    // Claimed, and never heard of again.
    assert.ok(await claimMail(t.ctx, { busy: [], rest: 0 }));
    await using next = await t.restart();
    const transport = transportOf();
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(next.ctx, transport));
    t.clock.advance(seconds(15) - 1);
    await aWhile();
    assert.equal(transport.seen.length, 0, "its worker may be alive");
    t.clock.advance(1);
    await until(() => isSent(t), "the mail");
  });
});

describe("a mail server's yes while the database is away", () => {
  /** Two workers, and a database that both lose while the first has a mail in hand. */
  async function prepare(around: AroundStatement) {
    const system = await testAuth({ ...options, aroundStatement: around });
    const other = await system.restart();
    const { transport, letGo } = holding();
    const second = transportOf();
    const workers = new AsyncDisposableStack();
    workers.use(system);
    workers.use(other);
    await enqueueMail(system.ctx, note, email, { text: "Hello" });
    workers.use(startWorker(system.ctx, transport));
    await until(() => transport.seen.length === 1, "the mail in hand");
    workers.use(startWorker(other.ctx, second));
    // Both have been at work for long.
    for (let n = 0; n < 6; n += 1) {
      system.clock.advance("5s");
      await aWhile();
    }
    return { t: system, letGo, transport, second, workers };
  }

  it("is noted when it is back: nobody takes the mail over in the meantime, though the lease has lapsed", async () => {
    let isAway = false;
    const { t, letGo, transport, second, workers } = await prepare(async (_sql, run) => {
      if (isAway) throw new DatabaseBusy(new Error("away"));
      return run();
    });
    await using _ = workers;
    isAway = true;
    letGo();
    for (let n = 0; n < 5; n += 1) {
      t.clock.advance("10s");
      await aWhile();
    }
    isAway = false;
    await until(() => isSent(t), "the note");
    t.clock.advance("1h");
    await aWhile();
    assert.deepEqual([transport.seen.length, second.seen.length], [1, 0]);
  });

  it("is noted as well when it did not fail but stood still", async () => {
    let thaw: Promise<void> | undefined;
    let isHolderCut = false;
    const { t, letGo, transport, second, workers } = await prepare(async (sql, run) => {
      await thaw;
      if (isHolderCut && /^update "outbox" set "(?:state|leased_until)"/.test(sql))
        throw new DatabaseBusy(new Error("the connection did not survive it"));
      return run();
    });
    await using _ = workers;
    const frozen = Promise.withResolvers<void>();
    thaw = frozen.promise;
    await aWhile();
    letGo();
    t.clock.advance("50s");
    await aWhile();
    thaw = undefined;
    isHolderCut = true;
    frozen.resolve();
    await aWhile();
    isHolderCut = false;
    await until(() => isSent(t), "the note");
    t.clock.advance("1h");
    await aWhile();
    assert.deepEqual([transport.seen.length, second.seen.length], [1, 0]);
  });

  it("of a worker that does not come back either is unknown: somebody else sends the mail, after a while", async () => {
    let isAway = false;
    await using t = await testAuth({
      ...options,
      aroundStatement: async (_sql, run) => {
        if (isAway) throw new DatabaseBusy(new Error("away"));
        return run();
      },
    });
    await enqueueMail(t.ctx, note, email, { text: "Hello" });
    assert.ok(await claimMail(t.ctx, { busy: [], rest: 0 }));
    const transport = transportOf();
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t.ctx, transport));
    isAway = true;
    t.clock.advance("60s");
    await aWhile();
    isAway = false;
    t.clock.advance(seconds(15) - 1);
    await aWhile();
    assert.equal(transport.seen.length, 0);
    t.clock.advance(1);
    await until(() => isSent(t), "the mail");
  });
});

const needsPostgres = { skip: !process.env.TEST_DATABASE_URL };

describe("nodes whose clocks disagree", needsPostgres, () => {
  it("agree on when a mail is due and when a lease is over: by the database's clock", async () => {
    const url = process.env.TEST_DATABASE_URL ?? "";
    const schema = await createSchema(url);
    const database = await openDatabase(url, { schema });
    try {
      const { config } = loadConfig({ NODE_ENV: "test", SECRET_KEY: testSecret });
      const auth = await createAuth({ config, ...options, database });
      await auth.migrate();
      const ctx = auth.context("test");
      const early: Context = { ...ctx, now: () => new Date(Date.now() + hours(1)) };
      const late: Context = { ...ctx, now: () => new Date(Date.now() - hours(1)) };
      await enqueueMail(early, note, email, { text: "Hello" });
      assert.ok(await claimMail(late, { busy: [], rest: 0 }), "due at once");
      assert.deepEqual(await listLapsedLeases(early), [], "in hand");
    } finally {
      await database.close();
      await dropSchema(url, schema);
    }
  });
});
