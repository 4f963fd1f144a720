/** Another password ends the devices that knew the one before, and lets its owner in at once. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setUserPassword } from "../../features/administration/flow.ts";
import type { Answer, CallOptions } from "../../testing/http.ts";
import type { Person } from "../../testing/people.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const wrongPassword = "Wrong-Harbour-1";
const newPassword = "Green-Valley-82";
const chosen = { new_password: newPassword, new_password_confirm: newPassword };
const confirmPath = "/api/auth/password/reset/confirm/";
const changePath = "/api/auth/password/change/";
/** Another address block for every number. */
const block = (n: number) => `10.${n >> 8}.${n & 255}.1`;
const deviceOf = (answer: Answer) => answer.headers.get("device-token") ?? "";
const login = (t: TestAuth, { email }: Person, password: string, options: CallOptions) =>
  t.http.post("/api/auth/login/", { email, password }, options);

/** Uses up what everybody else may guess at an account. */
async function useUpGuesses(t: TestAuth, ada: Person): Promise<void> {
  for (let n = 0; n < 12; n += 1) await login(t, ada, wrongPassword, { from: block(n) });
}

async function linkFor(t: TestAuth, ada: Person): Promise<string> {
  await t.auth.passwordReset.request(ada.email);
  return t.linkToken("reset-password", ada.email);
}

