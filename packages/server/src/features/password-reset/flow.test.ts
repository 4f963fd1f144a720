import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const confirmPath = "/api/auth/password/reset/confirm/";
const requestPath = "/api/auth/password/reset/request/";
const newPassword = "A-Newer-Harbour-9";
const openRates = { environment: { RATE_LIMITS: "off" } };
const done = [200, { detail: "Password has been reset successfully." }];
const linkRefused = [400, { detail: "Invalid or expired token." }];
const chosen = (token: unknown, password: unknown = newPassword) => ({
  token,
  new_password: password,
  new_password_confirm: password,
});
const confirm = async (t: TestAuth, token: unknown, password?: unknown) => {
  const { status, body } = await t.http.post(confirmPath, chosen(token, password));
  return [status, body];
};
const linkFor = async (t: TestAuth, email: string) => {
  await t.auth.passwordReset.request(email);
  return t.linkToken("reset-password", email);
};

describe("asking for a reset link", () => {
  it("changes nothing of the account, and mails a link to the owner alone", async () => {
    await using t = await testAuth();
    const ada = await t.person({ email: "Ada@example.org" });
    const { access } = await ada.signIn();
    const before = await t.rows("accounts");
    const headers = { host: "evil.test", "x-forwarded-host": "evil.test", origin: "https://evil.test" };
    const body = { email: "ADA@example.org", redirect_to: "https://evil.test/", url: "https://evil.test/" };
    const answer = await t.http.post(requestPath, body, { headers });
    const detail = "If an account with this email exists, a password reset link has been sent.";
    assert.deepEqual([answer.status, answer.body], [200, { detail }]);
    const mail = (await t.mailbox()).at(-1);
    assert.equal(mail?.to, "Ada@example.org");
    assert.match(mail?.text ?? "", /http:\/\/localhost:8000\/reset-password\/[0-9a-f-]{36}\//);
    assert.doesNotMatch(mail?.text ?? "", /evil/);
    assert.deepEqual(await t.rows("accounts"), before);
    assert.equal((await t.happened()).at(-1), "password.reset_requested");
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 200);
    await ada.signIn();
  });

  it("names the account in the trail once the worker knows it, also where no mail is due, and names none at first", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const trail = async () =>
      (await t.rows("audit"))
        .filter(({ event }) => event === "password.reset_requested")
        .map((row) => row.account_id)
        // In which order a table gives its rows is nobody's promise.
        .toSorted((one, other) => Number(one === null) - Number(other === null));
    const [account] = await t.rows("accounts");
    await t.auth.passwordReset.request(ada.email);
    await t.auth.passwordReset.request("nobody@example.org");
    // What stands here after the answer is the same for every address: a stranger could time it.
    assert.deepEqual(await trail(), [null, null]);
    const sent = (await t.mailbox()).length;
    assert.deepEqual(await trail(), [account?.id, null]);
    await t.auth.passwordReset.request(ada.email.toUpperCase());
    assert.equal((await t.mailbox()).length, sent, "a second mail within the minute");
    assert.deepEqual(await trail(), [account?.id, account?.id, null]);
  });

  it("writes to the address of the account, and to nobody whose address only looks like it", async () => {
    await using t = await testAuth();
    const ada = await t.person({ email: "Ada@example.org" });
    const before = (await t.mailbox()).length;
    const typed: [string, number][] = [
      ["ADA@ｅxample.org", 200],
      ["ada@exam\u00adple.org", 200],
      ["ada@ex\u0430mple.org", 200],
      ["ada@example.org.evil.test", 200],
      ["ad\u0430@example.org", 400],
      ["\u24d0da@example.org", 400],
      ["ada@example.org,eve@evil.test", 400],
    ];
    for (const [email, expected] of typed) {
      assert.equal((await t.http.post(requestPath, { email })).status, expected, email);
      await t.mailbox();
      t.clock.advance("1m");
    }
    assert.deepEqual(
      (await t.mailbox()).slice(before).map(({ to }) => to),
      [ada.email, ada.email],
    );
  });

  it("spoils no link by asking again: the three newest work until one is used, then none", async () => {
    for (const used of [1, 2, 3]) {
      await using t = await testAuth();
      const ada = await t.person();
      const links: string[] = [];
      for (let n = 0; n < 4; n += 1) {
        links.push(await linkFor(t, ada.email));
        t.clock.advance("1m");
      }
      assert.deepEqual(await confirm(t, links[0]), linkRefused, "the fourth newest");
      assert.deepEqual(await confirm(t, links[used]), done);
      for (const link of links) assert.deepEqual(await confirm(t, link, "Another-Harbour-8"), linkRefused);
      assert.equal((await ada.login(newPassword)).status, 200);
    }
  });

  it("kills all of them at a change of the password, by whichever way", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access } = await ada.signIn();
    const links = [await linkFor(t, ada.email)];
    t.clock.advance("1m");
    links.push(await linkFor(t, ada.email));
    const change = { current_password: ada.password, new_password: newPassword };
    const body = { ...change, new_password_confirm: newPassword };
    const changed = await t.http.post("/api/auth/password/change/", body, { token: access });
    assert.equal(changed.status, 200, changed.text);
    for (const link of links) assert.deepEqual(await confirm(t, link, "Another-Harbour-8"), linkRefused);
  });

  it("leaves the owner's link good, however often a stranger asks for others", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await t.http.post(requestPath, { email: ada.email }, { from: "203.0.113.7" });
    const owners = await t.linkToken("reset-password", ada.email);
    for (let n = 0; n < 100; n += 1) {
      t.clock.advance("30s");
      await t.http.post(requestPath, { email: ada.email }, { from: `198.51.100.${n}` });
      await t.mailbox();
    }
    assert.ok((await t.mailbox()).filter(({ mail }) => mail === "reset-password").length > 3);
    assert.deepEqual(await confirm(t, owners), done);
  });

  it("lets one win, of three links of one account that are used at the same moment", async () => {
    await using t = await testAuth(openRates);
    for (let round = 0; round < 5; round += 1) {
      const ada = await t.person();
      const links = [await linkFor(t, ada.email), await linkFor(t, ada.email), await linkFor(t, ada.email)];
      const passwords = links.map((_, n) => `Rival-Password-${n}x`);
      const answers = await Promise.all(links.map((link, n) => confirm(t, link, passwords[n])));
      const winners = passwords.filter((_, n) => answers[n]?.[0] === 200);
      assert.equal(winners.length, 1);
      assert.equal((await ada.login(winners[0])).status, 200);
    }
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      return () => t.auth.passwordReset.request(ada.email);
    });
  });
});

