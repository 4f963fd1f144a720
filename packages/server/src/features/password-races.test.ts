import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Person } from "../testing/people.ts";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";

const openRates = { environment: { RATE_LIMITS: "off" } };
const rounds = 12;
const confirmPath = "/api/auth/password/reset/confirm/";
const changePath = "/api/auth/password/change/";
const chosen = (password: string) => ({ new_password: password, new_password_confirm: password });

/** One person after another, each signed in and with a reset link, for calls that come at the same moment. */
async function eachRound(
  play: (t: TestAuth, ada: Person, has: { access: string; token: string }) => Promise<void>,
): Promise<void> {
  await using t = await testAuth(openRates);
  for (let n = 0; n < rounds; n += 1) {
    const ada = await t.person();
    const { access } = await ada.signIn();
    await t.auth.passwordReset.request(ada.email);
    await play(t, ada, { access, token: await t.linkToken("reset-password", ada.email) });
  }
}

const works = async (t: TestAuth, token: string) =>
  (await t.http.get("/api/auth/profile/", { token })).status === 200;
/** Which of these passwords sign in now. */
const passwordsOf = async (ada: Person, passwords: readonly string[]) => {
  const answers = await Promise.all(passwords.map((password) => ada.login(password)));
  return passwords.filter((_, n) => answers[n]?.status === 200);
};

describe("at the same moment", () => {
  it("sign-ins and a reset: no session of the old password lives on", async () => {
    await eachRound(async (t, ada, { token }) => {
      const [reset, ...logins] = await Promise.all([
        t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
        ...Array.from({ length: 4 }, () => ada.login()),
      ]);
      assert.equal(reset.status, 200);
      for (const { status, body } of logins) {
        assert.ok(status === 400 || !(await works(t, body.access)), "an old password's session lives");
      }
      assert.deepEqual(await passwordsOf(ada, [ada.password, "From-The-Link-1"]), ["From-The-Link-1"]);
    });
  });

  it("a change and a reset: the account ends with one password, and the caller who was told so has it", async () => {
    const winners = new Set<string>();
    await eachRound(async (t, ada, { access, token }) => {
      const body = { current_password: ada.password, ...chosen("From-The-Change-2") };
      const [reset, change] = await Promise.all([
        t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
        t.http.post(changePath, body, { token: access }),
      ]);
      const [password, ...others] = await passwordsOf(ada, [
        ...[ada.password, "From-The-Link-1", "From-The-Change-2"],
      ]);
      assert.deepEqual(others, [], "two passwords sign in");
      winners.add(password ?? "none");
      // Whichever came second found its password or its link gone.
      assert.equal(reset.status === 200, password === "From-The-Link-1");
      assert.equal(change.status === 200, password === "From-The-Change-2");
      assert.equal(await works(t, access), change.status === 200);
    });
    assert.ok(!winners.has("none"));
  });

  it("many changes: one is made, and it is the one that was told so", async () => {
    await eachRound(async (t, ada, { access }) => {
      const passwords = ["Rival-Password-1x", "Rival-Password-2x", "Rival-Password-3x"];
      const answers = await Promise.all(
        passwords.map((password) =>
          t.http.post(changePath, { current_password: ada.password, ...chosen(password) }, { token: access }),
        ),
      );
      const told = passwords.filter((_, n) => answers[n]?.status === 200);
      assert.equal(told.length, 1);
      assert.deepEqual(await passwordsOf(ada, [ada.password, ...passwords]), told);
    });
  });

  it("a deletion and sign-ins: no session outlives the account", async () => {
    await eachRound(async (t, ada, { access }) => {
      const [deletion, ...logins] = await Promise.all([
        t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
        ...Array.from({ length: 4 }, () => ada.login()),
      ]);
      assert.equal(deletion.status, 200);
      for (const { status, body } of logins) {
        assert.ok(status === 400 || !(await works(t, body.access)), "a session outlives its account");
      }
      const email = ada.email;
      assert.ok(!(await t.rows("accounts")).some((row) => row.email === email));
    });
  });

  it("a deletion and a reset: the account is gone, or it has the new password", async () => {
    await eachRound(async (t, ada, { access, token }) => {
      const [deletion, reset] = await Promise.all([
        t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
        t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
      ]);
      assert.deepEqual([deletion.status, reset.status].toSorted(), [200, 400]);
      const expected = reset.status === 200 ? ["From-The-Link-1"] : [];
      assert.deepEqual(await passwordsOf(ada, [ada.password, "From-The-Link-1"]), expected);
    });
  });

  it("a mail being written while its account is reset, changed or deleted: nobody waits for ever", async () => {
    await eachRound(async (t, ada, { access, token }) => {
      await t.auth.passwordReset.request(ada.email);
      await t.auth.emailVerification.resend(ada.email);
      const answers = await Promise.all([
        t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
        t.mailbox(),
        t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
      ]);
      for (const answer of [answers[0], answers[2]]) assert.ok([200, 400, 401].includes(answer.status));
    });
  });
});
