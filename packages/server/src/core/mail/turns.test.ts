import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFeatures } from "../../features.ts";
import { hours, minutes } from "../../platform/duration.ts";
import { noteMail, transportOf } from "../../testing/mail.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import type { Context } from "../context.ts";
import { passwordChangedMail } from "../passwords/mail.ts";
import { mailBudget } from "./budget.ts";
import { enqueueMail } from "./outbox.ts";
import { sendNextMail } from "./worker.ts";

const awaited = noteMail({ name: "link", isAwaited: true });
const notice = noteMail({ name: "notice", isAwaited: false });
const options = { features: [...standardFeatures, awaited.feature, notice.feature] };

const from = (ctx: Context, address: string): Context => ({ ...ctx, request: { ...ctx.request, address } });

/** Who gets what is in the outbox, in the order in which it leaves. */
async function sendAll(t: TestAuth): Promise<string[]> {
  const transport = transportOf();
  while (await sendNextMail(t.ctx, transport));
  return transport.seen.map(({ to }) => to);
}

async function order(t: TestAuth, mail: typeof notice.mail, to: string, address: string): Promise<void> {
  await enqueueMail(from(t.ctx, address), mail, to, { text: "Hello" });
  t.clock.advance(1);
}

describe("the order in which mail leaves", () => {
  it("puts what somebody waits for before what merely tells", async () => {
    await using t = await testAuth(options);
    for (let n = 0; n < 3; n += 1) await order(t, notice.mail, `owner${n}@example.org`, `10.0.0.${n}`);
    await order(t, awaited.mail, "ada@example.org", "10.0.1.1");
    assert.deepEqual(await sendAll(t), ["ada@example.org", ...[0, 1, 2].map((n) => `owner${n}@example.org`)]);
  });

  it("lets the addresses that ask take turns, however much one of them asks for", async () => {
    await using t = await testAuth(options);
    for (let n = 0; n < 5; n += 1) await order(t, awaited.mail, `thief${n}@example.org`, "10.0.0.1");
    await order(t, awaited.mail, "ada@example.org", "10.0.0.2");
    await order(t, awaited.mail, "bob@example.org", "10.0.0.2");
    assert.deepEqual(await sendAll(t), [
      ...["thief0@example.org", "ada@example.org", "thief1@example.org", "bob@example.org"],
      ...[2, 3, 4].map((n) => `thief${n}@example.org`),
    ]);
  });

  it("counts an IPv6 customer once, whatever address of theirs is used", async () => {
    await using t = await testAuth(options);
    for (let n = 1; n <= 3; n += 1) await order(t, awaited.mail, `thief${n}@example.org`, `2001:db8::${n}`);
    await order(t, awaited.mail, "ada@example.org", "10.0.0.2");
    assert.equal((await sendAll(t))[1], "ada@example.org");
  });

  it("lets recipients take turns, from wherever their mail is asked for", async () => {
    await using t = await testAuth(options);
    for (let n = 0; n < 4; n += 1) await order(t, notice.mail, "thief@example.org", `10.0.0.${n}`);
    await order(t, notice.mail, "ada@example.org", "10.0.1.1");
    assert.deepEqual((await sendAll(t)).slice(0, 2), ["thief@example.org", "ada@example.org"]);
  });

  it("is that of arrival where nobody asks for more than others, and begins anew when all has left", async () => {
    await using t = await testAuth(options);
    const names = ["carol@example.org", "ada@example.org", "bob@example.org"];
    for (const round of [1, 2]) {
      for (const [n, to] of names.entries()) await order(t, awaited.mail, to, `10.0.${round}.${n}`);
      assert.ok((await t.rows("outbox")).every(({ state, turn }) => state === "sent" || turn === 1));
      assert.deepEqual(await sendAll(t), names);
    }
  });

  it("keeps a stranger's reset mail before all that six accounts of one address do to each other", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    await t.person({ email: "ada@example.org" });
    const thieves: { readonly access: string }[] = [];
    for (let n = 0; n < 6; n += 1) {
      const thief = await t.person({ email: `thief${n}@example.org`, password: "Blue-Harbour-71" });
      thieves.push(await thief.signIn());
    }
    await t.mailbox();
    for (const { access } of thieves) {
      for (const [current, next] of [
        ["Blue-Harbour-71", "Green-Valley-82"],
        ["Green-Valley-82", "Blue-Harbour-71"],
      ] as const) {
        const change = { current_password: current, new_password: next, new_password_confirm: next };
        const changed = await t.http.post("/api/auth/password/change/", change, {
          token: access,
          from: "10.0.0.1",
        });
        assert.equal(changed.status, 200, changed.text);
      }
    }
    await t.http.post(
      "/api/auth/password/reset/request/",
      { email: "ada@example.org" },
      { from: "10.0.0.2" },
    );
    const waiting = (await t.rows("outbox")).filter(({ state }) => state === "waiting");
    assert.equal(waiting.length, 13);
    assert.equal((await sendAll(t))[0], "ada@example.org");
  });
});

