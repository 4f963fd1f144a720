import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";

const wrongPassword = "Wrong-Harbour-1";

/** Uses up what everybody else may guess at an account, from one address after another. */
async function useUpGuesses(t: TestAuth, email: string, times = 12): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const from = `10.${n >> 8}.${n & 255}.1`;
    await t.http.post("/api/auth/login/", { email, password: wrongPassword }, { from });
  }
}

describe("a device that signed in before", () => {
  it("goes on signing in while strangers guess from everywhere, and the links in mail go on working", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    await t.person({ email: "bob@example.org", verified: false });
    for (let round = 0; round < 5; round += 1) {
      await useUpGuesses(t, ada.email, 100);
      assert.equal((await ada.login(ada.password, { device, from: "192.0.2.1" })).status, 200);
    }
    assert.equal(
      (await ada.login(ada.password, { from: "192.0.2.2" })).status,
      429,
      "a device not seen before",
    );
    const cookie = `theme=dark; device_token=${device}; other=1`;
    assert.equal((await ada.login(ada.password, { headers: { cookie }, from: "192.0.2.1" })).status, 200);
    await useUpGuesses(t, "bob@example.org");
    const link = await t.linkToken("verify-email", "bob@example.org");
    assert.equal((await t.http.post(`/api/auth/verify-email/${link}/`)).status, 200);
    await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
    const token = await t.linkToken("reset-password", ada.email);
    const chosen = { token, new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", chosen)).status, 200);
  });

  it("may guess ten times in a quarter of an hour, and takes nothing from strangers by it", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    const statuses = [];
    for (let n = 0; n < 12; n += 1) {
      statuses.push((await ada.login(wrongPassword, { device, from: `10.0.${n}.1` })).status);
    }
    assert.deepEqual(statuses, [...Array(10).fill(400), 429, 429]);
    assert.equal((await ada.login(ada.password, { device })).status, 429);
    assert.equal((await ada.login()).status, 200, "another device");
    t.clock.advance("15m");
    assert.equal((await ada.login(ada.password, { device })).status, 200);
  });

  it("is not counted for signing in rightly", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    for (let n = 0; n < 15; n += 1) {
      assert.equal((await ada.login(ada.password, { from: `10.0.${n}.1` })).status, 200);
    }
    for (let n = 0; n < 9; n += 1) await ada.login(wrongPassword);
    assert.equal((await ada.login()).status, 200);
    assert.equal((await ada.login(wrongPassword)).status, 400, "the tenth");
    assert.equal((await ada.login()).status, 429);
  });

  it("is known for each account that signed in there, and for no other", async () => {
    await using t = await testAuth();
    const [ada, bob, eve] = [await t.person(), await t.person(), await t.person()];
    const first = await ada.signIn();
    const { device } = await bob.signIn({ device: first.device });
    for (const person of [ada, bob, eve]) await useUpGuesses(t, person.email);
    assert.equal((await ada.login(ada.password, { device })).status, 200);
    assert.equal((await bob.login(bob.password, { device })).status, 200);
    assert.equal((await eve.login(eve.password, { device })).status, 429);
    assert.equal((await bob.login(bob.password, { device: first.device })).status, 429);
  });

  it("is remembered for five accounts at most, those used last", async () => {
    await using t = await testAuth();
    const people = [];
    for (let n = 0; n < 6; n += 1) people.push(await t.person());
    let device = "";
    for (const person of people) ({ device } = await person.signIn({ device }));
    assert.equal(device.split("~").length, 5);
    for (const [n, person] of people.entries()) {
      await useUpGuesses(t, person.email);
      assert.equal((await person.login(person.password, { device })).status, n === 0 ? 429 : 200);
    }
  });

  it("cannot be forged, patched, moved to another account or made with another secret", async () => {
    await using t = await testAuth();
    const [ada, eve] = [await t.person(), await t.person()];
    const [own, foreign] = [(await ada.signIn()).device, (await eve.signIn()).device];
    await using elsewhere = await testAuth({ environment: { SECRET_KEY: `${testSecret}-another` } });
    const twin = await elsewhere.person();
    const [nonce = "", mac = ""] = own.split(".");
    const [foreignNonce = "", foreignMac = ""] = foreign.split(".");
    const flipped = `${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`;
    const forged = [
      ...[foreign, `${foreignNonce}.${mac}`, `${nonce}.${foreignMac}`, `${nonce}.${flipped}`, nonce, mac],
      ...[`${nonce}.`, `.${mac}`, `${own}.x`, `${own}=`, ` ${mac}`, own.toUpperCase(), "x".repeat(5000)],
      ...[`${"A".repeat(22)}.${"A".repeat(43)}`, (await twin.signIn()).device],
    ];
    await useUpGuesses(t, ada.email);
    for (const device of forged) {
      assert.equal((await ada.login(ada.password, { device })).status, 429, device.slice(0, 40));
    }
    assert.equal(
      (await ada.login(ada.password, { device: `${forged.slice(0, 3).join("~")}~${own}` })).status,
      200,
    );
  });

  it("is still known after the secret was exchanged for a newer one", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    await useUpGuesses(t, ada.email);
    await using later = await t.restart({
      ...{ secretKey: `${testSecret}-newer`, secretKeyFallbacks: [testSecret] },
    });
    await useUpGuesses(later, ada.email);
    const body = { email: ada.email, password: ada.password };
    assert.equal((await later.http.post("/api/auth/login/", body, { device })).status, 200);
  });

  it("proves nothing but that: it signs nobody in and names nobody", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    const id = String((await t.rows("accounts"))[0]?.id);
    const text = Buffer.from(device, "base64url").toString("latin1");
    assert.ok(!text.includes(id) && !device.includes(id));
    assert.equal((await t.http.get("/api/auth/profile/", { device })).status, 401);
    assert.equal((await t.http.get("/api/auth/profile/", { token: device })).status, 401);
    assert.equal((await ada.login(wrongPassword, { device })).status, 400);
    assert.ok(!JSON.stringify(await t.snapshot()).includes(device.split(".")[1] ?? ""), "it is stored");
  });
});

