import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mailedCode, otherCode } from "../../testing/mail-code.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const path = "/api/auth/verify-email/";
const resendPath = "/api/auth/verify-email/resend/";
const verified = [200, { detail: "Email verified successfully. You can now log in." }];
const linkRefused = [400, { detail: "Invalid or expired verification token." }];
const codeRefused = [400, { code: ["Invalid or expired verification code."] }];
const openRates = { environment: { RATE_LIMITS: "off" } };

/** Somebody who waits for verification, and the token of the link that was mailed. */
async function waiting(t: TestAuth, email = "ada@example.org") {
  const ada = await t.person({ email, verified: false });
  return { ...ada, token: await t.linkToken("verify-email", email) };
}

const isVerified = async (t: TestAuth, email = "ada@example.org") =>
  (await t.rows("accounts")).some((row) => row.email === email && row.verified_at !== null);
const timesVerified = async (t: TestAuth) =>
  (await t.happened()).filter((name) => name === "email.verified").length;

/** A script's GET that says in this header that it only looks ahead. */
const lookingAhead =
  (name: string) =>
  (value: string): [string, Record<string, string>] => [
    "GET",
    { accept: "application/json", "sec-fetch-mode": "cors", [name]: value },
  ];

describe("the trail of what was asked for", () => {
  it("names the account once the worker knows it", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const asked = async () =>
      (await t.rows("audit")).find(({ event }) => event === "email.verification_requested")?.account_id;
    const [account] = await t.rows("accounts");
    await t.auth.emailVerification.resend(ada.email);
    assert.equal(await asked(), null);
    await t.mailbox();
    assert.equal(await asked(), account?.id);
  });
});

