import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { testAuth } from "../../testing/test-auth.ts";

const path = "/api/auth/account/";
const openRates = { environment: { RATE_LIMITS: "off" } };

describe("deleting an account", () => {
  it("takes along everything that hangs on it, and tells where its owner was to nobody any more", async () => {
    await using t = await testAuth();
    const ada = await t.person({
      email: "Ada@example.org",
      username: "lovelace",
      fields: { first_name: "Ada" },
    });
    const bob = await t.person();
    const headers = { "user-agent": "Lynx/2.9 (ada's machine)" };
    const { access } = await ada.signIn({ from: "192.0.2.77", headers });
    await t.auth.passwordReset.request(ada.email);
    await t.mailbox();
    for (const typed of [ada.email, "aDA@ＥXAMPLE.org"]) await t.auth.passwordReset.request(typed);
    const answer = await t.http.delete(path, { password: ada.password }, { token: access });
    assert.deepEqual([answer.status, answer.body], [200, { detail: "Account deleted successfully." }]);
    const left = await t.snapshot();
    assert.deepEqual(
      left.accounts?.map((row) => row.email),
      [bob.email],
    );
    assert.deepEqual([left.sessions, left.registration_attempts], [[], []]);
    assert.equal(left.one_time_tokens?.length, 1, "bob's own used link");
    assert.doesNotMatch(JSON.stringify(left), /ada@|lovelace|Lynx|192\.0\.2\.77|"Ada"/i);
    assert.equal((await t.happened()).at(-1), "account.deleted");
    assert.ok(!(await t.mailbox()).some((mail) => mail.to === ada.email && mail.mail === "account-deleted"));
    await bob.signIn();
  });

  it("leaves an address that is unknown at every door", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access, refresh } = await ada.signIn();
    await t.auth.passwordReset.request(ada.email);
    const link = await t.linkToken("reset-password", ada.email);
    await t.http.delete(path, { password: ada.password }, { token: access });
    const gone = await t.http.get("/api/auth/profile/", { token: access });
    assert.deepEqual([gone.status, gone.body], [401, { detail: "User not found", code: "user_not_found" }]);
    assert.equal((await t.http.post("/api/auth/token/refresh/", { refresh })).status, 401);
    assert.equal((await t.http.post("/api/auth/token/verify/", { token: access })).status, 401);
    const login = await ada.login();
    assert.deepEqual(login.body, { non_field_errors: ["Unable to log in with provided credentials."] });
    const chosen = { token: link, new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", chosen)).status, 400);
    const sent = (await t.mailbox()).length;
    await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
    await t.http.post("/api/auth/verify-email/resend/", { email: ada.email });
    assert.equal((await t.mailbox()).length, sent);
    const again = await t.http.delete(path, { password: ada.password }, { token: access });
    assert.equal(again.status, 401);
  });

  it("frees the address and the name for a new account that inherits nothing", async () => {
    await using t = await testAuth({
      fields: { plan: { type: "text", default: "free", writableBy: "admin" } },
    });
    const first = await t.person({ username: "ada", fields: { bio: "Old." } });
    const { access, device } = await first.signIn();
    const before = (await t.rows("accounts"))[0];
    await t.http.delete(path, { password: first.password }, { token: access });
    const second = await t.person({ username: "ada", password: "Green-Valley-82" });
    const after = (await t.rows("accounts"))[0];
    assert.notEqual(after?.id, before?.id);
    assert.deepEqual([after?.bio, after?.plan], ["", "free"]);
    assert.equal((await second.login(first.password)).status, 400);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 401);
    await second.signIn({ device });
    const signIn = (await t.rows("audit")).at(-1);
    assert.equal(
      JSON.parse(String(signIn?.details)).device,
      "new",
      "the old account's device is still known",
    );
  });

  it("needs the password, and answers 400 without it", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const { access } = await ada.signIn();
    const wrong = await t.http.delete(path, { password: "Wrong-Harbour-1" }, { token: access });
    assert.deepEqual([wrong.status, wrong.body], [400, { detail: "Incorrect password." }]);
    for (const body of [undefined, {}, { password: null }, { password: "" }, { password: [ada.password] }]) {
      const { status, body: errors } = await t.http.delete(path, body, { token: access });
      assert.deepEqual([status, Object.keys(errors)], [400, ["password"]]);
    }
    assert.equal((await t.http.delete(path, { password: ada.password })).status, 401);
    const query = `?password=${ada.password}`;
    assert.equal((await t.http.delete(path + query, {}, { token: access })).status, 400);
    await ada.signIn();
  });

  it("deletes once, of twenty calls at the same moment", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const { access } = await ada.signIn();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => t.http.delete(path, { password: ada.password }, { token: access })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.ok(answers.every(({ status }) => [200, 400, 401].includes(status)));
    assert.equal((await t.happened()).filter((name) => name === "account.deleted").length, 1);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      const { access } = await ada.signIn();
      await t.auth.passwordReset.request(ada.email);
      await t.mailbox();
      await t.auth.passwordReset.request(ada.email);
      const headers = { authorization: `Bearer ${access}` };
      const caller = await t.auth.authenticate(new Request("http://localhost/", { headers }));
      return () => t.auth.accountDeletion.delete(caller, ada.password);
    });
  });
});
