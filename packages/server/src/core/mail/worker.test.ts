import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFeatures } from "../../features.ts";
import { DatabaseBusy } from "../../platform/database/dialect.ts";
import { days, minutes, seconds } from "../../platform/duration.ts";
import { noteMail, type TestTransport, transportOf } from "../../testing/mail.ts";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";
import { event, record } from "../events/events.ts";
import { enqueueMail } from "./outbox.ts";
import { MailRefused, MailUnreachable } from "./transports/transport.ts";
import { sendNextMail } from "./worker.ts";

const { mail: note, feature } = noteMail();
const options = { features: [...standardFeatures, feature] };
const unreachable = () => transportOf(() => Promise.reject(new MailUnreachable("nobody answers")));
/** A worker that ends in the middle: what it was sending never gets anywhere. */
const dying = () => transportOf(() => new Promise(() => {}));

async function sendAll(t: TestAuth, transport: TestTransport): Promise<void> {
  while (await sendNextMail(t.ctx, transport));
}

async function onlyRow(t: TestAuth): Promise<Record<string, unknown>> {
  const rows = await t.rows("outbox");
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0] ?? {};
}

/** Lets a worker begin with a mail, and waits until it has handed it over. */
async function beginAndDie(t: TestAuth): Promise<TestTransport> {
  const transport = dying();
  void sendNextMail(t.ctx, transport);
  while (transport.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return transport;
}

describe("a mail whose worker dies", () => {
  it("is left alone while its lease lasts, and sent once it is over", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const dead = await beginAndDie(t);
    const next = transportOf();
    await using other = await t.restart();
    t.clock.advance(seconds(15) - 1);
    assert.equal(await sendNextMail(other.ctx, next), false);
    t.clock.advance(1);
    assert.equal(await sendNextMail(other.ctx, next), true);
    // The dead one may have been dead or only slow: in either case what leaves now is what it had in hand.
    assert.deepEqual(next.seen, dead.seen);
    assert.equal((await onlyRow(t)).state, "sent");
    assert.equal(await sendNextMail(t.ctx, next), false);
  });

  it("but had only stood still is not touched by it any more", async () => {
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const standing = transportOf(async () => {
      await held;
      return { reply: "250 late" };
    });
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const first = sendNextMail(t.ctx, standing);
    while (standing.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    t.clock.advance("3m");
    await sendAll(t, transportOf());
    const sent = await onlyRow(t);
    goOn();
    await first;
    assert.deepEqual(await onlyRow(t), sent);
  });

  it("but had only stood still before it was written is left to who has it now", async () => {
    const written = event("test.written");
    const noted = noteMail({
      compose: async (ctx, order) => {
        await record(ctx, written, null, {});
        return note.compose(ctx, order);
      },
    });
    await using t = await testAuth({
      features: [...standardFeatures, noted.feature],
      aroundStatement: async (sql, run) => {
        const result = await run();
        // What the worker read when it claimed the row is not what the row holds by now.
        const { rows } = result as { rows?: { lease?: string }[] };
        if (/^update "outbox".*returning \*/.test(sql) && rows?.[0]) rows[0].lease = "of long ago";
        return result;
      },
    });
    await enqueueMail(t.ctx, noted.mail, "ada@example.org", { text: "Hello" });
    const transport = transportOf();
    await sendNextMail(t.ctx, transport);
    assert.deepEqual(
      [await t.happened(), transport.seen.length],
      [[], 0],
      "what went with writing it is undone",
    );
    assert.equal((await onlyRow(t)).state, "waiting");
  });

  it("at every try is given up after the eighth", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    for (let n = 1; n <= 8; n += 1) {
      await beginAndDie(t);
      t.clock.advance("3m");
    }
    const transport = transportOf();
    await sendAll(t, transport);
    const { state, reply, attempts } = await onlyRow(t);
    assert.deepEqual([state, reply, attempts], ["failed", "no try came to an end", 9]);
    assert.equal(transport.seen.length, 0);
  });

  it("is not sent again when only the note that it left fails for a moment", async () => {
    let failures = 1;
    await using t = await testAuth({
      ...options,
      aroundStatement: async (sql, run) => {
        const isNote = /^update "outbox" set "state"/.test(sql);
        if (isNote && failures > 0) {
          failures -= 1;
          throw new DatabaseBusy(new Error("locked"));
        }
        return run();
      },
    });
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const transport = transportOf();
    await sendAll(t, transport);
    t.clock.advance("4h");
    await sendAll(t, transport);
    assert.equal(failures, 0);
    assert.equal(transport.seen.length, 1);
    assert.equal((await onlyRow(t)).state, "sent");
  });
});