describe("resetting a password", () => {
  it("lets the owner in with the new password and nobody with the old one", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access, refresh } = await ada.signIn();
    await t.http.post(requestPath, { email: ada.email });
    const token = await t.linkToken("reset-password", ada.email);
    const answer = await t.http.post(confirmPath, chosen(token));
    assert.deepEqual([answer.status, answer.body], done);
    assert.equal((await ada.login()).status, 400);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 401);
    assert.equal((await t.http.post("/api/auth/token/refresh/", { refresh })).status, 401);
    const sessions = await t.rows("sessions");
    assert.deepEqual(
      sessions.map((row) => row.ended_reason),
      ["password"],
    );
    const mail = (await t.mailbox()).at(-1);
    assert.deepEqual([mail?.mail, mail?.to], ["password-changed", ada.email]);
    assert.doesNotMatch(mail?.text ?? "", /[0-9a-f]{8}-[0-9a-f]{4}-/, "the notice carries a token");
    assert.ok((await t.happened()).includes("password.reset"));
    assert.equal((await ada.login(newPassword)).status, 200);
    assert.ok(!t.log.some((line) => line.includes(token)), "the token is in the log");
  });

  it("works once, and to the last millisecond of its hour", async () => {
    await using t = await testAuth();
    const [ada, eve] = [await t.person(), await t.person()];
    const [inTime, late] = [await linkFor(t, ada.email), await linkFor(t, eve.email)];
    t.clock.advance(3_600_000 - 1);
    assert.deepEqual(await confirm(t, inTime), done);
    assert.deepEqual(await confirm(t, inTime, "Another-Harbour-8"), linkRefused);
    t.clock.advance(1);
    assert.deepEqual(await confirm(t, late), linkRefused);
    assert.equal((await ada.login(newPassword)).status, 200);
    await eve.signIn();
  });

  it("works once: of ten clicks at the same moment, one wins", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const token = await linkFor(t, ada.email);
    const passwords = Array.from({ length: 10 }, (_, n) => `Rival-Password-${n}x`);
    const answers = await Promise.all(passwords.map((password) => confirm(t, token, password)));
    const winners = passwords.filter((_, n) => answers[n]?.[0] === 200);
    assert.equal(winners.length, 1);
    for (const answer of answers) if (answer[0] !== 200) assert.deepEqual(answer, linkRefused);
    const logins = await Promise.all(passwords.map((password) => ada.login(password)));
    assert.deepEqual(
      passwords.filter((_, n) => logins[n]?.status === 200),
      winners,
    );
    assert.equal((await t.happened()).filter((name) => name === "password.reset").length, 1);
  });

  it("counts the address as verified, and ends what was mailed to verify it", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const verification = await t.linkToken("verify-email", ada.email);
    assert.deepEqual(await confirm(t, await linkFor(t, ada.email)), done);
    assert.equal((await ada.login(newPassword)).status, 200);
    assert.equal((await t.http.post(`/api/auth/verify-email/${verification}/`)).status, 400);
    assert.deepEqual(await t.rows("registration_attempts"), []);
  });

  it("does not enable an account that was disabled, nor open a session", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const token = await linkFor(t, ada.email);
    await t.database.kysely
      .$extendTables<{ accounts: { disabled_at: number } }>()
      .updateTable("accounts")
      .set({ disabled_at: 1 })
      .execute();
    await confirm(t, token);
    assert.equal((await ada.login(newPassword)).status, 400);
    assert.deepEqual(await t.rows("sessions"), []);
  });

  it("holds the new password to the whole policy, and leaves the link good for a better one", async () => {
    await using t = await testAuth();
    const ada = await t.person({ username: "lovelace", fields: { first_name: "Augusta" } });
    const token = await linkFor(t, ada.email);
    const refusals: [string, string][] = [
      ["short1", "This password is too short. It must contain at least 8 characters."],
      ["password123", "This password is too common."],
      ["8302751946", "This password is entirely numeric."],
      ["lovelace1", "The password is too similar to the username."],
      ["augusta1", "The password is too similar to the first name."],
    ];
    for (const [password, sentence] of refusals) {
      const [status, body] = await confirm(t, token, password);
      assert.equal(status, 400);
      assert.ok(body.new_password.includes(sentence), `${password}: ${JSON.stringify(body)}`);
    }
    const differ = { ...chosen(crypto.randomUUID()), new_password_confirm: "Different-Harbour-9" };
    const mismatch = await t.http.post(confirmPath, differ);
    assert.deepEqual(mismatch.body, { new_password: ["Password fields didn't match."] });
    assert.deepEqual(await confirm(t, token), done);
  });

  it("refuses what is no link, whatever its type", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const token = await linkFor(t, ada.email);
    const verification = await t.linkToken("verify-email", ada.email);
    const texts = [null, "null", "", " ", true, 1, [token], { $gt: "" }, token.toUpperCase(), ` ${token}`];
    const spelled = [
      token.replaceAll("-", ""),
      `{${token}}`,
      `urn:uuid:${token}`,
      `${token}0`,
      token.slice(1),
    ];
    const before = t.hashes();
    for (const text of [undefined, ...texts, ...spelled]) {
      const [status, body] = await confirm(t, text);
      assert.deepEqual([status, Object.keys(body)], [400, ["token"]], JSON.stringify(text));
    }
    for (const text of [verification, crypto.randomUUID(), "00000000-0000-0000-0000-000000000000"]) {
      assert.deepEqual(await confirm(t, text), linkRefused, text);
    }
    for (const password of [
      "x".repeat(257),
      "x".repeat(20_000),
      "with\0nul-inside",
      12345678,
      null,
      [newPassword],
    ]) {
      const [status, body] = await confirm(t, token, password);
      assert.deepEqual([status, Object.keys(body)[0]], [400, "new_password"]);
    }
    assert.equal(t.hashes(), before, "something was hashed for nothing");
    await ada.signIn();
  });

  it("is for the link's own account, whoever is named beside it", async () => {
    await using t = await testAuth();
    const [ada, eve] = [await t.person(), await t.person()];
    const token = await linkFor(t, ada.email);
    const id = (await t.rows("accounts")).find((row) => row.email === eve.email)?.id;
    const body = { ...chosen(token), email: eve.email, user_id: id, id };
    assert.equal((await t.http.post(confirmPath, body)).status, 200);
    assert.equal((await ada.login(newPassword)).status, 200);
    await eve.signIn();
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await ada.signIn();
      const token = await linkFor(t, ada.email);
      return () => t.auth.passwordReset.complete(token, newPassword);
    });
  });
});
