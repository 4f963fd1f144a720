/** The tokens that a change gives, and what becomes of those it replaced. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Person } from "../../testing/people.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, opens, payloadOf, refresh } from "../../testing/tokens.ts";

const newPassword = "Green-Valley-82";
const openRates = { environment: { RATE_LIMITS: "off" } };

const change = (t: TestAuth, ada: Person, token: string, next = newPassword) =>
  t.http.post(
    "/api/auth/password/change/",
    { current_password: ada.password, new_password: next, new_password_confirm: next },
    { token },
  );

/** Somebody who has just changed the password: the tokens of before, and the new pair. */
async function changed(options = {}) {
  const t = await testAuth(options);
  const ada = await t.person();
  const before = await ada.signIn();
  const { body } = await change(t, ada, before.access);
  return { t, ada, before, after: { access: String(body.access), refresh: String(body.refresh) } };
}

describe("the pair that a change of the password gives", () => {
  it("is of the caller's session, which goes on; so does its old access token, until it expires", async () => {
    const { t: system, before, after } = await changed();
    await using t = system;
    assert.equal(payloadOf(after.access).sid, payloadOf(before.access).sid);
    assert.equal((await t.rows("sessions")).length, 1);
    assert.deepEqual([await opens(t, before.access), await opens(t, after.access)], [true, true]);
    assert.deepEqual([await isGood(t, before.refresh), await isGood(t, after.refresh)], [false, true]);
    t.clock.advance("15m");
    assert.equal(await opens(t, before.access), false);
    const { status, body } = await refresh(t, after.refresh);
    assert.equal(status, 200);
    assert.equal((await refresh(t, body.refresh)).status, 200);
  });

  for (const reuse of ["revoke", "converge"])
    for (const wait of ["0s", "10s", "31s", "2d"])
      it(`is not had for the old refresh token ${wait} later (${reuse}), nor does that end the session`, async () => {
        const {
          t: system,
          before,
          after,
        } = await changed({
          environment: { REFRESH_TOKEN_REUSE: reuse },
        });
        await using t = system;
        if (wait !== "0s") t.clock.advance(wait);
        for (const key of [undefined, "a-key-of-a-request-0001"]) {
          const answer = await refresh(t, before.refresh, key);
          assert.deepEqual([answer.status, answer.headers.get("x-refresh")], [401, "revoked"]);
        }
        assert.equal((await refresh(t, after.refresh)).status, 200, "a thief signed its owner out");
        assert.ok(!(await t.happened()).includes("session.refresh_token_reused"));
      });

  it("is not had for older ones, nor for one whose session was moved on since", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const first = await ada.signIn();
    const second = (await refresh(t, first.refresh)).body;
    const pair = (await change(t, ada, second.access)).body;
    const later = (await refresh(t, pair.refresh)).body;
    for (const token of [first.refresh, second.refresh]) assert.equal((await refresh(t, token)).status, 401);
    assert.equal((await refresh(t, pair.refresh)).status, 200, "within grace, as ever");
    t.clock.advance("1m");
    const last = await refresh(t, later.refresh);
    assert.equal(last.status, 200);
    t.clock.advance("1m");
    assert.equal((await refresh(t, pair.refresh)).headers.get("x-refresh"), "reused");
    assert.equal((await refresh(t, last.body.refresh)).status, 401, "reuse of a new one ends the session");
  });

  it("is at the end of a race with refreshing: whoever refreshed before the change has nothing", async () => {
    await using t = await testAuth(openRates);
    for (let n = 0; n < 6; n += 1) {
      const ada = await t.person();
      const before = await ada.signIn();
      const [, answer, ...refreshed] = await Promise.all([
        refresh(t, before.refresh),
        change(t, ada, before.access),
        refresh(t, before.refresh),
        refresh(t, before.refresh),
      ]);
      assert.equal(answer.status, 200);
      for (const { body } of refreshed)
        if (body.refresh) assert.equal((await refresh(t, body.refresh)).status, 401);
      assert.equal((await refresh(t, answer.body.refresh)).status, 200);
    }
  });

  it("lets the old refresh token sign its own session out, and no other", async () => {
    const { t: system, ada, before, after } = await changed();
    await using t = system;
    const { body: other } = await ada.login(newPassword);
    const signOut = { refresh: before.refresh, scope: "all" };
    assert.equal((await t.http.post("/api/auth/logout/", signOut)).status, 200);
    assert.deepEqual([await opens(t, after.access), await opens(t, other.access)], [false, true]);
  });

  it("is none for a caller who was signed out meanwhile: then nothing is changed", async () => {
    await using t = await testAuth(openRates);
    const outcomes = new Set<number>();
    for (let n = 0; n < 8; n += 1) {
      const ada = await t.person();
      const { access, refresh: token } = await ada.signIn();
      const turns = async () => {
        for (let turn = 0; turn < n; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      };
      const [answer] = await Promise.all([
        change(t, ada, access),
        turns().then(() => t.http.post("/api/auth/logout/", { refresh: token })),
      ]);
      outcomes.add(answer.status);
      assert.ok([200, 401].includes(answer.status));
      const works = (await ada.login(newPassword)).status === 200;
      assert.equal(works, answer.status === 200);
    }
    assert.ok(outcomes.has(401));
  });

  it("is none for a token of the original's, which belongs to no session and ends", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const token = foreignToken(t, "access", payloadOf((await ada.signIn()).access).user_id);
    const answer = await change(t, ada, token);
    assert.deepEqual(answer.body, { detail: "Password changed successfully." });
    assert.equal(await opens(t, token), false);
  });
});