describe("verifying an address by its link", () => {
  it("lets the owner in with the password that was registered", async () => {
    await using t = await testAuth();
    const { token, signIn } = await waiting(t);
    const answer = await t.http.post(`${path}${token}/`);
    assert.deepEqual([answer.status, answer.body], verified);
    assert.equal((await t.rows("accounts"))[0]?.verified_at, t.clock.now().getTime());
    assert.deepEqual(await t.happened(), ["registration.requested", "email.verified"]);
    assert.equal((await t.mailbox()).length, 1, "no further mail");
    assert.deepEqual(await t.rows("sessions"), [], "verification signs nobody in");
    assert.equal(answer.headers.get("device-token"), null);
    assert.ok(!t.log.some((line) => line.includes(token)), "the token is in the log");
    await signIn();
  });

  it("answers a second use alike until its time is up, and changes nothing", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t);
    await t.http.post(`${path}${token}/`);
    const before = await t.snapshot();
    t.clock.advance("1h");
    const again = await t.http.post(`${path}${token}/`);
    assert.deepEqual([again.status, again.body], verified);
    assert.deepEqual(await t.snapshot(), before);
    t.clock.advance("23h");
    const late = await t.http.post(`${path}${token}/`);
    assert.deepEqual([late.status, late.body], linkRefused);
  });

  it("verifies once, of twenty uses at the same moment, and answers all alike", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t);
    await t.auth.emailVerification.resend("ada@example.org");
    const newer = await t.linkToken("verify-email", "ada@example.org");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => t.http.post(`${path}${n % 2 ? token : newer}/`)),
    );
    for (const { status, body } of answers) assert.deepEqual([status, body], verified);
    assert.equal(await timesVerified(t), 1);
  });

  it("works to the last millisecond of its time, and not one longer", async () => {
    await using t = await testAuth();
    const [{ token: inTime }, { token: late }] = [await waiting(t), await waiting(t, "eve@example.org")];
    t.clock.advance(24 * 3600 * 1000 - 1);
    assert.equal((await t.http.post(`${path}${inTime}/`)).status, 200);
    t.clock.advance(1);
    const answer = await t.http.post(`${path}${late}/`);
    assert.deepEqual([answer.status, answer.body], linkRefused);
    assert.equal(await isVerified(t, "eve@example.org"), false);
  });

  it("refuses every other text, and tokens of another kind", async () => {
    await using t = await testAuth();
    const ada = await waiting(t);
    await t.auth.passwordReset.request("ada@example.org");
    const reset = await t.linkToken("reset-password", "ada@example.org");
    const { token } = ada;
    const digit = token[7] === "0" ? "1" : "0";
    const texts = [
      ...[token.slice(0, -1), `${token}0`, token.replaceAll("-", ""), token.toUpperCase(), ` ${token}`],
      ...[`${token} `, `${token}=`, `{${token}}`, `${token}%20`, token.slice(0, 7) + digit + token.slice(8)],
      ...[reset, "null", "0", "00000000-0000-0000-0000-000000000000", "x".repeat(3000)],
    ].filter((text) => text !== token);
    for (const text of texts) {
      const { status, body } = await t.http.post(`${path}${encodeURIComponent(text)}/`);
      // What hides a percent sign has no route at all.
      if (text.includes("%")) assert.equal(status, 404);
      else assert.deepEqual([status, body], linkRefused, text);
    }
    assert.equal(await isVerified(t), false);
    const asReset = { token, new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", asReset)).status, 400);
    assert.equal((await t.http.get("/api/auth/profile/", { token })).status, 401);
    const spelled = await t.http.post(`${path}%${token.charCodeAt(0).toString(16)}${token.slice(1)}/`);
    assert.deepEqual([spelled.status, spelled.body], verified, "one path, two spellings");
  });

  it("verifies the link's own account, whoever is named or signed in beside it", async () => {
    await using t = await testAuth();
    const [{ token }, eve] = [await waiting(t), await t.person()];
    await waiting(t, "bob@example.org");
    const { access } = await eve.signIn();
    const bob = { email: "bob@example.org", user_id: "1" };
    const answer = await t.http.post(`${path}${token}/`, bob, { token: access });
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [200, []]);
    assert.deepEqual([await isVerified(t), await isVerified(t, "bob@example.org")], [true, false]);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).body.email, eve.email);
  });

  it("is one of the three newest, of which any verifies and then none changes anything", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const links = [(await waiting(t)).token];
    for (let n = 0; n < 3; n += 1) {
      t.clock.advance("1s");
      await t.http.post(resendPath, { email: "ada@example.org" });
      links.push(await t.linkToken("verify-email", "ada@example.org"));
    }
    const [first = "", second = "", ...newer] = links;
    assert.deepEqual(Object.values(await answerTo(t, first)), linkRefused, "the fourth newest");
    const code = await mailedCode(t, "ada@example.org");
    assert.deepEqual(Object.values(await answerTo(t, second)), verified);
    const before = await t.snapshot();
    for (const link of [second, ...newer]) {
      assert.deepEqual(Object.values(await answerTo(t, link)), verified);
    }
    assert.deepEqual(await t.snapshot(), before);
    const typed = await t.http.post(path, { email: "ada@example.org", code });
    assert.deepEqual([typed.status, typed.body], codeRefused);
  });

  it("is pushed out by no stranger who asks and asks", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t);
    for (let n = 0; n < 50; n += 1) {
      t.clock.advance("20m");
      await t.http.post(resendPath, { email: "ada@example.org" }, { from: `198.51.100.${n}` });
      await t.mailbox();
    }
    assert.ok((await t.mailbox()).length > 4);
    assert.deepEqual(Object.values(await answerTo(t, token)), verified);
  });

  it("dies with a reset, and with the account", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t);
    await t.auth.passwordReset.request("ada@example.org");
    const reset = await t.linkToken("reset-password", "ada@example.org");
    await t.auth.passwordReset.complete(reset, "Green-Valley-82");
    assert.deepEqual(Object.values(await answerTo(t, token)), linkRefused);
    const bob = await waiting(t, "bob@example.org");
    await t.http.post(`${path}${bob.token}/`);
    const { access } = await bob.signIn();
    await t.http.delete("/api/auth/account/", { password: bob.password }, { token: access });
    assert.deepEqual(Object.values(await answerTo(t, bob.token)), linkRefused);
  });

  it("verifies on GET when a script asks, and never when somebody only looks", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t);
    const url = `http://localhost:8000${path}${token}/`;
    const looks: [string, Record<string, string>][] = [
      ["GET", {}],
      ["GET", { accept: "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate" }],
      ["GET", { accept: "application/json", "sec-fetch-mode": "navigate" }],
      ["GET", { accept: "application/json", "sec-fetch-mode": "cors", "sec-purpose": "prefetch;prerender" }],
      ["GET", { accept: "application/json", purpose: "prefetch" }],
      ...["Prefetch", '"prefetch"', "prefetch;anonymous-client-ip"].map(lookingAhead("Sec-Purpose")),
      ...["prefetch", "PREVIEW", "prerender"].map(lookingAhead("Purpose")),
      ...["preview", "x, Preview;v=1"].map(lookingAhead("X-Purpose")),
      ...["prefetch", "foo, prerender"].map(lookingAhead("X-Moz")),
      ["HEAD", { accept: "application/json", "sec-fetch-mode": "cors" }],
      ["HEAD", { accept: "application/json" }],
      ["OPTIONS", { accept: "application/json" }],
    ];
    const before = await t.snapshot();
    for (const [method, headers] of looks) {
      const { status } = await t.http.send(new Request(url, { method, headers }));
      assert.ok(status < 300, `${method} ${JSON.stringify(headers)}`);
    }
    assert.equal((await t.http.get(`/verify-email/${token}/`)).status, 200);
    assert.deepEqual(await t.snapshot(), before);
    const headers = { accept: "application/json, text/plain, */*", "sec-fetch-mode": "cors" };
    for (const _ of [1, 2]) {
      const { status, body } = await t.http.get(`${path}${token}/`, { headers });
      assert.deepEqual([status, body], verified);
    }
    assert.equal(await timesVerified(t), 1);
  });

  it("welcomes the owner by mail where that is wanted, once", async () => {
    await using t = await testAuth({ environment: { WELCOME_EMAIL: "on" } });
    const { token } = await waiting(t);
    await Promise.all([1, 2, 3].map(() => t.http.post(`${path}${token}/`)));
    assert.deepEqual(
      (await t.mailbox()).map(({ mail }) => mail),
      ["verify-email", "welcome"],
    );
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const { token } = await waiting(t);
      return () => t.auth.emailVerification.verify(token);
    });
  });
});

