import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const path = "/api/auth/register/";
const done = { detail: "User registered successfully. Please check your email for verification." };
const form = (over: Readonly<Record<string, unknown>> = {}) => ({
  email: "ada@example.org",
  username: "ada",
  password: "Blue-Harbour-71",
  password2: typeof over.password === "string" ? over.password : "Blue-Harbour-71",
  first_name: "Ada",
  last_name: "Lovelace",
  ...over,
});
const openRates = { environment: { RATE_LIMITS: "off" } };
const mailsOf = async (t: TestAuth) => (await t.mailbox()).map(({ mail, to }) => `${mail} to ${to}`);
const account = async (t: TestAuth) => {
  const rows = await t.rows("accounts");
  assert.equal(rows.length, 1);
  return rows[0] ?? {};
};

describe("registering", () => {
  it("makes an account that cannot sign in yet, and mails its address once", async () => {
    await using t = await testAuth();
    assert.deepEqual(await t.rows("accounts"), [], "a fresh system has no account at all");
    const answer = await t.http.post(path, form({ email: " ada@EXAMPLE.org\t", bio: "Numbers." }));
    assert.deepEqual([answer.status, answer.body], [201, done]);
    const row = await account(t);
    assert.equal(row.email, "ada@example.org");
    assert.match(String(row.id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(
      [row.username, row.first_name, row.last_name, row.bio, row.verified_at],
      ["ada", "Ada", "Lovelace", "Numbers.", null],
    );
    assert.deepEqual(await mailsOf(t), ["verify-email to ada@example.org"]);
    assert.deepEqual(await t.happened(), ["registration.requested"]);
    assert.equal(t.log.filter((line) => line.includes("registration.requested")).length, 1);
    assert.ok(!t.log.some((line) => line.includes("ada@")), "the address is in the log");
    assert.ok(!JSON.stringify(await t.snapshot()).includes("Blue-Harbour-71"), "the password is stored");
    assert.deepEqual(await t.rows("sessions"), []);
  });

  it("answers alike for an address that has an account, changes nothing of it and tells its owner", async () => {
    await using t = await testAuth();
    const ada = await t.person({ email: "Ada@example.org", username: "ada" });
    const { access } = await ada.signIn();
    const before = await t.snapshot();
    const answer = await t.http.post(path, form({ email: "aDA@Example.ORG", username: "eve" }));
    assert.deepEqual([answer.status, answer.body], [201, done]);
    const { accounts, sessions, one_time_tokens, registration_attempts } = await t.snapshot();
    assert.deepEqual(
      { accounts, sessions, one_time_tokens, registration_attempts },
      {
        accounts: before.accounts,
        sessions: before.sessions,
        one_time_tokens: before.one_time_tokens,
        registration_attempts: before.registration_attempts,
      },
    );
    const mail = (await t.mailbox()).at(-1);
    assert.deepEqual([mail?.mail, mail?.to], ["already-registered", "Ada@example.org"]);
    assert.doesNotMatch(mail?.text ?? "", /[0-9a-f]{8}-[0-9a-f]{4}/, "the mail carries a token");
    assert.equal((await t.happened()).at(-1), "registration.requested");
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 200);
    assert.equal((await ada.login("Blue-Harbour-71")).status, 400);
  });

  it("says that an address is taken where an operator asked for the original's answer", async () => {
    await using t = await testAuth({ environment: { REVEAL_ACCOUNTS: "on" } });
    await t.person({ email: "ada@example.org", username: "ada" });
    const answer = await t.http.post(path, form({ email: "ADA@example.org", username: "eve" }));
    assert.deepEqual(
      [answer.status, answer.body],
      [400, { email: ["user with this email already exists."] }],
    );
    assert.deepEqual(await mailsOf(t), ["verify-email to ada@example.org"]);
  });

  it("takes the spellings of one address for one account, and dots and tags for others", async () => {
    await using t = await testAuth(openRates);
    await t.http.post(path, form());
    const same = [
      "ADA@example.org",
      "ada@EXAMPLE.ORG",
      "\u00a0ada@example.org\u3000",
      "ada@ｅxample.org",
      "ada@exam\u200bple.org",
      "ada@exam\u200bple.org",
    ];
    const refused = ["ada@example.org.", "\ufeffada@example.org", "ad a@example.org"];
    const others = ["a.da@example.org", "ada+news@example.org"];
    for (const [n, email] of [...same, ...refused, ...others].entries()) {
      const { status } = await t.http.post(path, form({ email, username: `twin${n}` }));
      assert.equal(status, refused.includes(email) ? 400 : 201, email);
    }
    const emails = (await t.rows("accounts")).map((row) => row.email);
    assert.deepEqual(
      new Set(emails),
      new Set(["a.da@example.org", "ada+news@example.org", "ada@example.org"]),
    );
    assert.equal(emails.length, 3);
  });

  it("takes one mailbox and nothing that a mail program could read as two", async () => {
    await using t = await testAuth(openRates);
    const tricks = [
      ...["a@x.test,b@y.test", "a@x.test;b@y.test", "a@x.test b@y.test", "a@x.test\r\nBcc: b@y.test"],
      ...['"b@y.test x"@x.test', "<b@y.test>a@x.test", "a@x.test(b@y.test)", "b@y.test>a@x.test"],
      ...["=?utf-8?q?=62=40y.test=3E=00?=a@x.test", "Ada <a@x.test>", "a@x.test\0", "a@x.test\ud800"],
      ...[`${"a".repeat(250)}@x.test`, `a@${"b".repeat(64)}.test`, `a@${"b.".repeat(5000)}test`, "a@b@c@"],
    ];
    for (const email of tricks) {
      const answer = await t.http.post(path, form({ email }));
      assert.deepEqual([answer.status, Object.keys(answer.body)], [400, ["email"]], email);
    }
    assert.deepEqual([await t.rows("accounts"), await t.rows("outbox")], [[], []]);
    const longest = `${"a".repeat(242)}@example.org`;
    assert.equal((await t.http.post(path, form({ email: longest }))).status, 201);
    assert.deepEqual(await mailsOf(t), [`verify-email to ${longest}`]);
  });

  it("refuses a value of another type under the name of its field, before anything is hashed", async () => {
    await using t = await testAuth(openRates);
    const wrong = [1, true, null, ["a@x.test"], { $gt: "" }, [["a"]], { address: "a@x.test" }, 1e308, ""];
    for (const name of ["email", "username", "password", "password2", "first_name", "last_name", "bio"]) {
      for (const value of wrong) {
        const isBlankAllowed = value === "" && ["first_name", "last_name", "bio"].includes(name);
        if (isBlankAllowed) continue;
        const answer = await t.http.post(path, { ...form(), [name]: value });
        assert.equal(answer.status, 400, `${name}: ${JSON.stringify(value)}`);
        assert.deepEqual(Object.keys(answer.body), [name]);
      }
    }
    assert.equal(t.hashes(), 0);
    assert.deepEqual(await t.rows("accounts"), []);
  });

  it("lets nobody write what is not theirs to write, however it is wrapped", async () => {
    await using t = await testAuth({
      fields: { plan: { type: "text", default: "free", writableBy: "admin" } },
    });
    const wishes = {
      ...{
        is_staff: true,
        is_superuser: true,
        is_admin: true,
        is_active: true,
        is_verified: true,
        plan: "gold",
      },
      ...{ verified_at: 1, disabled_at: 1, role: "admin", roles: ["admin"], id: "1", created_at: 1 },
      ...{ password_hash: "!", tokens_valid_from: 1, email_verified: true, last_sign_in_at: 1 },
    };
    const wrapped = { user: wishes, data: wishes, profile: wishes, constructor: { prototype: wishes } };
    const body = JSON.stringify({ ...form(), ...wishes, ...wrapped }).replace(
      /^\{/,
      `{"__proto__":${JSON.stringify(wishes)},`,
    );
    assert.equal((await t.http.post(`${path}?is_verified=true&role=admin`, body)).status, 201);
    assert.equal((await t.http.post(path, form({ email: "b@example.org", username: "b" }))).status, 201);
    for (const row of await t.rows("accounts")) {
      assert.deepEqual(
        [row.verified_at, row.disabled_at, row.plan, row.tokens_valid_from, row.last_sign_in_at],
        [null, null, "free", null, null],
      );
      assert.match(String(row.id), /^[0-9a-f-]{36}$/);
      assert.match(String(row.password_hash), /^\$argon2id\$/);
      assert.equal(row.created_at, t.clock.now().getTime());
    }
    assert.equal(({} as Record<string, unknown>).is_staff, undefined);
  });

  it("keeps names as they were typed, or says why not", async () => {
    await using t = await testAuth(openRates);
    const kept = ["Zo\u0308e", "a\u202eb", "'); DROP TABLE accounts;--", "{{7*7}}<script>", "a".repeat(150)];
    const refused = ["a\0b", "\ud800", "a".repeat(151), "x".repeat(60_000)];
    for (const [n, first_name] of [...kept, ...refused].entries()) {
      const over = { first_name, email: `n${n}@example.org`, username: `n${n}` };
      const answer = await t.http.post(path, form(over));
      assert.equal(answer.status, kept.includes(first_name) ? 201 : 400, first_name.slice(0, 20));
    }
    const names = (await t.rows("accounts")).map((row) => row.first_name);
    assert.deepEqual(new Set(names), new Set(kept));
  });

  it("gives a username to one account only, in whatever case or form it is written", async () => {
    await using t = await testAuth(openRates);
    await t.http.post(path, form({ username: "Straße.ﬁ" }));
    for (const username of ["straße.fi", "STRASSE.FI", "Straße.ﬁ"]) {
      const answer = await t.http.post(
        path,
        form({ email: "eve@example.org", username, password: "Red-Moon-55" }),
      );
      assert.deepEqual(
        [answer.status, answer.body],
        [400, { username: ["A user with that username already exists."] }],
      );
    }
    assert.equal((await t.rows("accounts")).length, 1);
  });

  it("takes the same form twice, as an impatient person sends it", async () => {
    await using t = await testAuth();
    await t.http.post(path, form());
    const again = await t.http.post(path, form());
    assert.deepEqual([again.status, again.body], [201, done]);
    assert.deepEqual(await mailsOf(t), ["verify-email to ada@example.org"]);
    assert.notEqual((await account(t)).password_hash, null);
  });

  it("lets nobody guess a waiting password by asking whose the username is", async () => {
    await using t = await testAuth();
    await t.http.post(path, form());
    const statuses = [];
    for (let n = 0; n < 12; n += 1) {
      const guess = form({ password: `Wrong-Harbour-${n}` });
      statuses.push((await t.http.post(path, guess, { from: `10.0.${n}.1` })).status);
    }
    assert.deepEqual(statuses, [...Array(10).fill(400), 429, 429]);
    const { status } = await t.http.post(path, form(), { from: "10.9.9.9" });
    assert.equal(status, 429, "the right one tells itself from a wrong one");
    t.clock.advance("15m");
    assert.equal((await t.http.post(path, form())).status, 201);
  });

  it("says everything that is wrong at once, and that the passwords differ only after that", async () => {
    await using t = await testAuth();
    await t.http.post(path, form());
    const all = await t.http.post(path, { username: "ada", password: "x", password2: "y", email: "no" });
    assert.deepEqual(all.body, {
      email: ["Enter a valid email address."],
      username: ["A user with that username already exists."],
      first_name: ["This field is required."],
      last_name: ["This field is required."],
    });
    const other = { email: "eve@example.org", username: "eve" };
    const differ = await t.http.post(path, form({ ...other, password: "12345678", password2: "123456789" }));
    assert.deepEqual(differ.body, { password: ["Password fields didn't match."] });
    const weak = await t.http.post(path, form({ ...other, password: "12345678" }));
    assert.deepEqual(weak.body, {
      password: ["This password is too common.", "This password is entirely numeric."],
    });
  });

  it("refuses a password of a megabyte without hashing it", async () => {
    await using t = await testAuth();
    const huge = "x".repeat(1024 * 1024);
    assert.equal((await t.http.post(path, form({ password: huge }))).status, 413);
    assert.equal((await t.http.post(path, form({ password: "x".repeat(257) }))).status, 400);
    assert.equal(t.hashes(), 0);
  });
});

describe("registering at the same moment", () => {
  it("makes one account of one address, whatever thirty browsers send", async () => {
    await using t = await testAuth();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        t.http.post(path, form({ username: `ada${n}`, password: `Blue-Harbour-${n % 3}x` }), {
          from: `10.0.${n}.1`,
        }),
      ),
    );
    for (const { status, body } of answers) assert.deepEqual([status, body], [201, done]);
    assert.equal((await account(t)).password_hash, null, "a disputed password is still believed");
    assert.equal((await t.mailbox()).length, 1, "a mail whose code the next one ends");
  });

  it("keeps the password when one form is sent thirty times", async () => {
    await using t = await testAuth(openRates);
    const answers = await Promise.all(Array.from({ length: 30 }, () => t.http.post(path, form())));
    for (const { status } of answers) assert.equal(status, 201);
    assert.notEqual((await account(t)).password_hash, null);
  });

  it("gives one username to one of thirty addresses", async () => {
    await using t = await testAuth(openRates);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => t.http.post(path, form({ email: `p${n}@example.org` }))),
    );
    const refused = answers.filter(({ status }) => status !== 201);
    assert.equal(refused.length, 29);
    for (const { status, body } of refused) {
      assert.deepEqual([status, body], [400, { username: ["A user with that username already exists."] }]);
    }
    assert.equal((await t.rows("accounts")).length, 1);
  });
});

describe("registering, whichever statement fails", () => {
  const registration = (over = {}) => ({
    ...{ email: "ada@example.org", username: "eve", password: "Red-Moon-5512", fields: {} },
    ...over,
  });

  it("leaves a new address all or nothing", async () => {
    await sweep(async (t) => () => t.auth.registration.register(registration()));
  });

  it("leaves a known address all or nothing", async () => {
    await sweep(async (t) => {
      await t.person({ email: "ada@example.org" });
      return () => t.auth.registration.register(registration());
    });
  });

  it("leaves a disputed address all or nothing", async () => {
    await sweep(async (t) => {
      await t.person({ email: "ada@example.org", verified: false });
      return () => t.auth.registration.register(registration());
    });
  });
});
