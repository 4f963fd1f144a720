import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createAuth } from "../../auth.ts";
import { loadConfig } from "../../config.ts";
import { standardFeatures } from "../../features.ts";
import { openDatabase } from "../../platform/database/open.ts";
import { hours, seconds } from "../../platform/duration.ts";
import { noteMail, transportOf } from "../../testing/mail.ts";
import { createSchema, dropSchema } from "../../testing/postgres.ts";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";
import type { Context } from "../context.ts";
import { enqueueMail, outboxIn } from "./outbox.ts";
import type { Transport } from "./transports/transport.ts";
import { type MailWorker, type Pace, startMailWorker } from "./worker.ts";

const { mail: note, feature } = noteMail();
const options = { features: [...standardFeatures, feature] };
const addresses = Array.from({ length: 200 }, (_, n) => `person${n}@example${n % 4}.org`);

async function enqueueAll(ctx: Context): Promise<void> {
  await ctx.transaction(async (ctx) => {
    for (const to of addresses) await enqueueMail(ctx, note, to, { text: "Hello" });
  });
}

/** A worker that is stopped after its test, also when that fails: else it would keep the process alive. */
function startWorker(
  ctx: Context,
  transport: Transport,
  delivered?: () => void,
  pace: Partial<Pace> = { rest: 0, lookEvery: seconds(2) },
): MailWorker & AsyncDisposable {
  const worker = startMailWorker(ctx, transport, delivered, pace);
  return { ...worker, [Symbol.asyncDispose]: worker.stop };
}

/** Waits, for half a minute at most: two hundred mails are six hundred commits, on whatever disk there is. */
async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, `not in time: ${what}`);
    await pause(5);
  }
}

async function countWaiting(ctx: Context): Promise<number> {
  return (await outboxIn(ctx).selectFrom("outbox").select("id").where("state", "=", "waiting").execute())
    .length;
}

const allSent = async (t: TestAuth) => (await countWaiting(t.ctx)) === 0;

describe("two workers", () => {
  it("of two systems on one database send 200 mails once each", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    const sent: string[] = [];
    const transport = transportOf(async ({ to }) => {
      sent.push(to);
      await pause(Math.random() * 3);
      return { reply: "250 ok" };
    });
    await enqueueAll(t.ctx);
    await using workers = new AsyncDisposableStack();
    for (const { ctx } of [t, other]) workers.use(startWorker(ctx, transport));
    await until(() => allSent(t), "200 mails");
    assert.deepEqual(sent.toSorted(), addresses.toSorted());
  });

  it("of two processes on one database send 200 mails once each, which a third one ordered", async () => {
    const place = await makePlace();
    const database = await openDatabase(place.url, place.options);
    const auth = await createAuth({
      config: loadConfig({ NODE_ENV: "test", SECRET_KEY: testSecret }).config,
      ...options,
      database,
    });
    await auth.migrate();
    const ctx = auth.context("test");
    const script = join(import.meta.dirname, "../../testing/mailing-process.ts");
    const children = [1, 2].map(() => fork(script, [place.url, place.options.schema ?? ""]));
    try {
      await Promise.all(children.map((child) => once(child, "message")));
      const sent = children.map((child) => {
        const mails: string[] = [];
        child.on("message", (to: string) => mails.push(to));
        return mails;
      });
      await enqueueAll(ctx);
      await until(async () => (await countWaiting(ctx)) === 0, "200 mails");
      assert.deepEqual(sent.flat().toSorted(), addresses.toSorted());
      for (const mails of sent) assert.ok(mails.length > 0, "both had a part");
    } finally {
      const exits = children.map((child) => once(child, "exit"));
      for (const child of children) child.disconnect();
      await Promise.all(exits);
      await database.close();
      await place.remove();
    }
  });
});

/** On a file of SQLite, or a schema of PostgreSQL when TEST_DATABASE_URL names a server. */
async function makePlace() {
  const url = process.env.TEST_DATABASE_URL;
  if (url) {
    const schema = await createSchema(url);
    return { url, options: { schema }, remove: () => dropSchema(url, schema) };
  }
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-mail-"));
  const options: { readonly schema?: string } = {};
  const remove = () => rm(folder, { recursive: true, force: true });
  return { url: `sqlite:${join(folder, "auth.db")}`, options, remove };
}

