import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { testAuth } from "../../testing/test-auth.ts";

const path = "/api/auth/password/change/";
const newPassword = "A-Newer-Harbour-9";
const openRates = { environment: { RATE_LIMITS: "off" } };
const change = (current: unknown, next: unknown = newPassword) => ({
  current_password: current,
  new_password: next,
  new_password_confirm: next,
});

describe("changing a password", () => {
  it("signs every other device out, ends open reset links and tells the owner", async () => {
    await using t = await testAuth();
    const ada = await t.person({ email: "Ada@example.org" });
    const [here, there] = [await ada.signIn(), await ada.signIn()];
    await t.auth.passwordReset.request(ada.email);
    const link = await t.linkToken("reset-password", ada.email);
    const answer = await t.http.post(path, change(ada.password), { token: here.access });
    const { access, refresh: next, ...rest } = answer.body;
    assert.deepEqual([answer.status, rest], [200, { detail: "Password changed successfully." }]);
    assert.deepEqual(Object.keys(answer.body), ["detail", "access", "refresh"]);
    const statusOf = async (token: string) => (await t.http.get("/api/auth/profile/", { token })).status;
    assert.deepEqual(
      [await statusOf(access), await statusOf(here.access), await statusOf(there.access)],
      [200, 200, 401],
    );
    const refresh = (token: string) => t.http.post("/api/auth/token/refresh/", { refresh: token });
    assert.equal((await refresh(there.refresh)).status, 401);
    assert.equal((await refresh(next)).status, 200);
    await assert.rejects(t.auth.passwordReset.complete(link, "Another-Harbour-8"));
    const mail = (await t.mailbox()).at(-1);
    assert.deepEqual([mail?.mail, mail?.to], ["password-changed", "Ada@example.org"]);
    assert.doesNotMatch(mail?.text ?? "", /[0-9a-f]{8}-[0-9a-f]{4}-|Harbour/);
    assert.equal((await t.happened()).at(-1), "password.changed");
    assert.equal((await ada.login()).status, 400);
    assert.equal((await ada.login(newPassword)).status, 200);
  });

  it("needs the current password, and answers 400 without it, never 401", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const { access } = await ada.signIn();
    for (const current of ["Wrong-Harbour-1", ` ${ada.password}`, newPassword]) {
      const { status, body } = await t.http.post(path, change(current), { token: access });
      assert.deepEqual([status, body], [400, { detail: "Current password is incorrect." }]);
    }
    for (const current of [undefined, null, "", 1, [ada.password], { $ne: "" }]) {
      const { status, body } = await t.http.post(path, change(current), { token: access });
      assert.deepEqual([status, Object.keys(body)], [400, ["current_password"]]);
    }
    assert.equal((await t.http.post(path, change(ada.password))).status, 401);
    await ada.signIn();
    assert.ok(!(await t.happened()).includes("password.changed"));
    assert.ok(!(await t.mailbox()).some(({ mail }) => mail === "password-changed"));
  });

  it("holds the new password to the policy before the current one is looked at", async () => {
    await using t = await testAuth();
    const ada = await t.person({ username: "lovelace" });
    const { access } = await ada.signIn();
    const before = t.hashes();
    const weak = await t.http.post(path, change("Wrong-Harbour-1", "lovelace77x"), { token: access });
    assert.deepEqual(weak.body, { new_password: ["The password is too similar to the username."] });
    const differ = { ...change("Wrong-Harbour-1"), new_password_confirm: "Different-Harbour-9" };
    const mismatch = await t.http.post(path, differ, { token: access });
    assert.deepEqual(mismatch.body, { new_password: ["Password fields didn't match."] });
    const long = await t.http.post(path, change(ada.password, "x".repeat(257)), { token: access });
    assert.deepEqual(Object.keys(long.body), ["new_password", "new_password_confirm"]);
    const huge = await t.http.post(path, change(ada.password, "x".repeat(1_000_000)), { token: access });
    assert.equal(huge.status, 413);
    assert.equal(t.hashes(), before);
  });

  it("takes the same password again, and signs the other devices out all the same", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const [here, there] = [await ada.signIn(), await ada.signIn()];
    const answer = await t.http.post(path, change(ada.password, ada.password), { token: here.access });
    assert.equal(answer.status, 200);
    assert.equal((await t.http.get("/api/auth/profile/", { token: there.access })).status, 401);
    await ada.signIn();
  });

  it("to and fro, with the right one each time, goes on for twenty times an hour and a hundred by address", async () => {
    await using t = await testAuth();
    const from = "192.0.2.1";
    const changeOften = async (times: number) => {
      const ada = await t.person();
      const { access: token } = await ada.signIn({ from: "198.51.100.1" });
      const statuses: number[] = [];
      for (let n = 0; n < times; n += 1) {
        const body = n % 2 ? change(newPassword, ada.password) : change(ada.password);
        statuses.push((await t.http.post(path, body, { token, from })).status);
      }
      return { ada, token, statuses };
    };
    const { ada, token, statuses } = await changeOften(22);
    assert.deepEqual(statuses, [...Array(20).fill(200), 429, 429]);
    const [hashes, rows] = [t.hashes(), JSON.stringify(await t.rows("audit"))];
    const refused = await t.http.post(path, change(ada.password), { token, from: "192.0.2.2" });
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "3600"]);
    assert.deepEqual([t.hashes(), JSON.stringify(await t.rows("audit"))], [hashes, rows]);
    for (let n = 0; n < 4; n += 1) {
      assert.deepEqual((await changeOften(20)).statuses, Array(20).fill(200), "other accounts go on");
    }
    const last = await changeOften(1);
    assert.deepEqual(last.statuses, [429], "all of the address together");
    const elsewhere = { token: last.token, from: "192.0.2.9" };
    assert.equal((await t.http.post(path, change(last.ada.password), elsewhere)).status, 200);
    t.clock.advance("1h");
    const again = await ada.signIn();
    assert.equal((await t.http.post(path, change(ada.password), { token: again.access, from })).status, 200);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      const [{ access }] = [await ada.signIn(), await ada.signIn()];
      await t.auth.passwordReset.request(ada.email);
      await t.mailbox();
      const headers = { authorization: `Bearer ${access}` };
      const caller = await t.auth.authenticate(new Request("http://localhost/", { headers }));
      return () => t.auth.passwordChange.change(caller, ada.password, newPassword);
    });
  });
});
