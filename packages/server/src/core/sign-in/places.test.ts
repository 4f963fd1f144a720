import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CallOptions } from "../../testing/http.ts";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";
import { foreignToken, payloadOf } from "../../testing/tokens.ts";
import { keepHouse } from "../housekeeping.ts";

const firefox = (version: number, system = "Windows NT 10.0; Win64; x64") =>
  `Mozilla/5.0 (${system}; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`;
const by = (userAgent: string, from = "192.0.2.1"): CallOptions => ({
  headers: { "user-agent": userAgent },
  from,
});
const noticesOf = async (t: TestAuth) =>
  (await t.mailbox()).filter(({ mail }) => mail === "new-device").length;

/** Somebody who signed in once, with a browser at home. */
async function settled(t: TestAuth) {
  const ada = await t.person();
  await ada.signIn(by(firefox(130)));
  return ada;
}

describe("a sign-in", () => {
  it("by a client without cookies, five times from one machine, is no news", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    for (let n = 0; n < 5; n += 1) await ada.signIn(by("python-requests/2.32.3"));
    assert.equal(await noticesOf(t), 0);
  });

  const same: [string, CallOptions][] = [
    ["another address of its IPv4 /24", by(firefox(130), "192.0.2.254")],
    ["another version of its browser", by(firefox(131))],
    ["an address dressed as IPv6", by(firefox(130), "::ffff:192.0.2.7")],
  ];
  for (const [what, options] of same)
    it(`from ${what} is no news`, async () => {
      await using t = await testAuth();
      const ada = await settled(t);
      await ada.signIn(options);
      assert.equal(await noticesOf(t), 0);
    });

  const other: [string, CallOptions][] = [
    ["another network", by(firefox(130), "192.0.3.1")],
    ["an IPv6 network", by(firefox(130), "2001:db8::1")],
    ["another browser", by("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36")],
    ["another system", by(firefox(130, "X11; Linux x86_64"))],
    ["a program", by("curl/8.5.0")],
    ["a client that says nothing of itself", by("")],
  ];
  for (const [what, options] of other)
    it(`from ${what} is news, once`, async () => {
      await using t = await testAuth();
      const ada = await settled(t);
      await ada.signIn(options);
      await ada.signIn(options);
      assert.equal(await noticesOf(t), 1);
    });

  it("from the same /64 is no news, from the next one it is", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await ada.signIn(by(firefox(130), "2001:db8:0:1::1"));
    await ada.signIn(by(firefox(130), "2001:db8:0:1:ffff::2"));
    assert.equal(await noticesOf(t), 0);
    await ada.signIn(by(firefox(130), "2001:db8:0:2::1"));
    assert.equal(await noticesOf(t), 1);
  });

  it("tells programs apart by their names, not by their versions", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const alike = ["okhttp/4.12.0", "OkHttp/5.0.0-alpha.2", "okhttp-4.9", "okhttp/3"];
    for (const userAgent of alike) await ada.signIn(by(userAgent));
    assert.equal(await noticesOf(t), 0);
    await ada.signIn(by("Go-http-client/1.1"));
    await ada.signIn(by("Go-http-client/2.0"));
    assert.equal(await noticesOf(t), 1);
  });

  it("from where somebody else signed in is news to this account's owner", async () => {
    await using t = await testAuth();
    const ada = await settled(t);
    const eve = await t.person();
    await eve.signIn(by("curl/8.5.0"));
    await ada.signIn(by("curl/8.5.0"));
    assert.equal(await noticesOf(t), 1);
  });

  it("on a known device is no news wherever it goes, and where it was is known from then on", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn(by(firefox(130)));
    await ada.signIn({ ...by(firefox(130), "198.51.100.1"), device });
    await ada.signIn(by(firefox(130), "198.51.100.2"));
    assert.equal(await noticesOf(t), 0);
  });

  it("after a wrong password there is news still: a place is where a session was opened", async () => {
    await using t = await testAuth();
    const ada = await settled(t);
    await ada.login("Wrong-Harbour-1", by("curl/8.5.0"));
    await ada.signIn(by("curl/8.5.0"));
    assert.equal(await noticesOf(t), 1);
  });

  it("is no news for 90 days after the last one, and then it is again", async () => {
    await using t = await testAuth();
    const ada = await settled(t);
    for (let n = 0; n < 3; n += 1) {
      t.clock.advance(90 * 24 * 3_600_000 - 1);
      await keepHouse(t.ctx);
      await ada.signIn(by(firefox(140)));
    }
    assert.equal(await noticesOf(t), 0);
    t.clock.advance("90d");
    await ada.signIn(by(firefox(150)));
    assert.equal(await noticesOf(t), 1);
    t.clock.advance("90d");
    await keepHouse(t.ctx);
    assert.deepEqual(await t.rows("sign_in_places"), []);
  });

  it("twice at the same moment from a new place is one piece of news", async () => {
    await using t = await testAuth();
    for (let n = 0; n < 5; n += 1) {
      const ada = await settled(t);
      await Promise.all([1, 2, 3].map(() => ada.signIn(by("curl/8.5.0"))));
      assert.equal(await noticesOf(t), n + 1);
    }
  });

  it("is no news where the original's token was exchanged before, nor after the secret was changed", async () => {
    await using t = await testAuth();
    const ada = await settled(t);
    const id = payloadOf((await ada.signIn(by(firefox(130)))).access).user_id;
    const refresh = foreignToken(t, "refresh", id);
    await t.http.post("/api/auth/token/refresh/", { refresh }, by("curl/8.5.0"));
    await ada.signIn(by("curl/8.5.0"));
    await using later = await t.restart({
      ...{ secretKey: `${testSecret}-newer`, secretKeyFallbacks: [testSecret] },
    });
    const body = { email: ada.email, password: ada.password };
    assert.equal((await later.http.post("/api/auth/login/", body, by("curl/8.5.0"))).status, 200);
    assert.equal((await later.mailbox()).filter(({ mail }) => mail === "new-device").length, 0);
    assert.equal(await noticesOf(t), 0);
  });

  it("leaves no trace that says where somebody was, and none once the account is gone", async () => {
    await using t = await testAuth();
    const ada = await settled(t);
    const { access } = await ada.signIn(by("curl/8.5.0"));
    const stored = JSON.stringify(await t.rows("sign_in_places"));
    assert.equal((await t.rows("sign_in_places")).length, 2);
    assert.doesNotMatch(stored, /192\.0|curl|Firefox/i);
    await t.http.delete("/api/auth/account/", { password: ada.password }, { token: access });
    assert.deepEqual(await t.rows("sign_in_places"), []);
  });
});
