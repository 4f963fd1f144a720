import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { disableAccount, enableAccount } from "../../core/accounts/disabling.ts";
import { TokenInvalid } from "../../core/tokens/errors.ts";
import { rounds } from "../../testing/rounds.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { isGood, opens, payloadOf, refresh, sign } from "../../testing/tokens.ts";

const key = "0123456789abcdef0123456789abcdef";
const mailsOf = async (t: TestAuth, kind: string) =>
  (await t.mailbox()).filter((one) => one.mail === kind).length;
const timesOf = async (t: TestAuth, name: string) =>
  (await t.happened()).filter((one) => one === name).length;
/** What the answer's header and status say. */
const fate = ({ headers, status }: { headers: Headers; status: number }) => [
  status,
  headers.get("x-refresh"),
];

describe("a refresh token", () => {
  it("is traded for a new pair, and the pair before goes on only as far as it must", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const first = await ada.signIn();
    t.clock.advance("5m");
    const answer = await refresh(t, first.refresh);
    assert.deepEqual(fate(answer), [200, "rotated"]);
    assert.deepEqual(Object.keys(answer.body), ["access", "refresh"]);
    assert.notEqual(answer.body.refresh, first.refresh);
    assert.equal(await isGood(t, answer.body.refresh), true);
    assert.equal(await isGood(t, first.refresh), false);
    // One session, one row: an access token that is already out there lives on.
    assert.equal(await opens(t, first.access), true);
    assert.equal((await t.rows("sessions")).length, 1);
  });

  it("keeps who it is and how that was proved: nothing gets fresher by refreshing", async () => {
    await using t = await testAuth();
    const first = await (await t.person()).signIn();
    const before = payloadOf(first.access);
    t.clock.advance("3h");
    const after = payloadOf((await refresh(t, first.refresh)).body.access);
    for (const name of ["user_id", "sid", "auth_time", "amr", "iss"])
      assert.deepEqual(after[name], before[name]);
    assert.equal(after.iat, before.iat + 3 * 3600);
    assert.notEqual(after.jti, before.jti);
  });

  it("is known by its session and a number that nobody can guess, and is not kept", async () => {
    await using t = await testAuth();
    const { refresh: token, access } = await (await t.person()).signIn();
    const { jti, sid } = payloadOf(token);
    assert.match(jti, /^[0-9a-f]{32}$/);
    const stored = JSON.stringify(await t.rows("sessions"));
    for (const secret of [token, jti, token.split(".")[2] ?? "?"]) assert.ok(!stored.includes(secret));
    // Nothing that is stored lets anybody in.
    const [row = {}] = await t.rows("sessions");
    for (const value of Object.values(row)) {
      if (typeof value !== "string" || value === "") continue;
      await assert.rejects(t.auth.tokenRefresh.refresh(value), TokenInvalid);
      assert.equal((await t.http.get("/api/auth/profile/", { token: value })).status, 401);
    }
    assert.equal(payloadOf(access).sid, sid);
  });

  it("opens no door for access, and an access token is no refresh token", async () => {
    await using t = await testAuth();
    const { access, refresh: token } = await (await t.person()).signIn();
    const swapped = await refresh(t, access);
    assert.deepEqual(swapped.body, { detail: "Token has wrong type", code: "token_not_valid" });
    assert.equal(swapped.headers.get("x-refresh"), "invalid");
    const door = await t.http.get("/api/auth/profile/", { token });
    assert.equal(door.status, 401);
    assert.equal(door.body.messages[0].message, "Token has wrong type");
  });

  it("counts for its own session alone, whatever else is sent or claimed", async () => {
    await using t = await testAuth();
    const [ada, bob] = [await (await t.person()).signIn(), await (await t.person()).signIn()];
    const mixed = await t.http.post(
      "/api/auth/token/refresh/",
      { refresh: ada.refresh },
      { token: bob.access },
    );
    assert.equal(payloadOf(mixed.body.access).user_id, payloadOf(ada.access).user_id);
    // Only who has the key could make these: even then the session's own account and number are asked for.
    const claims = payloadOf(mixed.body.refresh);
    const forged = [
      { ...claims, user_id: payloadOf(bob.access).user_id },
      { ...claims, seq: undefined },
      { ...claims, seq: claims.seq + 1 },
      { ...claims, sid: payloadOf(bob.access).sid, seq: 0 },
    ];
    for (const one of forged) assert.deepEqual(fate(await refresh(t, sign(one))), [401, "invalid"]);
    assert.equal(await isGood(t, mixed.body.refresh), true, "none of it ended the session");
    assert.equal(await isGood(t, bob.refresh), true);
  });

  it("carries what its account says now, not what it said then", async () => {
    await using t = await testAuth({
      environment: { TOKEN_CLAIMS: "plan" },
      fields: { plan: { type: "text", default: "free" } },
    });
    const first = await (await t.person()).signIn();
    assert.equal(payloadOf(first.access).plan, "free");
    await t.http.patch("/api/auth/profile/", { plan: "pro" }, { token: first.access });
    assert.equal(payloadOf((await refresh(t, first.refresh)).body.access).plan, "pro");
  });
});

