import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const path = "/api/auth/login/";
const refused = [400, { non_field_errors: ["Unable to log in with provided credentials."] }];
const openRates = { environment: { RATE_LIMITS: "off" } };
const sha1Hash = (password: string) =>
  `sha1$salt$${createHash("sha1").update(`salt${password}`).digest("hex")}`;
const setHash = (t: TestAuth, hash: string | null) =>
  t.database.kysely
    .$extendTables<{ accounts: { password_hash: string | null } }>()
    .updateTable("accounts")
    .set({ password_hash: hash })
    .execute();
const storedHash = async (t: TestAuth) => (await t.rows("accounts"))[0]?.password_hash;

describe("signing in", () => {
  it("gives tokens and the user, opens a session and writes the event", async () => {
    await using t = await testAuth();
    const ada = await t.person({ username: "ada", fields: { first_name: "Ada" } });
    const answer = await ada.login();
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.body), ["refresh", "access", "user"]);
    const [account, session] = [(await t.rows("accounts"))[0], (await t.rows("sessions"))[0]];
    assert.deepEqual(answer.body.user, {
      ...{ id: account?.id, email: "ada@example.org", username: "ada", first_name: "Ada", last_name: "" },
      ...{ bio: "", is_verified: true },
    });
    assert.deepEqual([session?.account_id, session?.ended_at], [account?.id, null]);
    assert.equal(account?.last_sign_in_at, t.clock.now().getTime());
    assert.equal((await t.happened()).at(-1), "sign_in.succeeded");
    assert.equal((await t.mailbox()).length, 1, "no mail at the first sign-in");
    const profile = await t.http.get("/api/auth/profile/", { token: answer.body.access });
    assert.equal(profile.body.username, "ada");
  });

  it("begins a new session each time, whatever the caller brings along", async () => {
    await using t = await testAuth();
    const [ada, eve] = [await t.person(), await t.person()];
    const first = await ada.signIn();
    const headers = { authorization: `Bearer ${first.access}`, cookie: "sid=1; session=x; device_token=abc" };
    const answer = await eve.login(eve.password, { headers });
    assert.equal(answer.body.user.email, eve.email);
    const sessions = await t.rows("sessions");
    assert.equal(new Set(sessions.map((row) => row.id)).size, 2);
    assert.equal((await t.http.get("/api/auth/profile/", { token: first.access })).body.email, ada.email);
    const basic = { authorization: `Basic ${btoa(`${ada.email}:${ada.password}`)}` };
    assert.equal((await ada.login("Wrong-Harbour-1", { headers: basic })).status, 400);
  });

  it("refuses a wrong password, an unknown address and a disabled account alike, and writes each down", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const wrong = await ada.login("Wrong-Harbour-1");
    const unknown = await t.http.post(path, { email: "nobody@example.org", password: ada.password });
    await t.database.kysely
      .$extendTables<{ accounts: { disabled_at: number } }>()
      .updateTable("accounts")
      .set({ disabled_at: 1 })
      .execute();
    const disabled = await ada.login();
    for (const { status, body } of [wrong, unknown, disabled]) assert.deepEqual([status, body], refused);
    const failures = (await t.rows("audit")).filter((row) => row.event === "sign_in.failed");
    const id = (await t.rows("accounts"))[0]?.id;
    assert.deepEqual(
      failures.map((row) => [row.account_id, row.details]),
      [id, null, id].map((account) => [account, '{"reason":"invalid_credentials"}']),
    );
    assert.deepEqual(await t.rows("sessions"), []);
  });

  it("takes the password exactly as it was chosen", async () => {
    await using t = await testAuth(openRates);
    const password = " P%40ss Wörd-ﬁ ";
    const ada = await t.person({ password });
    const same = [password, password.normalize("NFD"), password.normalize("NFKC")];
    const others = [password.trim(), password.toLowerCase(), " P@ss Wörd-ﬁ ", `${password} `, "P%40ss"];
    for (const text of same) assert.equal((await ada.login(text)).status, 200, text);
    for (const text of others) assert.equal((await ada.login(text)).status, 400, text);
  });

  it("finds the account by every spelling of its address, and by no other address", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person({ email: "Ada@example.org" });
    for (const email of ["ada@EXAMPLE.org", " Ada@example.org\n", "ADA@ｅxample.org"]) {
      assert.equal((await t.http.post(path, { email, password: ada.password })).status, 200, email);
    }
    for (const email of ["ada+x@example.org", "a.da@example.org"]) {
      assert.equal((await t.http.post(path, { email, password: ada.password })).status, 400, email);
    }
  });

  it("refuses what is no text before anything is hashed", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const before = t.hashes();
    for (const password of [undefined, null, "", 1, true, [ada.password], { $ne: null }, "\0", "\ud800"]) {
      const { status, body } = await t.http.post(path, { email: ada.email, password });
      assert.deepEqual([status, Object.keys(body)], [400, ["password"]], JSON.stringify(password));
    }
    assert.equal((await t.http.post(path, { email: ada.email, password: "x".repeat(4097) })).status, 400);
    assert.equal((await t.http.post(path, { email: ada.email, password: "x".repeat(70_000) })).status, 413);
    const query = `?email=${ada.email}&password=${ada.password}`;
    assert.equal((await t.http.get(path + query)).status, 405);
    assert.equal((await t.http.post(path + query, {})).status, 400);
    assert.equal(t.hashes(), before);
  });

  it("lets nobody into an account without a password", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    for (const hash of [null, "", "!", "!unusable"]) {
      await setHash(t, hash);
      for (const password of ["null", "undefined", "false", "!", " ", "!unusable", ada.password]) {
        const { status, body } = await ada.login(password);
        assert.deepEqual([status, body], refused, `${hash} and ${password}`);
      }
    }
  });

  it("gives an imported hash today's make once its password was right, and not before", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const imported = sha1Hash(ada.password);
    await setHash(t, imported);
    await ada.login("Wrong-Harbour-1");
    assert.equal(await storedHash(t), imported);
    assert.equal((await ada.login()).status, 200);
    assert.match(String(await storedHash(t)), /^\$argon2id\$/);
    assert.equal((await ada.login()).status, 200);
  });

  it("leaves an imported hash as it is while the address is not verified or the account disabled", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    await setHash(t, sha1Hash(ada.password));
    const before = t.hashes();
    assert.equal((await ada.login()).status, 400);
    assert.equal(await storedHash(t), sha1Hash(ada.password));
    assert.equal(t.hashes() - before, 1);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await ada.signIn();
      await setHash(t, sha1Hash(ada.password));
      return () => t.auth.login.withPassword(ada.email, ada.password);
    });
  });
});