describe("a worker", () => {
  it("wakes at once for every mail of its own process", { timeout: 60_000 }, async () => {
    await using t = await testAuth(options);
    let arrived = () => {};
    const transport = transportOf(async () => {
      arrived();
      return { reply: "250 ok" };
    });
    await using workers = new AsyncDisposableStack();
    // One call that it did not hear, and the next is an hour away.
    workers.use(startWorker(t.ctx, transport, undefined, { rest: 0, lookEvery: hours(1) }));
    for (const [index, to] of addresses.slice(0, 40).entries()) {
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      await t.ctx.transaction((ctx) => enqueueMail(ctx, note, to, { text: "Hello" }));
      await arrival;
      // At every distance from the moment when the worker looks at the outbox.
      for (let n = 0; n < index % 7; n += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  });

  // SQLite runs one statement at a time: while the worker looks there, nothing can come in.
  const needsManyConnections = { skip: !process.env.TEST_DATABASE_URL };
  it("hears of a mail that comes in while it looks for one", needsManyConnections, async () => {
    let looks = 0;
    const found = Promise.withResolvers<void>();
    await using t = await testAuth({
      ...options,
      aroundStatement: async (sql, run) => {
        const result = await run();
        if (/^update "outbox".*returning \*/.test(sql)) {
          looks += 1;
          await found.promise;
        }
        return result;
      },
    });
    const transport = transportOf();
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t.ctx, transport));
    await until(() => looks === 1, "a look at an empty outbox");
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    found.resolve();
    await until(() => transport.seen.length === 1, "the mail");
  });

  it("finds the mail that another process put into the outbox", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    const transport = transportOf();
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t.ctx, transport));
    await pause(20);
    await enqueueMail(other.ctx, note, "ada@example.org", { text: "Hello" });
    await until(() => transport.seen.length === 1, "the mail");
  });

  it("lets new mail lie for a moment, though it is at work already: writing it would hold up the answer that ordered it", async () => {
    await using t = await testAuth(options);
    const transport = transportOf();
    const worker = startMailWorker(t.ctx, transport);
    try {
      await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
      t.clock.advance(120);
      await enqueueMail(t.ctx, note, "bob@example.org", { text: "Hello" });
      await until(async () => (await countWaiting(t.ctx)) === 1, "the first");
    } finally {
      await worker.stop();
    }
    const rows = (await t.rows("outbox")).map(({ recipient, attempts }) => [recipient, attempts]);
    assert.deepEqual(
      rows.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
      [
        ["ada@example.org", 1],
        ["bob@example.org", 0],
      ],
    );
  });

  it("keeps a lane for everybody else while the mails to one domain, however it is written, are held up", async () => {
    await using t = await testAuth(options);
    const held = Promise.withResolvers<void>();
    const isHeld = (to: string) => /@slow_host\.example$/i.test(to);
    const transport = transportOf(async ({ to }) => {
      if (isHeld(to)) await held.promise;
      return { reply: "250 ok" };
    });
    const slow = Array.from(
      { length: 6 },
      (_, n) => `p${n}@${n % 2 ? "Slow_Host.example" : "slow_host.example"}`,
    );
    const others = [
      "ada@example.org",
      "bob@slow-host.example",
      "carol@notslow_host.example",
      "dan@example.org",
    ];
    await t.ctx.transaction(async (ctx) => {
      for (const to of [...slow, ...others]) await enqueueMail(ctx, note, to, { text: "Hello" });
    });
    await using workers = new AsyncDisposableStack();
    workers.use(startWorker(t.ctx, transport));
    workers.defer(() => held.resolve());
    const seen = () => transport.seen.map(({ to }) => to);
    await until(() => others.every((to) => seen().includes(to)), "the mails to others");
    assert.equal(seen().filter(isHeld).length, 2, "as many as one domain may hold up");
    held.resolve();
    await until(() => allSent(t), "all of them");
    assert.deepEqual(seen().toSorted(), [...slow, ...others].map((to) => to.toLowerCase()).toSorted());
  });

  it("finishes what it is sending when it is stopped, and takes on nothing more", async () => {
    await using t = await testAuth(options);
    const taken = Promise.withResolvers<void>();
    const transport = transportOf(async () => {
      await taken.promise;
      return { reply: "250 ok" };
    });
    await enqueueAll(t.ctx);
    await using worker = startWorker(t.ctx, transport);
    await until(() => transport.seen.length === 3, "three mails under way");
    const stopping = worker.stop();
    assert.equal(await Promise.race([stopping, pause(30, "still at it")]), "still at it");
    taken.resolve();
    await stopping;
    assert.equal(transport.seen.length, 3);
    const rows = await t.rows("outbox");
    assert.equal(rows.filter(({ state }) => state === "sent").length, 3);
    assert.ok(rows.every(({ lease }) => lease === null));
  });

  it("goes on after the database could not be read, and after whoever is told of a mail fails", async () => {
    let isDown = true;
    await using t = await testAuth({
      ...options,
      aroundStatement: async (sql, run) => {
        if (isDown && /^update "outbox"/.test(sql)) throw new Error("out of reach");
        return run();
      },
    });
    const transport = transportOf();
    await using workers = new AsyncDisposableStack();
    const tell = () => {
      throw new Error("nobody listens");
    };
    workers.use(startWorker(t.ctx, transport, tell));
    await until(() => t.log.join().includes("out of reach"), "the log");
    isDown = false;
    for (const to of ["ada@example.org", "bob@example.org"])
      await enqueueMail(t.ctx, note, to, { text: "Hello" });
    await until(() => allSent(t), "both mails");
    assert.equal(transport.seen.length, 2);
    assert.match(t.log.join(), /interrupted.*nobody listens/);
  });
});
