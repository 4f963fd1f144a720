import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFeatures } from "../../features.ts";
import { noteMail, transportOf } from "../../testing/mail.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { enqueueMail, mailAlarm } from "./outbox.ts";
import { MailUnreachable } from "./transports/transport.ts";
import { sendNextMail } from "./worker.ts";

const { mail: note, feature } = noteMail();
const options = { features: [...standardFeatures, feature] };

const resend = (t: TestAuth, email: string, from = "127.0.0.1") =>
  t.http.post("/api/auth/verify-email/resend/", { email }, { from });
const askReset = (t: TestAuth, email: string, from = "127.0.0.1") =>
  t.http.post("/api/auth/password/reset/request/", { email }, { from });

/** Mails of a kind that have left so far. */
async function countMails(t: TestAuth, kind: string): Promise<number> {
  return (await t.mailbox()).filter(({ mail }) => mail === kind).length;
}

describe("a mail put into the outbox", () => {
  it("goes with the transaction it was put there in, and wakes nobody", async () => {
    await using t = await testAuth(options);
    let rings = 0;
    mailAlarm(t.ctx).onRing(() => (rings += 1));
    const failing = t.ctx.transaction(async (ctx) => {
      await enqueueMail(ctx, note, "ada@example.org", { text: "Hello" });
      throw new Error("changed my mind");
    });
    await assert.rejects(failing, /changed my mind/);
    assert.deepEqual([await t.rows("outbox"), rings], [[], 0]);
    await t.ctx.transaction(async (ctx) => {
      await enqueueMail(ctx, note, "ada@example.org", { text: "Hello" });
      assert.equal(rings, 0, "not before the others can see it");
    });
    assert.deepEqual([(await t.rows("outbox")).length, rings], [1, 1]);
  });

  it("tells a reader of the database who gets it, and nothing of what it says, before and after it is written", async () => {
    await using t = await testAuth(options);
    const ada = await t.person({ email: "ada@example.org" });
    t.clock.advance("1h");
    await t.http.post(
      "/api/auth/password/reset/request/",
      { email: ada.email },
      {
        from: "203.0.113.7",
        headers: { "user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0" },
      },
    );
    const read = async () =>
      JSON.stringify((await t.rows("outbox")).filter(({ mail }) => mail === "reset-password"));
    const ordered = await read();
    const transport = transportOf(() => Promise.reject(new MailUnreachable("nobody answers")));
    await sendNextMail(t.ctx, transport);
    const written = await read();
    assert.notEqual(written, ordered);
    const text = transport.seen[0]?.text ?? "";
    const [token = ""] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text) ?? [];
    assert.ok(token);
    for (const row of [ordered, written]) {
      assert.equal(row.split("ada@example.org").length, 2, "once: the recipient");
      for (const secret of [token, "Windows", "Firefox", "203.0.113.7", "http", "/reset-password/"])
        assert.ok(!row.includes(secret), secret);
    }
  });

  it("leaves no word of what it said once it was sent", async () => {
    await using t = await testAuth(options);
    await t.person({ email: "ada@example.org", verified: false });
    assert.ok((await t.rows("outbox")).every(({ payload }) => typeof payload === "string"));
    await t.mailbox();
    const rows = await t.rows("outbox");
    assert.deepEqual(
      rows.map(({ state, payload, lease, leased_until }) => [state, payload, lease, leased_until]),
      [["sent", null, null, null]],
    );
    assert.match(String(rows[0]?.reply), /^250/);
  });

  it("that was moved to another row cannot be opened there", async () => {
    await using t = await testAuth(options);
    await enqueueMail(t.ctx, note, "ada@example.org", { text: "Secret" });
    const db = t.database.kysely.$extendTables<{ outbox: { id: string; recipient: string } }>();
    const moved = { id: "0b8f7c1e-5a43-4a8e-9d35-6f1d2f7b9c10", recipient: "eve@example.org" };
    await db.updateTable("outbox").set(moved).execute();
    const transport = transportOf();
    await sendNextMail(t.ctx, transport);
    assert.equal(transport.seen.length, 0);
    assert.equal((await t.rows("outbox"))[0]?.reply, "sealed with another secret");
  });

  it("to an address without an account is gone once the worker came to it, and counted nowhere", async () => {
    await using t = await testAuth(options);
    await askReset(t, "nobody@example.org");
    await resend(t, "nobody@example.org");
    assert.equal((await t.rows("outbox")).length, 2, "written down like any other");
    const before = await t.rows("limits");
    assert.deepEqual(await t.mailbox(), []);
    assert.deepEqual([await t.rows("outbox"), await t.rows("one_time_tokens")], [[], []]);
    assert.deepEqual(await t.rows("limits"), before);
  });
});

