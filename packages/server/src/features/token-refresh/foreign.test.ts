import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Feature } from "../../core/feature.ts";
import { keepHouse } from "../../core/housekeeping.ts";
import { CredentialsInvalid, type SignInGate } from "../../core/sign-in/gates.ts";
import { standardFeatures } from "../../features.ts";
import type { Person } from "../../testing/people.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, opens, payloadOf, refresh } from "../../testing/tokens.ts";

const key = "0123456789abcdef0123456789abcdef";
const header = (answer: { headers: Headers }) => answer.headers.get("x-refresh");

async function idOf(person: Person): Promise<string> {
  return (await person.login()).body.user.id;
}

async function sessionCount(t: TestAuth): Promise<number> {
  return (await t.rows("sessions")).length;
}

describe("a refresh token of simplejwt", () => {
  it("is exchanged for a session of ours, which then goes on like any other", async () => {
    await using t = await testAuth();
    const id = await idOf(await t.person());
    const token = foreignToken(t, "refresh", id);
    t.clock.advance("2h");
    assert.equal(await isGood(t, token), true);
    const answer = await refresh(t, token);
    assert.deepEqual([answer.status, header(answer)], [200, "rotated"]);
    const claims = payloadOf(answer.body.refresh);
    assert.equal(claims.user_id, id);
    assert.equal(claims.auth_time, payloadOf(token).iat, "it is no fresher than it was");
    assert.ok(await opens(t, answer.body.access));
    assert.equal((await t.happened()).at(-1), "session.exchanged");
    assert.equal(await isGood(t, token), false, "it is used up");
    assert.equal((await refresh(t, answer.body.refresh)).status, 200);
  });

  it("makes one session, of 20 exchanges at the same moment, and all get the same successor", async () => {
    await using t = await testAuth();
    const token = foreignToken(t, "refresh", await idOf(await t.person()));
    const before = await sessionCount(t);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(t, token)));
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
    assert.equal(new Set(answers.map((answer) => answer.body.refresh)).size, 1);
    assert.equal(answers.filter((answer) => header(answer) === "rotated").length, 1);
    assert.equal(await sessionCount(t), before + 1);
  });

  it("is judged like the token one behind after that: replayed until the successor was used, then a stolen one", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const token = foreignToken(t, "refresh", await idOf(ada));
    const next = (await refresh(t, token)).body;
    t.clock.advance("1h");
    const again = await refresh(t, token);
    assert.deepEqual([header(again), again.body.refresh], ["replayed", next.refresh]);
    const third = (await refresh(t, next.refresh)).body;
    assert.equal(header(await refresh(t, token)), "reused");
    assert.equal(await isGood(t, third.refresh), false);
    assert.equal(header(await refresh(t, token)), "revoked");
  });

  it("gets a lost answer again with the key of the request, and ends the session without it", async () => {
    await using t = await testAuth();
    const token = foreignToken(t, "refresh", await idOf(await t.person()));
    const next = (await refresh(t, token, key)).body;
    t.clock.advance("25h");
    const again = await refresh(t, token, key);
    assert.deepEqual([header(again), again.body.refresh], ["replayed", next.refresh]);
    assert.equal(header(await refresh(t, token)), "reused");
  });

  it("gets the current one for a day where old clients are let converge", async () => {
    await using t = await testAuth({ environment: { REFRESH_TOKEN_REUSE: "converge" } });
    const token = foreignToken(t, "refresh", await idOf(await t.person()));
    const next = (await refresh(t, token)).body;
    const third = (await refresh(t, next.refresh)).body;
    t.clock.advance("24h");
    const old = await refresh(t, token);
    assert.deepEqual([header(old), old.body.refresh], ["converged", third.refresh]);
    t.clock.advance("1s");
    assert.equal(header(await refresh(t, token)), "reused");
  });

  it("stays used up as long as it lives, though its session is over and swept away", async () => {
    await using t = await testAuth({ environment: { SESSION_LIFETIME: "1d" } });
    const ada = await t.person();
    const token = foreignToken(t, "refresh", await idOf(ada));
    await refresh(t, token);
    t.clock.advance("29d");
    await keepHouse(t.ctx);
    assert.equal(header(await refresh(t, token)), "expired");
    assert.equal(await sessionCount(t), 1, "the only row left is the one that remembers it");
    t.clock.advance("2d");
    await keepHouse(t.ctx);
    assert.equal(await sessionCount(t), 0);
    assert.equal(header(await refresh(t, token)), "expired");
  });

  it("is refused for an account that is gone, and for an id that is none", async () => {
    await using t = await testAuth();
    for (const id of ["00000000-0000-4000-8000-000000000000", "", "1", "../1"]) {
      const answer = await refresh(t, foreignToken(t, "refresh", id));
      assert.deepEqual([answer.status, answer.body.code], [401, "token_not_valid"], id);
    }
    assert.equal(await sessionCount(t), 0);
  });

  it("goes through the gates of every sign-in: one that refuses leaves no session, and the token unspent", async () => {
    let isShut = true;
    const gate: SignInGate = async () => {
      if (isShut) throw new CredentialsInvalid();
    };
    const gated: Feature = { name: "gated", gates: [gate] };
    await using t = await testAuth({ features: [...standardFeatures, gated] });
    const ada = await t.person();
    isShut = false;
    const id = await idOf(ada);
    isShut = true;
    const token = foreignToken(t, "refresh", id);
    const before = await sessionCount(t);
    const refused = await refresh(t, token);
    assert.deepEqual([refused.status, header(refused)], [401, "revoked"]);
    assert.equal(await sessionCount(t), before);
    isShut = false;
    assert.equal((await refresh(t, token)).status, 200);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(
      async (t) => {
        const token = foreignToken(t, "refresh", await idOf(await t.person()));
        return () => t.auth.tokenRefresh.refresh(token);
      },
      { mayLeaveTraces: false },
    );
  });
});