describe("a mail that does not get through", () => {
  it("is tried again after 30 s, 2 min, 10 min, 30 min, 1 h, 2 h and 4 h, and then given up for all to see", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const transport = unreachable();
    const waits: number[] = [];
    for (let tries = 1; tries < 8; tries += 1) {
      assert.equal(await sendNextMail(t.ctx, transport), true);
      const row = await onlyRow(t);
      assert.deepEqual([row.state, row.attempts], ["waiting", tries]);
      const wait = Number(row.due_at) - t.clock.now().getTime();
      waits.push(wait / 1000);
      t.clock.advance(wait - 1);
      assert.equal(await sendNextMail(t.ctx, transport), false, "a moment too early");
      t.clock.advance(1);
    }
    assert.deepEqual(waits, [30, 120, 600, 1800, 3600, 7200, 14_400]);
    await sendAll(t, transport);
    const row = await onlyRow(t);
    assert.deepEqual(
      [row.state, row.attempts, row.reply, row.finished_at],
      ["failed", 8, "Mail server unreachable: nobody answers", t.clock.now().getTime()],
    );
    t.clock.advance("7d");
    assert.equal(await sendNextMail(t.ctx, transport), false);
    const levels = t.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg.startsWith("a mail"));
    assert.deepEqual(
      levels.map(({ level }) => level),
      [...Array(7).fill("warn"), "error"],
    );
  });

  it("says the same to the letter at every try", async () => {
    await using t = await testAuth(options);
    await t.person({ email: "ada@example.org", verified: false });
    const transport = unreachable();
    for (let tries = 1; tries <= 8; tries += 1) {
      await sendAll(t, transport);
      t.clock.advance(Math.max(0, Number((await onlyRow(t)).due_at) - t.clock.now().getTime()));
    }
    assert.equal(transport.seen.length, 8);
    assert.match(transport.seen[0]?.text ?? "", /\d{3} \d{3}/);
    for (const message of transport.seen) assert.deepEqual(message, transport.seen[0]);
    const [row] = await t.rows("one_time_tokens");
    assert.ok(row && (await t.rows("one_time_tokens")).length === 1, "one link was made");
  });

  it("because the server asks to come back is tried again after 1, 3, 6 and 15 minutes, and ever more seldom", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const later = new MailRefused({ permanent: false, reply: "450 4.2.0 Greylisted", isGreylisted: true });
    const waits: number[] = [];
    for (let tries = 1; tries < 8; tries += 1) {
      await sendNextMail(
        t.ctx,
        transportOf(() => Promise.reject(later)),
      );
      const wait = Number((await onlyRow(t)).due_at) - t.clock.now().getTime();
      waits.push(wait / 60_000);
      t.clock.advance(wait);
    }
    assert.deepEqual(waits, [1, 3, 6, 15, 30, 60, 120]);
    await sendAll(t, transportOf());
    assert.equal((await onlyRow(t)).state, "sent");
  });

  it("is not tried once it is of no use any more", async () => {
    const brief = noteMail({ worthSendingFor: () => minutes(10) });
    await using t = await testAuth({ features: [...standardFeatures, brief.feature] });
    await enqueueMail(t.ctx, brief.mail, "ada@example.org", { text: "Hello" });
    const transport = unreachable();
    for (let n = 0; n < 3; n += 1) {
      await sendAll(t, transport);
      t.clock.advance("2m");
    }
    // The third try was at 2.5 minutes or later; the fourth would come after 10.
    const row = await onlyRow(t);
    assert.deepEqual([row.state, row.attempts], ["failed", 3]);
  });

  it("and waited for a worker until it is of no use is not sent any more, and its links are gone", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    t.clock.advance(days(2) - 1);
    await using later = await t.restart();
    const transport = transportOf();
    t.clock.advance(1);
    await sendAll(later, transport);
    assert.equal(transport.seen.length, 0);
    const { state, reply, payload } = await onlyRow(t);
    assert.deepEqual([state, reply, payload], ["failed", "not sent in time", null]);
  });

  it("because the server refuses it for good is given up at once, with the server's words", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const refusal = new MailRefused({ permanent: true, reply: "550 5.1.1 <ada@example.org> is not here" });
    await sendAll(
      t,
      transportOf(() => Promise.reject(refusal)),
    );
    const { state, attempts, reply } = await onlyRow(t);
    assert.deepEqual([state, attempts], ["failed", 1]);
    assert.equal(reply, "Mail refused: 550 5.1.1 <ada@example.org> is not here");
    const line = t.log.find((one) => one.includes("given up")) ?? "";
    assert.match(line, /550 5\.1\.1 <\[recipient\]> is not here/, "a log need not know who");
  });

  it("because the server refuses it for now is tried again", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
    const refusal = new MailRefused({ permanent: false, reply: "451 4.7.1 Greylisted" });
    await sendAll(
      t,
      transportOf(() => Promise.reject(refusal)),
    );
    assert.equal((await onlyRow(t)).reply, "Mail refused: 451 4.7.1 Greylisted");
    t.clock.advance(seconds(30));
    await sendAll(t, transportOf());
    const { state, reply } = await onlyRow(t);
    assert.deepEqual([state, reply], ["sent", "250 2.0.0 Taken"]);
  });

  it("leaves no link and no code in the open when a server quotes it", async () => {
    await using t = await testAuth(options);
    await t.person({ email: "ada@example.org", verified: false });
    const quoting = transportOf(async ({ text, subject }) => {
      throw new MailRefused({ permanent: false, reply: `451 No: ${subject} ${text.replaceAll("\n", " ")}` });
    });
    await sendAll(t, quoting);
    const text = quoting.seen[0]?.text ?? "";
    const [token = ""] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text) ?? [];
    const [code = ""] = /\d{3} \d{3}/.exec(text) ?? [];
    assert.ok(token && code);
    const inTheOpen = `${String((await onlyRow(t)).reply)}\n${t.log.join("\n")}`;
    assert.match(inTheOpen, /451 No: \[secret\]/);
    for (const secret of [token, code, code.replace(" ", "")]) assert.ok(!inTheOpen.includes(secret));
  });
});