type Way = (t: TestAuth, ada: Person, options: CallOptions) => Promise<Answer>;
const ways: Readonly<Record<string, Way>> = {
  "a reset": async (t, ada, options) => {
    const answer = await t.http.post(confirmPath, { token: await linkFor(t, ada), ...chosen }, options);
    assert.deepEqual(
      [answer.status, answer.body],
      [200, { detail: "Password has been reset successfully." }],
    );
    return answer;
  },
  "a reset on the page": async (t, ada, options) => {
    const form = new URLSearchParams({ password: newPassword, again: newPassword }).toString();
    const headers = {
      ...{ "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
      ...options.headers,
    };
    const path = `/reset-password/${await linkFor(t, ada)}/`;
    const answer = await t.http.post(path, form, { ...options, headers });
    assert.equal(answer.status, 200);
    return answer;
  },
  "a change": async (t, ada, options) => {
    const { access } = await ada.signIn();
    const body = { current_password: ada.password, ...chosen };
    const answer = await t.http.post(changePath, body, { ...options, token: access });
    assert.equal(answer.status, 200);
    return answer;
  },
};

for (const [name, replace] of Object.entries(ways)) {
  describe(name, () => {
    it("ends the tokens of every other device", async () => {
      await using t = await testAuth();
      const ada = await t.person();
      const [own, other] = [await ada.signIn({ from: block(1) }), await ada.signIn({ from: block(2) })];
      const device = deviceOf(await replace(t, ada, { device: own.device }));
      await useUpGuesses(t, ada);
      const statusWith = async (token: string) =>
        (await login(t, ada, newPassword, { device: token })).status;
      assert.deepEqual(
        [await statusWith(device), await statusWith(own.device), await statusWith(other.device)],
        [200, 429, 429],
      );
    });

    it("gives the device that did it a token, as header and as cookie, in place of what it had", async () => {
      await using t = await testAuth();
      const [ada, bob] = [await t.person(), await t.person()];
      const bobs = (await bob.signIn()).device;
      const { device } = await ada.signIn({ device: bobs });
      const answer = await replace(t, ada, { device });
      const given = deviceOf(answer).split("~");
      assert.equal(given.length, 2);
      assert.deepEqual([given[0] === device.split("~")[0], given[1]], [false, bobs]);
      assert.match(answer.headers.getSetCookie()[0] ?? "", new RegExp(`^device_token=${deviceOf(answer)};`));
      await useUpGuesses(t, bob);
      assert.equal((await login(t, bob, bob.password, { device: deviceOf(answer) })).status, 200);
    });

    it("lets its owner in at once while a stranger guesses, with the token and, until he is at it again, without", async () => {
      await using t = await testAuth();
      const ada = await t.person();
      const { device } = await ada.signIn();
      if (name === "a change") t.clock.advance("1m");
      await useUpGuesses(t, ada);
      const before = await login(t, ada, ada.password, { from: block(50) });
      assert.equal(before.status, 429);
      const given =
        name === "a change"
          ? deviceOf(await changeWith(t, ada, device))
          : deviceOf(await replace(t, ada, { from: block(51) }));
      assert.equal((await login(t, ada, newPassword, { from: block(52) })).status, 200);
      await useUpGuesses(t, ada);
      assert.equal((await login(t, ada, newPassword, { from: block(53) })).status, 429);
      assert.equal((await login(t, ada, newPassword, { from: block(54), device: given })).status, 200);
    });

    it("leaves a thief who has thirty tokens of before ten guesses with all of them, beside the strangers'", async () => {
      await using t = await testAuth();
      const ada = await t.person();
      const tokens: string[] = [];
      for (let n = 0; n < 30; n += 1) tokens.push((await ada.signIn({ from: block(n) })).device);
      const spend = async () => {
        let judged = 0;
        for (const [n, device] of [...tokens, ...tokens].entries()) {
          const { status } = await login(t, ada, wrongPassword, { device, from: block(100 + n) });
          if (status === 400) judged += 1;
        }
        return judged;
      };
      assert.equal(await spend(), 10, "all known devices together");
      const given = deviceOf(
        name === "a change"
          ? await changeWith(t, ada, undefined)
          : await replace(t, ada, { from: block(300) }),
      );
      assert.equal(await spend(), 10, "as one of many strangers");
      assert.equal((await login(t, ada, newPassword, { device: given, from: block(301) })).status, 200);
    });
  });
}

/** Changes the password of somebody who cannot sign in just now, by a session opened on a device that is known. */
async function changeWith(t: TestAuth, ada: Person, device: string | undefined): Promise<Answer> {
  t.clock.advance("15m");
  const { access } = await ada.signIn(device === undefined ? {} : { device });
  await useUpGuesses(t, ada);
  return t.http.post(changePath, { current_password: ada.password, ...chosen }, { token: access });
}

describe("another password", () => {
  it("set by an operator ends the tokens of every device", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { device } = await ada.signIn();
    const id = String((await t.rows("accounts"))[0]?.id);
    await setUserPassword(t.ctx, id, newPassword);
    await useUpGuesses(t, ada);
    assert.equal((await login(t, ada, newPassword, { device })).status, 429);
  });

  it("begins the count anew of wrong passwords at a change or a deletion", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access } = await ada.signIn();
    const change = (current: string, token: string, next = newPassword) =>
      t.http.post(
        changePath,
        { current_password: current, new_password: next, new_password_confirm: next },
        { token },
      );
    for (let n = 0; n < 10; n += 1) await change(wrongPassword, access);
    assert.equal((await change(ada.password, access)).status, 429);
    await t.http.post(confirmPath, { token: await linkFor(t, ada), ...chosen });
    const signedIn = await login(t, ada, newPassword, {});
    assert.equal((await change(newPassword, signedIn.body.access, "Grey-Falcon-93")).status, 200);
  });

  it("ends no token of another account, and a token is for one epoch alone", async () => {
    await using t = await testAuth();
    const [ada, bob] = [await t.person(), await t.person()];
    const { device } = await bob.signIn();
    const tokens: string[] = [];
    let password = ada.password;
    for (let n = 0; n < 4; n += 1) {
      const signedIn = await login(t, ada, password, {});
      tokens.push(deviceOf(signedIn));
      const next = `Grey-Falcon-9${n}x`;
      await t.http.post(
        changePath,
        { current_password: password, new_password: next, new_password_confirm: next },
        { token: signedIn.body.access },
      );
      password = next;
    }
    for (const person of [ada, bob]) await useUpGuesses(t, person);
    for (const token of tokens) assert.equal((await login(t, ada, password, { device: token })).status, 429);
    assert.equal((await bob.login(bob.password, { device })).status, 200);
  });

  it("of somebody's own account, sent by a page of another site, leaves a visitor's browser no token", async () => {
    const environment = { PUBLIC_URL: "https://auth.example.org" };
    await using t = await testAuth({ environment });
    const eve = await t.person();
    const form = new URLSearchParams({ token: await linkFor(t, eve), ...chosen }).toString();
    const headers = {
      ...{ "content-type": "application/x-www-form-urlencoded" },
      ...{ origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    };
    const answer = await t.http.post(confirmPath, form, { headers });
    assert.deepEqual([answer.status, deviceOf(answer), answer.headers.getSetCookie()], [200, "", []]);
  });
});
