/** Holds an account to so many sessions: which end, that nobody else's do, and that its owner is told. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, opens, payloadOf, refresh } from "../../testing/tokens.ts";

const three = { environment: { SESSIONS_PER_ACCOUNT: "3", RATE_LIMITS: "off" } };
const listPath = "/api/auth/sessions/";
const countListed = async (t: TestAuth, token: string) => (await t.http.get(listPath, { token })).body.length;
const surplusEvents = async (t: TestAuth) =>
  (await t.rows("audit")).filter((row) => row.event === "session.surplus_ended");
const noticesOf = async (t: TestAuth) => (await t.mailbox()).filter(({ mail }) => mail === "sessions-full");

describe("one session more than an account may have", () => {
  it("ends first one never used since it was opened, the oldest of these; then the one not used for longest", async () => {
    await using t = await testAuth(three);
    const ada = await t.person();
    const next = async () => {
      t.clock.advance("1m");
      return ada.signIn();
    };
    const phone = await next();
    const phonesNext = (await refresh(t, phone.refresh)).body;
    const [laptop, script] = [await next(), await next()];
    const fourth = await next();
    assert.equal(await isGood(t, laptop.refresh), false, "never used, and older than the script's");
    for (const one of [phonesNext, script, fourth]) assert.equal(await isGood(t, one.refresh), true);
    t.clock.advance("1m");
    const scriptsNext = (await refresh(t, script.refresh)).body;
    const fourthsNext = (await refresh(t, fourth.refresh)).body;
    const fifth = await next();
    assert.equal(
      await isGood(t, phonesNext.refresh),
      false,
      "all were used, and the phone's not for longest",
    );
    assert.equal(await opens(t, phonesNext.access), false);
    for (const one of [scriptsNext, fourthsNext, fifth]) assert.equal(await isGood(t, one.refresh), true);
  });

  it("ends at once, with its tokens, and no other account's", async () => {
    await using t = await testAuth(three);
    const [ada, bob] = [await t.person(), await t.person()];
    const bobs = await bob.signIn();
    const pairs = [];
    for (let n = 0; n < 5; n += 1) pairs.push(await ada.signIn());
    const alive = await Promise.all(pairs.map(({ refresh: token }) => isGood(t, token)));
    assert.equal(alive.filter(Boolean).length, 3);
    assert.equal(alive.at(-1), true, "the new one");
    assert.equal(await countListed(t, pairs.at(-1)?.access ?? ""), 3);
    assert.equal(await isGood(t, bobs.refresh), true);
    const dead = pairs[alive.indexOf(false)];
    assert.equal(await opens(t, dead?.access ?? ""), false);
    assert.equal((await refresh(t, dead?.refresh ?? "")).headers.get("x-refresh"), "revoked");
  });

  it("is recorded each time, and mailed to the owner once a day", async () => {
    await using t = await testAuth({ environment: { SESSIONS_PER_ACCOUNT: "3" } });
    const ada = await t.person({ email: "Ada@example.org" });
    for (let n = 0; n < 3; n += 1) await ada.signIn();
    assert.deepEqual([(await surplusEvents(t)).length, (await noticesOf(t)).length], [0, 0]);
    let last = await ada.signIn();
    for (let n = 0; n < 9; n += 1) last = await ada.signIn();
    const events = await surplusEvents(t);
    assert.equal(events.length, 10);
    const { sid, user_id: id } = payloadOf(last.access);
    assert.deepEqual(
      [events.at(-1)?.account_id, events.at(-1)?.details],
      [id, `{"session":"${sid}","ended":1}`],
    );
    assert.deepEqual(
      (await noticesOf(t)).map(({ to }) => to),
      ["Ada@example.org"],
    );
    t.clock.advance("1d");
    await ada.signIn();
    assert.equal((await noticesOf(t)).length, 2);
  });

  it("counts those that live: what is over makes room by itself", async () => {
    await using t = await testAuth({ environment: { ...three.environment, REFRESH_TOKEN_LIFETIME: "1d" } });
    const ada = await t.person();
    for (let n = 0; n < 3; n += 1) await ada.signIn();
    t.clock.advance("1d");
    for (let n = 0; n < 3; n += 1) await ada.signIn();
    assert.deepEqual(await surplusEvents(t), []);
  });

  it("ends as many as are too many where fewer are allowed than before", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const ada = await t.person();
    for (let n = 0; n < 6; n += 1) await ada.signIn();
    const { tokens } = t.ctx.config;
    await using stricter = await t.restart({ tokens: { ...tokens, sessionsPerAccount: 1 } });
    const { body } = await stricter.http.post("/api/auth/login/", {
      email: ada.email,
      password: ada.password,
    });
    assert.equal(await countListed(stricter, body.access), 1);
    assert.equal(JSON.parse(String((await surplusEvents(t))[0]?.details)).ended, 6);
  });

  it("is ended too where a token of simplejwt is exchanged for a session", async () => {
    await using t = await testAuth(three);
    const ada = await t.person();
    const pairs = [];
    for (let n = 0; n < 3; n += 1) pairs.push(await ada.signIn());
    const token = foreignToken(t, "refresh", payloadOf(pairs[0]?.access ?? "").user_id);
    const { access } = (await refresh(t, token)).body;
    assert.equal(await countListed(t, access), 3);
  });

  it("is ended of twenty at the same moment as of twenty in a row, on two nodes", async () => {
    await using t = await testAuth(three);
    await using other = await t.restart();
    const ada = await t.person();
    const body = { email: ada.email, password: ada.password };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? t : other).http.post("/api/auth/login/", body)),
    );
    for (const { status } of answers) assert.equal(status, 200);
    const alive = await Promise.all(answers.map((answer) => isGood(t, answer.body.refresh)));
    assert.equal(alive.filter(Boolean).length, 3);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(
      async (t) => {
        const ada = await t.person();
        await ada.signIn();
        return () => t.auth.login.withPassword(ada.email, ada.password);
      },
      { environment: { SESSIONS_PER_ACCOUNT: "1" } },
    );
  });
});

describe("sessions that ended", () => {
  it("leave a hundred rows of an account at the most, however often it signs in and out", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const ada = await t.person();
    const kept = await ada.signIn();
    for (let n = 0; n < 130; n += 1) {
      const { refresh: token } = await ada.signIn();
      await t.http.post("/api/auth/logout/", { refresh: token });
    }
    assert.ok((await t.rows("sessions")).length <= 1 + 100 + 1);
    assert.equal(await isGood(t, kept.refresh), true);
  });

  it("stay as long as the token of simplejwt that they were opened for: it cannot be exchanged again", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const ada = await t.person();
    const { access } = await ada.signIn();
    const token = foreignToken(t, "refresh", payloadOf(access).user_id);
    const exchanged = (await refresh(t, token)).body;
    await t.http.post("/api/auth/logout/", { refresh: exchanged.refresh });
    t.clock.advance("1s");
    for (let n = 0; n < 110; n += 1) {
      const { refresh: one } = await ada.signIn();
      await t.http.post("/api/auth/logout/", { refresh: one });
    }
    assert.equal((await refresh(t, token)).status, 401);
  });
});