async function answerTo(t: TestAuth, token: string) {
  const { status, body } = await t.http.post(`${path}${token}/`);
  return { status, body };
}

describe("verifying an address by its code", () => {
  it("takes the six digits as people type them, once", async () => {
    await using t = await testAuth();
    await waiting(t);
    const code = await mailedCode(t, "ada@example.org");
    const typed = ` ${code.slice(0, 3)} ${code.slice(3)} `;
    const answer = await t.http.post(path, { email: "ADA@example.org", code: typed });
    assert.deepEqual([answer.status, answer.body], verified);
    const again = await t.http.post(path, { email: "ada@example.org", code });
    assert.deepEqual([again.status, again.body], codeRefused);
    assert.equal(await timesVerified(t), 1);
  });

  it("is dead after five wrong tries, be they at the same moment, and its link is not", async () => {
    await using t = await testAuth(openRates);
    const { token } = await waiting(t);
    const code = await mailedCode(t, "ada@example.org");
    const wrong = { email: "ada@example.org", code: otherCode(code) };
    const answers = await Promise.all(Array.from({ length: 30 }, () => t.http.post(path, wrong)));
    for (const { status, body } of answers) assert.deepEqual([status, body], codeRefused);
    const right = await t.http.post(path, { email: "ada@example.org", code });
    assert.deepEqual([right.status, right.body], codeRefused);
    assert.equal((await t.http.post(`${path}${token}/`)).status, 200);
  });

  it("forgives four wrong tries", async () => {
    await using t = await testAuth();
    await waiting(t);
    const code = await mailedCode(t, "ada@example.org");
    for (let n = 0; n < 4; n += 1)
      await t.http.post(path, { email: "ada@example.org", code: otherCode(code) });
    assert.equal((await t.http.post(path, { email: "ada@example.org", code })).status, 200);
  });

  it("counts twenty tries an hour at one address, however many codes are sent to it", async () => {
    await using t = await testAuth();
    await waiting(t);
    const statuses: number[] = [];
    for (let n = 0; n < 22; n += 1) {
      if (n % 5 === 0) await t.auth.emailVerification.resend("ada@example.org");
      const code = otherCode(await mailedCode(t, "ada@example.org"));
      const body = { email: n % 2 ? "ada@example.org" : "ADA@EXAMPLE.ORG", code };
      statuses.push((await t.http.post(path, body, { from: `10.0.${n}.1` })).status);
    }
    assert.deepEqual(statuses, [...Array(20).fill(400), 429, 429]);
    const token = await t.linkToken("verify-email", "ada@example.org");
    assert.equal((await t.http.post(`${path}${token}/`)).status, 200, "the link is not limited by it");
  });

  it("lives for fifteen minutes, and only until a newer one is mailed", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t);
    const first = await mailedCode(t, "ada@example.org");
    t.clock.advance(15 * 60_000 - 1);
    await t.http.post(resendPath, { email: "ada@example.org" });
    const second = await mailedCode(t, "ada@example.org");
    if (first !== second) {
      const old = await t.http.post(path, { email: "ada@example.org", code: first });
      assert.deepEqual([old.status, old.body], codeRefused);
    }
    t.clock.advance("15m");
    const late = await t.http.post(path, { email: "ada@example.org", code: second });
    assert.deepEqual([late.status, late.body], codeRefused);
    assert.equal((await t.http.post(`${path}${token}/`)).status, 200, "the first link is still good");
  });

  it("belongs to its own address, and works for one of many at the same moment", async () => {
    await using t = await testAuth();
    await waiting(t);
    await waiting(t, "eve@example.org");
    const code = await mailedCode(t, "ada@example.org");
    if (code !== (await mailedCode(t, "eve@example.org"))) {
      const answer = await t.http.post(path, { email: "eve@example.org", code });
      assert.deepEqual([answer.status, answer.body], codeRefused);
    }
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => t.http.post(path, { email: "ada@example.org", code })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(await timesVerified(t), 1);
  });

  it("keeps tries for the browser that registered, whatever strangers use up, and no more than five a code", async () => {
    await using t = await testAuth();
    const registered = await t.http.post("/api/auth/register/", {
      ...{ email: "ada@example.org", username: "ada", first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-71", password2: "Blue-Harbour-71" },
    });
    const device = registered.headers.get("device-token") ?? assert.fail("no device token");
    const wrong = async (options: { from: string; device?: string }) => {
      const code = otherCode(await mailedCode(t, "ada@example.org"));
      return (await t.http.post(path, { email: "ada@example.org", code }, options)).status;
    };
    const strangers: number[] = [];
    for (let n = 0; n < 30; n += 1) strangers.push(await wrong({ from: `198.51.100.${n}` }));
    assert.deepEqual(strangers, [...Array(20).fill(400), ...Array(10).fill(429)]);
    const right = async (options: { device?: string } = {}) => {
      const body = { email: "ADA@example.org", code: await mailedCode(t, "ada@example.org") };
      return (await t.http.post(path, body, options)).status;
    };
    assert.equal(await right(), 429, "a stranger's, even if it were right");
    assert.equal(await right({ device: device.replace(/^./, (one) => (one === "A" ? "B" : "A")) }), 429);
    for (let n = 0; n < 4; n += 1) assert.equal(await wrong({ from: "203.0.113.7", device }), 400);
    assert.equal(await right({ device }), 200);

    await t.http.post(resendPath, { email: "ada@example.org" });
    const bob = await t.http.post("/api/auth/register/", {
      ...{ email: "bob@example.org", username: "bob", first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-72", password2: "Blue-Harbour-72" },
    });
    const bobsDevice = bob.headers.get("device-token") ?? "";
    const code = await mailedCode(t, "bob@example.org");
    const type = async (typed: string) =>
      (await t.http.post(path, { email: "bob@example.org", code: typed }, { device: bobsDevice })).status;
    for (let n = 0; n < 5; n += 1) assert.equal(await type(otherCode(code)), 400);
    assert.equal(await type(code), 400, "its own five are over");
  });

  it("gives the browser that registered tries of its own for a verified address too, so that they tell nothing", async () => {
    await using t = await testAuth();
    const known = await t.person({ email: "known@example.org" });
    const answers: number[][] = [];
    for (const email of [known.email, "new@example.org"]) {
      const registered = await t.http.post("/api/auth/register/", {
        ...{ email, username: `another-${email.split("@")[0]}`, first_name: "", last_name: "" },
        ...{ password: "Blue-Harbour-75", password2: "Blue-Harbour-75" },
      });
      const device = registered.headers.get("device-token") ?? "";
      const statuses: number[] = [];
      for (let n = 0; n < 45; n += 1) {
        const options = { from: `198.51.100.${n}`, ...(n >= 22 ? { device } : {}) };
        statuses.push((await t.http.post(path, { email, code: "x" }, options)).status);
      }
      answers.push(statuses);
    }
    assert.deepEqual(answers[0], answers[1]);
    assert.deepEqual(answers[0]?.slice(20, 23), [429, 429, 400]);
  });

  it("refuses what is no text", async () => {
    await using t = await testAuth(openRates);
    for (const code of [undefined, null, "", 123_456, ["123456"], { $gt: "" }, true]) {
      const { status, body } = await t.http.post(path, { email: "ada@example.org", code });
      assert.deepEqual([status, Object.keys(body)], [400, ["code"]], JSON.stringify(code));
    }
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      await waiting(t);
      const code = await mailedCode(t, "ada@example.org");
      return () => t.auth.emailVerification.verifyByCode("ada@example.org", code);
    });
  });
});