describe("the token one behind", () => {
  it("gets what a call that failed half-way did not give, whichever statement failed", async () => {
    await sweep(
      async (t) => {
        const { refresh: token } = await (await t.person()).signIn();
        return () => t.auth.tokenRefresh.refresh(token);
      },
      { mayLeaveTraces: true },
    );
  });

  it("gets the same successor, byte for byte, as long as it lives itself and nobody used that successor", async () => {
    await using t = await testAuth();
    const { refresh: token } = await (await t.person()).signIn();
    const next = (await refresh(t, token)).body;
    for (const wait of [0, 30_000, 1, 86_400_000, 6 * 86_400_000 - 30_002]) {
      t.clock.advance(wait);
      const again = await refresh(t, token);
      assert.deepEqual(fate(again), [200, "replayed"], `after ${wait} more`);
      assert.equal(again.body.refresh, next.refresh);
      assert.notEqual(again.body.access, next.access);
    }
    t.clock.advance(1);
    assert.deepEqual(fate(await refresh(t, token)), [401, "expired"]);
    assert.equal(await timesOf(t, "session.refresh_token_reused"), 0);
  });

  it("gets the same successor late at twenty calls at the same moment, in two processes", async () => {
    await using t = await testAuth();
    await using other = await t.restart();
    const { refresh: token } = await (await t.person()).signIn();
    const next = (await refresh(t, token)).body;
    t.clock.advance("2h");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refresh(n % 2 ? t : other, token)),
    );
    for (const answer of answers) {
      assert.deepEqual([...fate(answer), answer.body.refresh], [200, "replayed", next.refresh]);
    }
  });

  it("is a stolen one as soon as the successor was used, be it a moment ago", async () => {
    for (const wait of ["1s", "31s", "2h"] as const) {
      await using t = await testAuth();
      const { refresh: token } = await (await t.person()).signIn();
      const next = (await refresh(t, token)).body;
      const third = (await refresh(t, next.refresh)).body;
      t.clock.advance(wait);
      assert.deepEqual(fate(await refresh(t, token)), [401, "reused"], wait);
      assert.equal(await isGood(t, third.refresh), false);
    }
  });

  it("ends the session with the next exchange but one, when its owner came late and a thief had been first", async () => {
    for (const isThiefFirst of [true, false]) {
      await using t = await testAuth();
      const { refresh: stolen } = await (await t.person()).signIn();
      const thiefs = (await refresh(t, stolen)).body;
      t.clock.advance("10m");
      const owners = (await refresh(t, stolen)).body;
      assert.equal(owners.refresh, thiefs.refresh, "the answer may have been lost");
      t.clock.advance("10m");
      const [one, other] = isThiefFirst ? [thiefs, owners] : [owners, thiefs];
      const next = await refresh(t, one.refresh);
      assert.deepEqual(fate(next), [200, "rotated"]);
      t.clock.advance("31s");
      assert.deepEqual(fate(await refresh(t, other.refresh)), [401, "reused"]);
      for (const dead of [next.body.refresh, next.body.access]) assert.equal(await isGood(t, dead), false);
      assert.equal(await mailsOf(t, "session-reuse"), 1);
    }
  });

  it("gets a lost answer late again after one that was used, but never twice in a row", async () => {
    await using t = await testAuth();
    let { refresh: token } = await (await t.person()).signIn();
    for (let round = 0; round < 4; round += 1) {
      await refresh(t, token);
      t.clock.advance("1h");
      token = (await refresh(t, token)).body.refresh;
      const answer = await refresh(t, token);
      assert.deepEqual(fate(answer), [200, "rotated"]);
      token = answer.body.refresh;
    }
    await refresh(t, token);
    t.clock.advance("1h");
    const recovered = (await refresh(t, token)).body.refresh;
    await refresh(t, recovered);
    t.clock.advance("31s");
    assert.deepEqual(fate(await refresh(t, recovered)), [401, "reused"], "two walk side by side");
  });

  it("leaves one line that lives, when a lost answer is asked for while somebody uses the successor", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const ada = await t.person();
    for (let round = 0; round < rounds(10, 100); round += 1) {
      const { refresh: token } = await ada.signIn();
      const next = (await refresh(t, token)).body;
      t.clock.advance("1h");
      const calls = [() => refresh(t, token), () => refresh(t, next.refresh), () => refresh(t, token)];
      const answers = await Promise.all((round % 2 ? calls : calls.toReversed()).map((call) => call()));
      const given = answers.flatMap(({ status, body }) => (status === 200 ? [body.refresh as string] : []));
      const good = await Promise.all([...new Set(given)].map((one) => isGood(t, one)));
      const wasReused = answers.some((answer) => answer.headers.get("x-refresh") === "reused");
      assert.equal(good.filter(Boolean).length, wasReused ? 0 : 1);
    }
  });

  it("gets nothing any more once its session was ended", async () => {
    await using t = await testAuth();
    const { refresh: token } = await (await t.person()).signIn();
    const next = (await refresh(t, token)).body;
    await t.http.post("/api/auth/logout/", { refresh: next.refresh });
    const answer = await refresh(t, token);
    assert.deepEqual(fate(answer), [401, "revoked"]);
    assert.deepEqual(answer.body, { detail: "Token is blacklisted", code: "token_not_valid" });
    assert.equal(await timesOf(t, "session.refresh_token_reused"), 0);
  });

  it("gets a lost answer again as often as it is lost, from who has the key of the request", async () => {
    await using t = await testAuth();
    let { refresh: token } = await (await t.person()).signIn();
    for (let round = 0; round < 3; round += 1) {
      const next = (await refresh(t, token, key)).body;
      for (let n = 0; n < 2; n += 1) {
        t.clock.advance("25h");
        const again = await refresh(t, token, key);
        assert.deepEqual(fate(again), [200, "replayed"]);
        assert.equal(again.body.refresh, next.refresh);
      }
      token = next.refresh;
    }
  });

  for (const [who, other] of [
    ["who has no key", undefined],
    ["who has another key", "fedcba9876543210fedcba9876543210"],
    ["whose key is too short to be a secret", "0123456789abcde"],
  ] as const) {
    it(`is a stolen one after 30 seconds in the hands of somebody ${who}, where the request had one`, async () => {
      await using t = await testAuth();
      const { refresh: token } = await (await t.person()).signIn();
      const next = (await refresh(t, token, key)).body;
      t.clock.advance(30_000);
      assert.deepEqual(fate(await refresh(t, token, other)), [200, "replayed"]);
      t.clock.advance(1);
      assert.deepEqual(fate(await refresh(t, token, other)), [401, "reused"]);
      assert.equal(await isGood(t, next.refresh), false);
    });
  }

  it("gets no lost answer once the successor was used: the answer had arrived", async () => {
    await using t = await testAuth();
    const { refresh: token } = await (await t.person()).signIn();
    const next = (await refresh(t, token, key)).body;
    await refresh(t, next.refresh, "another-key-of-16-characters");
    assert.deepEqual(fate(await refresh(t, token, key)), [401, "reused"]);
  });

  it("finds the same answer in another process, which was started since", async () => {
    await using t = await testAuth();
    const { refresh: token } = await (await t.person()).signIn();
    const next = (await refresh(t, token, key)).body;
    t.clock.advance("2h");
    await using restarted = await t.restart();
    assert.equal((await refresh(restarted, token, key)).body.refresh, next.refresh);
  });
});