describe("a mail that cannot be written", () => {
  it("because of a bug keeps nobody else's, is told with its place, and leaves once the bug is gone", async () => {
    let isBroken = true;
    const { mail, feature } = noteMail({
      name: "broken",
      compose: async (ctx, order) => {
        if (isBroken) throw new TypeError("that was nothing");
        return note.compose(ctx, order);
      },
    });
    await using t = await testAuth({ features: [...options.features, feature] });
    await enqueueMail(t.ctx, mail, "ada@example.org", { text: "Broken" });
    await enqueueMail(t.ctx, note, "bob@example.org", { text: "Whole" });
    const transport = transportOf();
    await sendAll(t, transport);
    assert.deepEqual(
      transport.seen.map(({ to }) => to),
      ["bob@example.org"],
    );
    const waiting = (await t.rows("outbox")).find(({ state }) => state === "waiting");
    assert.equal(waiting?.reply, "TypeError: that was nothing");
    assert.match(t.log.join("\n"), /a mail will be tried again.*that was nothing.*worker\.test\.ts/);
    isBroken = false;
    t.clock.advance("30s");
    await sendAll(t, transport);
    assert.equal(transport.seen.length, 2);
  });

  it("because its kind is known no more is given up", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, { ...note, name: "of-yore" }, "ada@example.org", { text: "Hello" });
    await sendAll(t, transportOf());
    const { state, reply } = await onlyRow(t);
    assert.deepEqual([state, reply], ["failed", "no such mail"]);
  });
});

describe("a mail written with an earlier secret", () => {
  const newSecret = `${testSecret}-newer`;
  for (const stage of ["ordered", "written"] as const) {
    it(`and only ${stage} leaves while that secret is a fallback, and is given up without it`, async () => {
      await using t = await testAuth(options);
      await enqueueMail(t.ctx, note, "ada@example.org", { text: "Hello" });
      await enqueueMail(t.ctx, note, "bob@example.org", { text: "Hello" });
      if (stage === "written") {
        await sendAll(t, unreachable());
        t.clock.advance("30s");
      }
      await using later = await t.restart({ secretKey: newSecret, secretKeyFallbacks: [testSecret] });
      const transport = transportOf();
      assert.equal(await sendNextMail(later.ctx, transport), true);
      assert.equal(transport.seen.length, 1);
      await using bare = await t.restart({ secretKey: newSecret });
      await sendAll(bare, transport);
      assert.equal(transport.seen.length, 1);
      const failed = (await t.rows("outbox")).find(({ state }) => state === "failed");
      assert.equal(failed?.reply, "sealed with another secret");
      assert.match(bare.log.join("\n"), /a mail was given up.*sealed with another secret/);
    });
  }
});