describe("asking for the verification mail again", () => {
  it("mails a new link and leaves the older ones good", async () => {
    await using t = await testAuth();
    const { token } = await waiting(t, "Ada@example.org");
    t.clock.advance("1m");
    const answer = await t.http.post(resendPath, { email: "ada@EXAMPLE.org" });
    assert.deepEqual(
      [answer.status, answer.body],
      [
        200,
        {
          detail: "If an account with this email is waiting for verification, a new message has been sent.",
        },
      ],
    );
    assert.equal((await t.mailbox()).at(-1)?.to, "Ada@example.org");
    assert.notEqual(await t.linkToken("verify-email", "Ada@example.org"), token);
    assert.equal((await t.http.post(`${path}${token}/`)).status, 200);
    assert.ok((await t.happened()).includes("email.verification_requested"));
  });

  it("mails nothing to anybody else", async () => {
    await using t = await testAuth();
    await t.person({ email: "done@example.org" });
    const before = (await t.mailbox()).length;
    for (const email of ["done@example.org", "nobody@example.org"]) {
      assert.equal((await t.http.post(resendPath, { email })).status, 200);
    }
    assert.equal((await t.mailbox()).length, before);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      await waiting(t);
      return () => t.auth.emailVerification.resend("ada@example.org");
    });
  });
});