describe("the mail about a new device", () => {
  const newDeviceMails = async (t: TestAuth) =>
    (await t.mailbox()).filter(({ mail }) => mail === "new-device");

  it("comes for each device after the first, and not again from the same one", async () => {
    await using t = await testAuth();
    const ada = await t.person({ email: "Ada@example.org" });
    const { device } = await ada.signIn();
    assert.equal((await newDeviceMails(t)).length, 0);
    const headers = { "user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0" };
    const second = await ada.signIn({ headers, from: "192.0.2.7" });
    const mail = (await newDeviceMails(t))[0];
    assert.equal(mail?.to, "Ada@example.org");
    assert.match(mail?.subject ?? "", /Firefox on Windows/);
    assert.doesNotMatch(mail?.text ?? "", /[0-9a-f]{8}-[0-9a-f]{4}-/, "the mail signs somebody in");
    await ada.signIn({ device });
    await ada.signIn({ device: second.device });
    assert.equal((await newDeviceMails(t)).length, 1);
    const seen = (await t.rows("audit")).filter((row) => row.event === "sign_in.succeeded");
    const devices = seen.map((row) => JSON.parse(String(row.details)).device);
    assert.deepEqual(devices, ["new", "new", "known", "known"]);
  });

  it("does not come after a wrong password", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await ada.signIn();
    await ada.login("Wrong-Harbour-1");
    assert.deepEqual(await newDeviceMails(t), []);
  });
});
