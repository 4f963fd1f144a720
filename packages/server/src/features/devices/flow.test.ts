import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenInvalid } from "../../core/tokens/errors.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, opens, payloadOf, refresh } from "../../testing/tokens.ts";

const path = "/api/auth/sessions/";
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const unknownId = "00000000-0000-4000-8000-000000000000";

const revocations = async (t: TestAuth) =>
  (await t.happened()).filter((name) => name === "session.revoked").length;

describe("the list of sessions", () => {
  it("says where somebody is signed in, the session used last first, and which one asks", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const laptop = await ada.signIn({ headers: { "user-agent": firefox }, from: "198.51.100.7" });
    t.clock.advance("1h");
    const phone = await ada.signIn({ headers: { "user-agent": "curl/8" } });
    t.clock.advance("1h");
    await refresh(t, laptop.refresh);
    t.clock.advance("1m");
    const { access } = (await refresh(t, phone.refresh)).body;
    const list = await t.http.get(path, { token: access });
    assert.equal(list.status, 200);
    assert.deepEqual(
      list.body.map(({ id, current }: { id: string; current: boolean }) => [id, current]),
      [
        [payloadOf(phone.access).sid, true],
        [payloadOf(laptop.access).sid, false],
      ],
    );
    assert.deepEqual(list.body[1], {
      id: payloadOf(laptop.access).sid,
      device: "Unknown device",
      user_agent: "",
      address: "127.0.0.1",
      created_at: "2026-11-24T12:00:00.000Z",
      last_used_at: "2026-11-24T14:00:00.000Z",
      expires_at: "2026-12-01T14:00:00.000Z",
      current: false,
    });
  });

  it("names the device in the reader's language, from what it was used with last", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access } = await ada.signIn({ headers: { "user-agent": firefox }, from: "198.51.100.7" });
    const [one] = (await t.http.get(path, { token: access })).body;
    assert.deepEqual(
      [one.device, one.user_agent, one.address],
      ["Firefox on Linux", firefox, "198.51.100.7"],
    );
    const headers = { "accept-language": "pt-BR" };
    assert.equal((await t.http.get(path, { token: access, headers })).body[0].device, "Firefox no Linux");
  });

  it("holds no session that is over, no other account's, and nothing that lets anybody in", async () => {
    await using t = await testAuth();
    const [ada, bob] = [await t.person(), await t.person()];
    const over = await ada.signIn();
    await t.http.post("/api/auth/logout/", { refresh: over.refresh });
    await ada.signIn();
    t.clock.advance("7d");
    const [hers, his] = [await ada.signIn(), await bob.signIn()];
    const list = (await t.http.get(path, { token: hers.access })).body;
    assert.deepEqual(
      list.map((one: { id: string }) => one.id),
      [payloadOf(hers.access).sid],
    );
    const text = JSON.stringify(list);
    for (const secret of [hers.refresh, hers.access, payloadOf(hers.refresh).jti, hers.device])
      assert.ok(!text.includes(secret));
    for (const value of Object.values(list[0] as Record<string, unknown>)) {
      const token = String(value);
      await assert.rejects(t.auth.tokenRefresh.refresh(token), TokenInvalid);
      await assert.rejects(t.auth.tokenRefresh.verify(token), TokenInvalid);
    }
    assert.equal((await t.http.get(path, { token: his.access })).body.length, 1);
  });

  it("cuts a header of any length, and shows it as text", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access } = await ada.signIn({ headers: { "user-agent": `<b>${"x".repeat(5000)}` } });
    const [one] = (await t.http.get(path, { token: access })).body;
    assert.equal(one.user_agent.length, 300);
    assert.equal(one.device, "Unknown device");
  });

  it("has no current session for a token of simplejwt, which belongs to none", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    const token = foreignToken(t, "access", payloadOf(access).user_id);
    const list = (await t.http.get(path, { token })).body;
    assert.deepEqual(
      list.map((one: { current: boolean }) => one.current),
      [false],
    );
  });
});

