import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, payloadOf, refresh } from "../../testing/tokens.ts";

const path = "/api/auth/logout/";
const done = { detail: "Successfully logged out." };
const signOuts = async (t: TestAuth) =>
  (await t.rows("audit")).filter((row) => row.event === "session.signed_out");

/** Somebody who is signed in three times. */
async function threeDevices(t: TestAuth) {
  const ada = await t.person();
  return { ada, here: await ada.signIn(), there: await ada.signIn(), elsewhere: await ada.signIn() };
}

describe("signing out", () => {
  for (const [how, call] of Object.entries({
    "with the refresh token": (t: TestAuth, pair: { refresh: string }) =>
      t.http.post(path, { refresh: pair.refresh }),
    "with the bearer token alone": (t: TestAuth, pair: { access: string }) =>
      t.http.post(path, {}, { token: pair.access }),
    "with the bearer token and no body": (t: TestAuth, pair: { access: string }) =>
      t.http.post(path, undefined, { token: pair.access }),
  })) {
    it(`${how} ends this session and no other`, async () => {
      await using t = await testAuth();
      const { here, there } = await threeDevices(t);
      const answer = await call(t, here);
      assert.deepEqual([answer.status, answer.body], [200, done]);
      for (const dead of [here.access, here.refresh]) assert.equal(await isGood(t, dead), false);
      for (const live of [there.access, there.refresh]) assert.equal(await isGood(t, live), true);
      assert.equal(await signOuts(t).then((rows) => rows.length), 1);
    });
  }

  it("of the others keeps this one; of all keeps none", async () => {
    await using t = await testAuth();
    const { ada, here, there, elsewhere } = await threeDevices(t);
    await t.http.post(path, { refresh: here.refresh, scope: "others" });
    assert.deepEqual(
      await Promise.all([here, there, elsewhere].map(({ refresh: token }) => isGood(t, token))),
      [true, false, false],
    );
    const back = await ada.signIn();
    await t.http.post(path, { scope: "all" }, { token: here.access });
    for (const { refresh: token, access } of [here, back]) {
      assert.equal(await isGood(t, token), false);
      assert.equal(await isGood(t, access), false);
    }
  });

  it("answers alike for a token that is dead, forged or empty of sense, and ends nothing", async () => {
    await using t = await testAuth();
    const { here, there } = await threeDevices(t);
    await t.http.post(path, { refresh: here.refresh });
    const before = await t.snapshot();
    for (const token of [here.refresh, "x", `${there.refresh.slice(0, -4)}AAAA`, "a.b.c"]) {
      const answer = await t.http.post(path, { refresh: token, scope: "all" });
      assert.deepEqual([answer.status, answer.body], [200, done]);
    }
    assert.deepEqual(await t.snapshot(), before);
  });

  it("wants a token in one place or the other, and words it knows", async () => {
    await using t = await testAuth();
    assert.equal((await t.http.post(path, {})).status, 401);
    assert.equal((await t.http.get(path)).status, 405);
    const { here } = await threeDevices(t);
    const answer = await t.http.post(path, { refresh: here.refresh, scope: "everywhere" });
    assert.deepEqual(answer.body, { scope: ['"everywhere" is not a valid choice.'] });
    assert.equal(await isGood(t, here.refresh), true);
  });

  it("works with an access token whose time is over, for its own session alone", async () => {
    await using t = await testAuth();
    const { here, there } = await threeDevices(t);
    t.clock.advance("1h");
    const answer = await t.http.post(path, { scope: "all" }, { token: here.access });
    assert.deepEqual([answer.status, answer.body], [200, done]);
    assert.equal(await isGood(t, here.refresh), false);
    assert.equal(await isGood(t, there.refresh), true, "a token that is over reaches no other session");
  });

  it("with a token that was traded in long ago ends its own session alone", async () => {
    await using t = await testAuth();
    const { here, there } = await threeDevices(t);
    const next = (await refresh(t, here.refresh)).body;
    t.clock.advance("31s");
    await t.http.post(path, { refresh: here.refresh, scope: "all" });
    assert.equal(await isGood(t, next.refresh), false);
    assert.equal(await isGood(t, there.refresh), true);
  });

  it("with a token that another tab has just traded in reaches as far as it was meant to", async () => {
    await using t = await testAuth();
    const { here, there } = await threeDevices(t);
    const next = (await refresh(t, here.refresh)).body;
    await t.http.post(path, { refresh: here.refresh, scope: "all" });
    for (const token of [next.refresh, there.refresh]) assert.equal(await isGood(t, token), false);
  });

  it("at the same moment in ten tabs is recorded once", async () => {
    await using t = await testAuth();
    const { here } = await threeDevices(t);
    await Promise.all(Array.from({ length: 10 }, () => t.http.post(path, { refresh: here.refresh })));
    assert.equal((await signOuts(t)).length, 1);
  });

  it("with a token of simplejwt ends those of the original, and the session it was exchanged for", async () => {
    await using t = await testAuth();
    const { here } = await threeDevices(t);
    const id = payloadOf(here.access).user_id;
    const [spent, unspent] = [foreignToken(t, "refresh", id), foreignToken(t, "refresh", id)];
    const exchanged = (await refresh(t, spent)).body;
    await t.http.post(path, { refresh: spent });
    assert.equal(await isGood(t, exchanged.refresh), false);
    assert.equal(await isGood(t, unspent), true);
    await t.http.post(path, { refresh: unspent });
    assert.equal(await isGood(t, unspent), false);
    assert.equal((await refresh(t, unspent)).status, 401);
    assert.equal(await isGood(t, here.refresh), true, "a session of ours is not concerned");
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const { here } = await threeDevices(t);
      return () => t.auth.tokenRefresh.signOut(here.refresh, "all");
    });
  });
});
