import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const wrong = "Wrong-Harbour-1";

/** So many wrong passwords, each from another address. */
async function guess(t: TestAuth, email: string, times: number, headers: Record<string, string> = {}) {
  for (let n = 0; n < times; n += 1)
    await t.http.post("/api/auth/login/", { email, password: wrong }, { from: `10.${n}.0.1`, headers });
}

const ordered = async (t: TestAuth) =>
  (await t.rows("outbox")).filter(({ mail }) => mail === "account-locked").length;
const noticesTo = async (t: TestAuth) =>
  (await t.mailbox()).filter(({ mail }) => mail === "account-locked").map(({ to }) => to);

describe("the notice that signing in is paused", () => {
  it("goes to the owner, as they wrote their address, when strangers have no guess left, and not before", async () => {
    await using t = await testAuth();
    await t.person({ email: "Ada@example.org" });
    await guess(t, "ada@EXAMPLE.org", 9);
    assert.deepEqual(await noticesTo(t), []);
    await guess(t, "ada@EXAMPLE.org", 1);
    assert.deepEqual(await noticesTo(t), ["Ada@example.org"]);
  });

  it("is ordered once for each pause, not for each try that is refused, and sent once a day", async () => {
    await using t = await testAuth();
    const { email } = await t.person();
    await guess(t, email, 40);
    assert.equal(await ordered(t), 1);
    const counts: number[] = [];
    for (let pause = 0; pause < 97; pause += 1) {
      await guess(t, email, 10);
      counts.push((await noticesTo(t)).length);
      t.clock.advance("15m");
    }
    assert.deepEqual(counts, [...Array(96).fill(1), 2]);
  });

  it("is written down for whatever address, and goes to nobody without an account that could sign in", async () => {
    await using t = await testAuth();
    const waiting = await t.person({ verified: false });
    const disabled = await t.person();
    await t.database.kysely
      .$extendTables<{ accounts: { email: string; disabled_at: number } }>()
      .updateTable("accounts")
      .set({ disabled_at: t.clock.now().getTime() })
      .where("email", "=", disabled.email)
      .execute();
    for (const email of [waiting.email, disabled.email, "nobody@example.org"]) await guess(t, email, 10);
    assert.equal(await ordered(t), 3);
    assert.deepEqual(await noticesTo(t), []);
    assert.equal(await ordered(t), 0, "an address that somebody typed is kept");
  });

  it("is not sent when the last guess was right, nor once the pause is over", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await guess(t, ada.email, 9);
    assert.equal((await ada.login()).status, 200);
    assert.equal(await ordered(t), 0);
    // The pause ends a quarter of an hour after the first guess, not after the last.
    t.clock.advance("14m");
    await guess(t, ada.email, 1);
    t.clock.advance("1m");
    assert.deepEqual(await noticesTo(t), []);
  });

  it("is not sent for the owner's own device, whose guesses are counted apart", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    await guess(t, ada.email, 12, { "device-token": device });
    assert.equal(await ordered(t), 0);
  });

  it("is not sent where limits are switched off, since nothing is paused there", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const { email } = await t.person();
    await guess(t, email, 20);
    assert.deepEqual(await noticesTo(t), []);
  });
});
