/** Holds limits to being no way to shut anybody out: whoever shares an address with a stranger goes on. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const from = "192.0.2.1";
const loginPath = "/api/auth/login/";
const resetPath = "/api/auth/password/reset/request/";
const confirmPath = "/api/auth/password/reset/confirm/";
const refreshPath = "/api/auth/token/refresh/";
const profilePath = "/api/auth/profile/";
const wrongPassword = "Wrong-Harbour-1";
const chosen = { new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };

/** A stranger behind the owner's address tries one account after another. */
async function useUpAddress(t: TestAuth, times = 30): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const body = { email: `somebody-${n}@example.org`, password: wrongPassword };
    statuses.push((await t.http.post(loginPath, body, { from })).status);
  }
  return statuses;
}

/** What is left of every limit. */
const limitRows = async (t: TestAuth) => JSON.stringify(await t.rows("limits"));

describe("a stranger behind the same address", () => {
  it("fails five hundred times, and the owner goes on signing in on a device that did so before", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn({ from: "198.51.100.1" });
    for (let round = 0; round < 10; round += 1) {
      const statuses = await useUpAddress(t, 45);
      for (let n = 0; n < 5; n += 1) statuses.push((await ada.login(wrongPassword, { from })).status);
      assert.equal(statuses.at(-1), 429);
      assert.equal((await ada.login(ada.password, { device, from })).status, 200, `round ${round}`);
      const headers = { cookie: `device_token=${device}` };
      assert.equal((await ada.login(ada.password, { headers, from })).status, 200, `round ${round}`);
      t.clock.advance("20s");
    }
    assert.equal((await ada.login(ada.password, { from })).status, 429, "a device not seen before");
  });

  it("cannot keep the owner from asking for a reset link, nor from using it", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    t.clock.advance("1h");
    const flood = async (path: string, body: unknown) => {
      let status = 0;
      for (let n = 0; n < 32; n += 1) ({ status } = await t.http.post(path, body, { from }));
      assert.equal(status, 429, path);
    };
    await flood(resetPath, { email: "somebody@example.org" });
    await flood(confirmPath, { token: crypto.randomUUID(), ...chosen });
    const ask = (options: object) => t.http.post(resetPath, { email: ada.email }, { from, ...options });
    assert.equal((await ask({})).status, 429);
    const open = (token: string) => t.http.get(`/reset-password/${token}/`, { from });
    for (let n = 0; n < 61; n += 1) await open(crypto.randomUUID());
    assert.equal((await open(crypto.randomUUID())).status, 429);
    const asked = [];
    for (let n = 0; n < 6; n += 1) asked.push((await ask({ device })).status);
    assert.deepEqual(asked, [...Array(5).fill(200), 429]);
    const token = await t.linkToken("reset-password", ada.email);
    assert.equal((await open(token)).status, 200);
    const used = [];
    for (let n = 0; n < 2; n += 1) {
      used.push((await t.http.post(confirmPath, { token, ...chosen }, { from })).status);
    }
    assert.deepEqual(used, [200, 429], "a link that was used spares nobody");
  });

  it("cannot spend a good link's tries but with the link", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await t.http.post(resetPath, { email: ada.email });
    const token = await t.linkToken("reset-password", ada.email);
    const weak = { token, new_password: "12345678", new_password_confirm: "12345678" };
    const before = t.hashes();
    const statuses = [];
    for (let n = 0; n < 42; n += 1) statuses.push((await t.http.post(confirmPath, weak, { from })).status);
    assert.deepEqual(statuses, [...Array(40).fill(400), 429, 429]);
    assert.equal(t.hashes(), before);
  });

  it("cannot keep anybody from refreshing, reading, changing the password, signing out or deleting", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { refresh, access } = await ada.signIn();
    await useUpAddress(t);
    const junk = { refresh: "a.b.c" };
    for (let n = 0; n < 601; n += 1) await t.http.post(refreshPath, junk, { from });
    assert.equal((await t.http.post(refreshPath, junk, { from })).status, 429);
    assert.equal((await t.http.post("/api/auth/token/verify/", { token: access }, { from })).status, 429);
    const refreshed = await t.http.post(refreshPath, { refresh }, { from });
    assert.equal(refreshed.status, 200);
    const token = refreshed.body.access;
    assert.equal((await t.http.get(profilePath, { token, from })).status, 200);
    const change = { current_password: ada.password, ...chosen };
    assert.equal((await t.http.post("/api/auth/password/change/", change, { token, from })).status, 200);
    const signOut = { refresh: refreshed.body.refresh };
    assert.equal((await t.http.post("/api/auth/logout/", signOut, { from })).status, 200);
    const eve = await t.person();
    const { access: hers } = await eve.signIn();
    const deleting = await t.http.delete(
      "/api/auth/account/",
      { password: eve.password },
      { token: hers, from },
    );
    assert.equal(deleting.status, 200);
  });

  it("is bounded when they hold a token themselves: six hundred a minute for each account and session", async () => {
    await using t = await testAuth();
    const { refresh, access } = await (await t.person()).signIn();
    const last = async (call: () => Promise<{ status: number }>) => {
      const statuses = [];
      for (let n = 0; n < 601; n += 1) statuses.push((await call()).status);
      return statuses.slice(-2);
    };
    assert.deepEqual(await last(() => t.http.get(profilePath, { token: access, from })), [200, 429]);
    assert.deepEqual(await last(() => t.http.post(refreshPath, { refresh }, { from })), [200, 429]);
    assert.equal((await t.http.post("/api/auth/token/verify/", { token: access }, { from })).status, 200);
  });
});