const pages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "no page": {},
  "a page of ours": { origin: "https://proxied.example.net", "sec-fetch-site": "same-origin" },
  "a page of ours in an old browser": { origin: "https://auth.example.org", host: "auth.example.org" },
  "the front end": { origin: "https://app.example.org", "sec-fetch-site": "same-site" },
  "a page of another site": { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  "a page of another site that hides itself": { origin: "null", "sec-fetch-site": "cross-site" },
  "a page of another host of the site": { origin: "https://x.example.org", "sec-fetch-site": "same-site" },
  "a page of another site in an old browser": { origin: "https://evil.example", host: "auth.example.org" },
};

describe("a device", () => {
  for (const [page, headers] of Object.entries(pages)) {
    const isForeign = /another (?:site|host)/.test(page);
    it(`is ${isForeign ? "not " : ""}remembered when ${page} sends the form`, async () => {
      const environment = {
        PUBLIC_URL: "https://auth.example.org",
        FRONTEND_URL: "https://app.example.org",
      };
      await using t = await testAuth({ environment });
      const ada = await t.person();
      const fields = new URLSearchParams({ email: ada.email, password: ada.password }).toString();
      const form = { "content-type": "application/x-www-form-urlencoded", ...headers };
      const answer = await t.http.post("/api/auth/login/", fields, { headers: form });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("device-token") === null, isForeign);
      assert.equal(answer.headers.getSetCookie().length, isForeign ? 0 : 1);
    });
  }
});

describe("the device cookie", () => {
  it("is out of reach of scripts and other sites, and the same as the header", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const answer = await ada.login();
    const device = answer.headers.get("device-token") ?? "";
    assert.deepEqual(answer.headers.getSetCookie(), [
      `device_token=${device}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax`,
    ]);
  });

  it("travels over https only, under a name that no other host can set, where people come by https", async () => {
    await using t = await testAuth({ environment: { PUBLIC_URL: "https://auth.example.org" } });
    const ada = await t.person();
    const answer = await ada.login();
    const device = answer.headers.get("device-token") ?? "";
    assert.deepEqual(answer.headers.getSetCookie(), [
      `__Host-device_token=${device}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure`,
    ]);
    await useUpGuesses(t, ada.email);
    const login = (cookie: string) => ada.login(ada.password, { headers: { cookie } });
    assert.equal((await login(`device_token=${device}`)).status, 429);
    assert.equal((await login(`x__Host-device_token=${device}`)).status, 429);
    assert.equal((await login(`a=b; __Host-device_token=${device}`)).status, 200);
  });

  it("is given only with a success", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    for (const answer of [await ada.login(wrongPassword), await t.http.post("/api/auth/login/", {})]) {
      assert.deepEqual([answer.headers.get("device-token"), answer.headers.getSetCookie()], [null, []]);
    }
  });
});