describe("an older token", () => {
  it("ends the session with its newest token, is recorded and mailed once, of 20 at the same moment", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { refresh: token, access } = await ada.signIn();
    const other = await ada.signIn();
    const second = (await refresh(t, token)).body;
    const third = (await refresh(t, second.refresh)).body;
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(t, token)));
    for (const answer of answers) assert.equal(answer.status, 401);
    const fates = answers.map((answer) => answer.headers.get("x-refresh"));
    assert.ok(fates.includes("reused"));
    assert.ok(fates.every((one) => one === "reused" || one === "revoked"));
    for (const dead of [token, second.refresh, third.refresh, access, third.access])
      assert.equal(await isGood(t, dead), false);
    assert.equal(await isGood(t, other.refresh), true, "another device is not concerned");
    assert.equal(await timesOf(t, "session.refresh_token_reused"), 1);
    assert.equal(await mailsOf(t, "session-reuse"), 1);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const { refresh: token } = await (await t.person()).signIn();
      await refresh(t, (await refresh(t, token)).body.refresh);
      return async () => {
        const { status } = await refresh(t, token);
        if (status >= 500) throw new Error("It failed.");
      };
    });
  });

  it("gets the current one where old clients are let converge, for a day after it was made", async () => {
    await using t = await testAuth({ environment: { REFRESH_TOKEN_REUSE: "converge" } });
    const { refresh: token } = await (await t.person()).signIn();
    t.clock.advance("1h");
    const second = (await refresh(t, token)).body;
    t.clock.advance("1h");
    const third = (await refresh(t, second.refresh)).body;
    t.clock.advance("22h");
    const old = await refresh(t, token);
    assert.deepEqual(fate(old), [200, "converged"]);
    assert.equal(old.body.refresh, third.refresh);
    assert.equal(await timesOf(t, "session.converged"), 1);
    t.clock.advance(1);
    assert.deepEqual(fate(await refresh(t, token)), [401, "reused"]);
    assert.equal(await isGood(t, third.refresh), false);
  });

  it("never converges once the session was ended", async () => {
    await using t = await testAuth({ environment: { REFRESH_TOKEN_REUSE: "converge" } });
    const { refresh: token } = await (await t.person()).signIn();
    const second = (await refresh(t, token)).body;
    await refresh(t, second.refresh);
    await t.http.post("/api/auth/logout/", { refresh: second.refresh });
    assert.deepEqual(fate(await refresh(t, token)), [401, "revoked"]);
  });
});