describe("a device token", () => {
  it("spares nobody who has none, one that is none, or one for another account; and being refused costs nothing", async () => {
    await using t = await testAuth();
    const [ada, eve] = [await t.person(), await t.person()];
    const { device: adas } = await ada.signIn();
    const { device: eves } = await eve.signIn();
    await useUpAddress(t);
    const [nonce = "", mac = ""] = adas.split(".");
    const [evesNonce = "", evesMac = ""] = eves.split(".");
    const tokens = [
      ...["", "x", "a.b", `${nonce}.`, `.${mac}`, `${evesNonce}.${mac}`, `${nonce}.${evesMac}`, eves],
      ...[`${nonce}.${"A".repeat(43)}`, `${adas}.x`, Array(11).fill(eves).join("~")],
    ];
    const [hashes, rows, events] = [t.hashes(), await limitRows(t), await t.happened()];
    for (const device of tokens) {
      assert.equal((await ada.login(ada.password, { device, from })).status, 429, device);
    }
    const unknown = { email: "nobody@example.org", password: wrongPassword };
    assert.equal((await t.http.post(loginPath, unknown, { device: adas, from })).status, 429);
    assert.equal((await t.http.post(loginPath, { email: ada.email }, { device: adas, from })).status, 400);
    assert.deepEqual([t.hashes(), await limitRows(t), await t.happened()], [hashes, rows, events]);
    assert.equal((await ada.login(ada.password, { device: `${eves}~${adas}`, from })).status, 200);
  });

  it("gives an account ten calls a minute for all its devices together, then they count as everybody's", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const devices: string[] = [];
    for (let n = 0; n < 4; n += 1) devices.push((await ada.signIn({ from: `10.0.0.${n}` })).device);
    t.clock.advance("1m");
    const call = (n: number) => ada.login(ada.password, { device: devices[n % 4] ?? "", from });
    const statuses = [];
    for (let n = 0; n < 41; n += 1) statuses.push((await call(n)).status);
    assert.deepEqual(statuses, [...Array(40).fill(200), 429]);
    const hashes = t.hashes();
    assert.equal((await call(1)).status, 429);
    assert.equal(t.hashes(), hashes);
    t.clock.advance("1m");
    await useUpAddress(t);
    const next = await Promise.all(Array.from({ length: 30 }, (_, n) => call(n)));
    assert.equal(next.filter(({ status }) => status === 200).length, 10);
  });

  it("lets through ten wrong passwords of a hundred at the same moment, be its address used up or not", async () => {
    for (const isUsedUp of [false, true]) {
      await using t = await testAuth();
      const ada = await t.person();
      const { device } = await ada.signIn({ from: "198.51.100.1" });
      if (isUsedUp) await useUpAddress(t);
      t.clock.advance("1s");
      const before = t.hashes();
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => ada.login(wrongPassword, { device, from })),
      );
      assert.equal(t.hashes() - before, 10);
      assert.equal(answers.filter(({ status }) => status === 400).length, 10);
      assert.equal(answers.filter(({ status }) => status === 429).length, 90);
      assert.equal((await ada.login(ada.password, { device, from: "198.51.100.1" })).status, 429);
    }
  });
});