describe("a long list of sessions", () => {
  /** Signs in so many times, and uses some of them after. */
  async function signInOften(t: TestAuth, times: number) {
    const ada = await t.person();
    const pairs = [];
    for (let n = 0; n < times; n += 1) {
      t.clock.advance(n % 3 ? 0 : 60_000);
      pairs.push(await ada.signIn());
    }
    return { ada, pairs, token: pairs.at(-1)?.access ?? "" };
  }

  it("comes in pages, each session once and in one order, also among those used at the same moment", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const { token, pairs } = await signInOften(t, 23);
    const whole = (await t.http.get(path, { token })).body.map(({ id }: { id: string }) => id);
    assert.equal(whole.length, 23);
    for (const limit of [1, 4, 22, 23, 100]) {
      const seen: string[] = [];
      let next: string | undefined = `?limit=${limit}`;
      let pages = 0;
      while (next !== undefined) {
        const answer = await t.http.get(path + next, { token });
        assert.ok(answer.body.length <= limit);
        seen.push(...answer.body.map(({ id }: { id: string }) => id));
        const link = answer.headers.get("link");
        next = link === null ? undefined : (/^<(\?[^>]+)>; rel="next"$/.exec(link)?.[1] ?? assert.fail(link));
        pages += 1;
      }
      assert.deepEqual(seen, whole, `in pages of ${limit}`);
      assert.equal(pages, Math.ceil(23 / limit));
    }
    assert.equal(new Set(whole).size, pairs.length);
  });

  it("has a hundred on a page, and says how many may be asked for and where pages begin", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off", SESSIONS_PER_ACCOUNT: "150" } });
    const { token } = await signInOften(t, 103);
    const first = await t.http.get(path, { token });
    assert.equal(first.body.length, 100);
    const next = /^<(\?cursor=[^>]+)>/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await t.http.get(path + next, { token });
    assert.deepEqual([second.body.length, second.headers.get("link")], [3, null]);
    for (const query of ["limit=0", "limit=101", "limit=-1", "limit=1e2", "limit=", "limit=ten"]) {
      const { status, body } = await t.http.get(`${path}?${query}`, { token });
      assert.deepEqual([status, body], [400, { limit: ["Ask for 1 to 100."] }], query);
    }
    for (const cursor of [
      "",
      "x",
      "1",
      "1.x",
      `-1.${unknownId}`,
      `9999999999999999.${unknownId}`,
      "%00",
      "1;drop",
    ]) {
      const { status, body } = await t.http.get(`${path}?cursor=${cursor}`, { token });
      assert.deepEqual([status, Object.keys(body)], [400, ["cursor"]], cursor);
    }
    const beyond = await t.http.get(`${path}?cursor=0.${unknownId}`, { token });
    assert.deepEqual([beyond.status, beyond.body], [200, []]);
  });

  it("reads those of one account that are not over, by an index, and no more of them than a page has", async () => {
    let [isWatching, read] = [false, ""];
    await using t = await testAuth({
      aroundStatement: (sql, run) => {
        if (isWatching && sql.includes('from "sessions" where')) read = sql;
        return run();
      },
    });
    const { access: token } = await (await t.person()).signIn();
    isWatching = true;
    assert.equal((await t.http.get(path, { token })).status, 200);
    assert.match(read, /"ended_at" is null.* limit /s);
  });
});

describe("signing one device out", () => {
  it("ends that session at once and no other, and is recorded", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const [here, there] = [await ada.signIn(), await ada.signIn()];
    const answer = await t.http.delete(`${path}${payloadOf(there.access).sid}/`, undefined, {
      token: here.access,
    });
    assert.deepEqual([answer.status, answer.body], [200, { detail: "The device has been signed out." }]);
    assert.equal(await opens(t, there.access), false);
    assert.equal((await refresh(t, there.refresh)).status, 401);
    assert.equal(await isGood(t, here.refresh), true);
    assert.equal((await t.http.get(path, { token: here.access })).body.length, 1);
    const row = (await t.rows("audit")).find((one) => one.event === "session.revoked");
    assert.deepEqual(JSON.parse(String(row?.details)), { session: payloadOf(there.access).sid });
  });

  it("may be this one", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    const headers = { "accept-language": "pt" };
    const own = `${path}${payloadOf(access).sid}/`;
    const answer = await t.http.delete(own, undefined, { token: access, headers });
    assert.deepEqual(answer.body, { detail: "O aparelho foi desconectado." });
    assert.equal((await t.http.delete(own, undefined, { token: access })).status, 401);
  });

  it("never reaches somebody else's: that answers as an unknown one does, and changes nothing", async () => {
    await using t = await testAuth();
    const [ada, bob] = [await (await t.person()).signIn(), await (await t.person()).signIn()];
    const before = await t.rows("sessions");
    const bobs = payloadOf(bob.access).sid;
    for (const id of [
      bobs,
      unknownId,
      bobs.toUpperCase(),
      "x",
      "%27",
      "1;drop",
      "_proto_",
      "a".repeat(2000),
    ]) {
      const answer = await t.http.delete(`${path}${id}/`, undefined, { token: ada.access });
      assert.deepEqual([answer.status, answer.body], [404, { detail: "Not found." }], id);
    }
    assert.deepEqual(await t.rows("sessions"), before);
    assert.equal(await opens(t, bob.access), true);
    assert.equal(await revocations(t), 0);
  });

  it("is done once, of ten at the same moment", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const [here, there] = [await ada.signIn(), await ada.signIn()];
    const target = `${path}${payloadOf(there.access).sid}/`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => t.http.delete(target, undefined, { token: here.access })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status }) => status === 404).length, 9);
    assert.equal(await revocations(t), 1);
  });

  it("asks for a token, and answers no other method", async () => {
    await using t = await testAuth();
    assert.equal((await t.http.get(path)).status, 401);
    assert.equal((await t.http.delete(`${path}${unknownId}/`)).status, 401);
    assert.equal((await t.http.get(`${path}${unknownId}/`)).status, 405);
    assert.equal((await t.http.delete(path)).status, 405);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const { access } = await (await t.person()).signIn();
      const headers = { authorization: `Bearer ${access}` };
      const caller = await t.auth.authenticate(new Request("http://localhost:8000/", { headers }));
      return () => t.auth.devices.end(caller, payloadOf(access).sid);
    });
  });
});