describe("how long a session lasts", () => {
  it("ends when it was not used for REFRESH_TOKEN_LIFETIME, to the millisecond", async () => {
    await using t = await testAuth({ environment: { REFRESH_TOKEN_LIFETIME: "2d" } });
    const ada = await t.person();
    // In the middle of a second: the token itself, in whole ones, says a later end than the session's.
    t.clock.advance(250);
    const [used, idle] = [await ada.signIn(), await ada.signIn()];
    t.clock.advance(2 * 86_400_000 - 1);
    const next = await refresh(t, used.refresh);
    assert.equal(next.status, 200);
    t.clock.advance(1);
    assert.deepEqual(fate(await refresh(t, idle.refresh)), [401, "expired"]);
    assert.equal(await isGood(t, idle.refresh), false);
    assert.equal(await isGood(t, next.body.refresh), true);
    t.clock.advance("1h");
    assert.deepEqual(fate(await refresh(t, idle.refresh)), [401, "expired"]);
  });

  it("ends after SESSION_LIFETIME however much it is used: no rotation moves the end", async () => {
    await using t = await testAuth({
      environment: { REFRESH_TOKEN_LIFETIME: "2d", SESSION_LIFETIME: "5d" },
    });
    let { refresh: token, access } = await (await t.person()).signIn();
    for (let day = 0; day < 4; day += 1) {
      t.clock.advance("1d");
      ({ refresh: token, access } = (await refresh(t, token)).body);
    }
    t.clock.advance(86_400_000 - 60_000);
    ({ refresh: token, access } = (await refresh(t, token)).body);
    const end = Math.floor(t.clock.now().getTime() / 1000) + 60;
    assert.equal(payloadOf(token).exp, end);
    assert.equal(payloadOf(access).exp, end, "an access token does not outlive its session");
    t.clock.advance(60_000);
    assert.deepEqual(fate(await refresh(t, token)), [401, "expired"]);
    assert.equal(await opens(t, access), false);
    assert.equal(await isGood(t, access), false);
  });

  it("takes the access token along when it ends unused", async () => {
    await using t = await testAuth({
      environment: { REFRESH_TOKEN_LIFETIME: "5m", ACCESS_TOKEN_LIFETIME: "1h" },
    });
    const { access } = await (await t.person()).signIn();
    t.clock.advance(299_999);
    assert.equal(await opens(t, access), true);
    t.clock.advance(1);
    assert.equal(await opens(t, access), false);
  });
});