describe("the mails that an address gets", () => {
  it("are five of one kind in an hour and ten in a day, however they are asked for", async () => {
    await using t = await testAuth(options);
    await t.person({ email: "ada@example.org", verified: false });
    await t.mailbox();
    const askSeven = async (hour: number) => {
      for (let n = 0; n < 7; n += 1) {
        t.clock.advance("1m");
        await resend(t, n % 2 ? "ADA@Example.org" : "ada@example.org", `10.0.${hour}.${n}`);
        await t.mailbox();
      }
      return countMails(t, "verify-email");
    };
    assert.equal(await askSeven(0), 5);
    t.clock.advance("1h");
    assert.equal(await askSeven(1), 10);
    t.clock.advance("1h");
    assert.equal(await askSeven(2), 10);
    t.clock.advance("22h");
    assert.equal(await askSeven(3), 15);
    assert.ok((await t.rows("outbox")).every(({ state }) => state === "sent"));
  });

  it("are counted for each kind and each address alone", async () => {
    await using t = await testAuth(options);
    await t.person({ email: "ada@example.org" });
    await t.person({ email: "bob@example.org" });
    for (let n = 0; n < 8; n += 1) {
      await askReset(t, "ada@example.org", `10.0.0.${n}`);
      await t.mailbox();
      t.clock.advance("1m");
    }
    await askReset(t, "bob@example.org");
    await t.http.post("/api/auth/register/", {
      ...{ email: "ada@example.org", username: "another", first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-71", password2: "Blue-Harbour-71" },
    });
    assert.equal(await countMails(t, "reset-password"), 6);
    assert.equal(await countMails(t, "already-registered"), 1);
  });

  it("over the budget leave the last link as good as it was", async () => {
    await using t = await testAuth(options);
    const ada = await t.person({ email: "ada@example.org" });
    for (let n = 0; n < 9; n += 1) {
      await askReset(t, ada.email, `10.0.0.${n}`);
      await t.mailbox();
      t.clock.advance("1m");
    }
    const token = await t.linkToken("reset-password", ada.email);
    const chosen = { token, new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", chosen)).status, 200);
  });

  it("are not used up by a stranger who asks for them before there is an account", async () => {
    await using t = await testAuth(options);
    for (let n = 0; n < 12; n += 1) {
      await resend(t, "ada@example.org", `10.0.0.${n}`);
      await askReset(t, "ada@example.org", `10.0.1.${n}`);
    }
    await t.mailbox();
    await t.person({ email: "ada@example.org" });
    await askReset(t, "ada@example.org");
    assert.equal(await countMails(t, "reset-password"), 1);
  });

  it("are not used up by one that could not be written", async () => {
    let isBroken = true;
    const counted = noteMail({
      budget: [{ most: 1, within: 3_600_000 }],
      compose: async (ctx, order) => {
        if (isBroken) throw new Error("a bug");
        return note.compose(ctx, order);
      },
    });
    await using t = await testAuth({ features: [...standardFeatures, counted.feature] });
    await enqueueMail(t.ctx, counted.mail, "ada@example.org", { text: "Hello" });
    await t.mailbox();
    isBroken = false;
    t.clock.advance("30s");
    assert.equal((await t.mailbox()).length, 1);
  });

  it("are not counted at all where limits are switched off for a test", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    await t.person({ email: "ada@example.org", verified: false });
    for (let n = 0; n < 12; n += 1) await resend(t, "ada@example.org");
    assert.equal(await countMails(t, "verify-email"), 13);
  });
});
