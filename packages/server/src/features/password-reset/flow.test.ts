import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { testAuth } from "../../testing/test-auth.ts";

const confirmPath = "/api/auth/password/reset/confirm/";
const requestPath = "/api/auth/password/reset/request/";
const chosen = (token: string, password = "A-Newer-Harbour-9") => ({
  token,
  new_password: password,
  new_password_confirm: password,
});

describe("resetting a password", () => {
  it("lets the owner in with the new password and nobody with the old one", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access, refresh } = await ada.signIn();
    await t.http.post(requestPath, { email: ada.email });
    const token = await t.linkToken("reset-password", ada.email);
    const done = await t.http.post(confirmPath, chosen(token));
    assert.deepEqual([done.status, done.body], [200, { detail: "Password has been reset successfully." }]);
    assert.equal((await ada.login()).status, 400);
    assert.equal((await ada.login("A-Newer-Harbour-9")).status, 200);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 401);
    assert.equal((await t.http.post("/api/auth/token/refresh/", { refresh })).status, 401);
    assert.deepEqual((await t.mailbox()).at(-2)?.mail, "password-changed");
  });

  it("works once: of ten clicks at the same moment, one wins", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await t.auth.passwordReset.request(ada.email);
    const token = await t.linkToken("reset-password", ada.email);
    const passwords = Array.from({ length: 10 }, (_, n) => `Rival-Password-${n}x`);
    const answers = await Promise.all(
      passwords.map((password) => t.http.post(confirmPath, chosen(token, password))),
    );
    const winners = passwords.filter((_, n) => answers[n]?.status === 200);
    assert.equal(winners.length, 1);
    const logins = await Promise.all(passwords.map((password) => ada.login(password)));
    assert.deepEqual(
      passwords.filter((_, n) => logins[n]?.status === 200),
      winners,
    );
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await t.auth.passwordReset.request(ada.email);
      const token = await t.linkToken("reset-password", ada.email);
      return () => t.auth.passwordReset.complete(token, "A-Newer-Harbour-9");
    });
  });
});