describe("who asked for a mail", () => {
  it("is kept as a fingerprint that tells no address, and no longer than the mail waits", async () => {
    await using t = await testAuth(options);
    await order(t, awaited.mail, "ada@example.org", "203.0.113.7");
    await order(t, awaited.mail, "bob@example.org", "203.0.113.7");
    await order(t, awaited.mail, "carol@example.org", "203.0.113.8");
    await enqueueMail(t.ctx, awaited.mail, "dan@example.org", { text: "Hello" });
    const rows = await t.rows("outbox");
    const causeOf = (to: string) => rows.find(({ recipient }) => recipient === to)?.caused_by;
    assert.match(String(causeOf("ada@example.org")), /^[\w-]{24}$/);
    assert.equal(causeOf("ada@example.org"), causeOf("bob@example.org"));
    assert.notEqual(causeOf("ada@example.org"), causeOf("carol@example.org"));
    assert.equal(causeOf("dan@example.org"), null, "nobody's address");
    assert.doesNotMatch(JSON.stringify(rows), /203\.0\.113/);
    await sendAll(t);
    for (const { state, caused_by } of await t.rows("outbox"))
      assert.deepEqual([state, caused_by], ["sent", null]);
  });
});

describe("what merely tells, over the budget", () => {
  const told = noteMail({
    name: "told",
    budget: mailBudget,
    isAwaited: false,
    isToldLater: true,
    worthSendingFor: () => hours(48),
  });
  const toldOptions = { features: [...standardFeatures, told.feature] };

  async function tellEvery(t: TestAuth, times: number): Promise<string[]> {
    const transport = transportOf();
    for (let n = 1; n <= times; n += 1) {
      await enqueueMail(t.ctx, told.mail, "ada@example.org", { text: `time ${n}` });
      while (await sendNextMail(t.ctx, transport));
      t.clock.advance(minutes(1));
    }
    t.clock.advance(hours(1));
    while (await sendNextMail(t.ctx, transport));
    return transport.seen.map(({ text }) => /time \d+/.exec(text)?.[0] ?? text);
  }

  it("is told once more when there is something left: what happened last", async () => {
    await using t = await testAuth(toldOptions);
    assert.deepEqual(await tellEvery(t, 9), ["time 1", "time 2", "time 3", "time 4", "time 5", "time 9"]);
    assert.equal((await t.rows("outbox")).length, 6, "nothing else waits");
  });

  it("is told later at once in one, also when a hundred came together", async () => {
    await using t = await testAuth(toldOptions);
    for (let n = 1; n <= 100; n += 1) {
      await enqueueMail(t.ctx, told.mail, "ada@example.org", { text: `time ${n}` });
      t.clock.advance(1);
    }
    const transport = transportOf();
    while (await sendNextMail(t.ctx, transport));
    assert.equal(transport.seen.length, 5);
    const [waiting, ...more] = (await t.rows("outbox")).filter(({ state }) => state === "waiting");
    assert.deepEqual([waiting?.attempts, more], [0, []]);
    t.clock.advance(hours(1));
    while (await sendNextMail(t.ctx, transport));
    assert.match(transport.seen.at(-1)?.text ?? "", /time 100/);
  });

  it("is not told when that would come too late", async () => {
    const brief = noteMail({
      name: "brief",
      budget: [{ most: 1, within: hours(24) }],
      isToldLater: true,
      worthSendingFor: () => minutes(15),
    });
    await using t = await testAuth({ features: [...standardFeatures, brief.feature] });
    for (let n = 0; n < 2; n += 1) await enqueueMail(t.ctx, brief.mail, "ada@example.org", { text: "Hello" });
    await sendAll(t);
    assert.deepEqual(
      (await t.rows("outbox")).map(({ state }) => state),
      ["sent"],
    );
  });

  it("holds for a changed password: the owner is told at once, five times an hour, and of the last change", async () => {
    await using t = await testAuth();
    const ada = await t.person({ email: "ada@example.org" });
    await t.mailbox();
    for (let n = 0; n < 8; n += 1) {
      await enqueueMail(from(t.ctx, `203.0.113.${n}`), passwordChangedMail, ada.email, {});
      await t.mailbox();
      t.clock.advance(minutes(1));
    }
    const changes = async () => (await t.mailbox()).filter(({ mail }) => mail === "password-changed");
    assert.equal((await changes()).length, 5);
    t.clock.advance(hours(1));
    const all = await changes();
    assert.equal(all.length, 6);
    assert.match(all.at(-1)?.text ?? "", /203\.0\.113\.7/);
  });
});