describe("tokens of simplejwt", () => {
  const endings: Readonly<Record<string, (t: TestAuth, ada: Person) => Promise<unknown>>> = {
    "a password reset": async (t, ada) => {
      await t.auth.passwordReset.request(ada.email);
      await t.auth.passwordReset.complete(
        await t.linkToken("reset-password", ada.email),
        "A-Newer-Harbour-9",
      );
    },
    "a password change": async (t, ada) => {
      const { access } = await ada.signIn();
      const changed = await t.http.post(
        "/api/auth/password/change/",
        {
          current_password: ada.password,
          new_password: "A-Newer-Harbour-9",
          new_password_confirm: "A-Newer-Harbour-9",
        },
        { token: access },
      );
      assert.equal(changed.status, 200);
    },
    "signing out everywhere": async (t, ada) => {
      const { access } = await ada.signIn();
      await t.http.post("/api/auth/logout/", { scope: "all" }, { token: access });
    },
    "signing the others out": async (t, ada) => {
      const { access } = await ada.signIn();
      await t.http.post("/api/auth/logout/", { scope: "others" }, { token: access });
    },
  };
  for (const [what, end] of Object.entries(endings)) {
    it(`die with ${what}: exchanged or not, and those of the same second too`, async () => {
      await using t = await testAuth();
      const ada = await t.person();
      const id = await idOf(ada);
      const [spent, unspent, access] = [
        foreignToken(t, "refresh", id),
        foreignToken(t, "refresh", id),
        foreignToken(t, "access", id),
      ];
      const exchanged = (await refresh(t, spent)).body;
      assert.ok(await opens(t, access));
      t.clock.advance(400);
      await end(t, ada);
      t.clock.advance(200);
      for (const dead of [spent, unspent, exchanged.refresh])
        assert.equal((await refresh(t, dead)).status, 401);
      for (const dead of [access, exchanged.access]) assert.equal(await opens(t, dead), false);
      for (const dead of [unspent, access]) assert.equal(await isGood(t, dead), false);
      assert.equal(await opens(t, foreignToken(t, "access", id)), false, "the second of the change itself");
      t.clock.advance("1s");
      assert.equal(await opens(t, foreignToken(t, "access", id)), true, "the original may issue new ones");
    });
  }
});