describe("an account that may not be used any more", () => {
  it("gets no tokens while it is disabled, and none of the old ones afterwards", async () => {
    await using t = await testAuth();
    const { refresh: token, access } = await (await t.person()).signIn();
    const id = payloadOf(token).user_id;
    const next = (await refresh(t, token)).body;
    await disableAccount(t.ctx, id);
    for (const one of [token, next.refresh]) assert.equal((await refresh(t, one)).status, 401);
    await enableAccount(t.ctx, id);
    for (const one of [token, next.refresh]) assert.deepEqual(fate(await refresh(t, one)), [401, "revoked"]);
    assert.equal(await opens(t, access), false);
  });

  it("gets none when its row alone says so", async () => {
    await using t = await testAuth();
    const { refresh: token, access } = await (await t.person()).signIn();
    await setDisabled(t, t.clock.now().getTime());
    assert.deepEqual(fate(await refresh(t, token)), [401, "revoked"]);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).body.code, "user_inactive");
    assert.equal(payloadOf(token).seq, 0);
    assert.deepEqual(
      (await t.rows("sessions")).map((row) => row.counter),
      [0],
      "and is not moved on",
    );
  });

  it("gets none once it was deleted", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { refresh: token, access } = await ada.signIn();
    await t.http.delete("/api/auth/account/", { password: ada.password }, { token: access });
    assert.deepEqual(fate(await refresh(t, token)), [401, "revoked"]);
  });
});

async function setDisabled(t: TestAuth, at: number): Promise<void> {
  const db = t.database.kysely.$extendTables<{ accounts: { disabled_at: number | null } }>();
  await db.updateTable("accounts").set({ disabled_at: at }).execute();
}

describe("many refreshes", () => {
  it("leave one row and no trail, however many they are", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    let { refresh: token } = await (await t.person()).signIn();
    const before = await t.snapshot();
    const count = rounds(1000, 10_000);
    for (let n = 0; n < count; n += 1) {
      t.clock.advance(1000);
      token = (await t.auth.tokenRefresh.refresh(token)).refresh;
    }
    const after = await t.snapshot();
    assert.equal(payloadOf(token).seq, count);
    for (const [table, rows] of Object.entries(before))
      assert.equal(after[table]?.length, rows.length, table);
  });
});
