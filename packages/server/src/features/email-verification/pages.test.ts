import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const form = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
const submit = (t: TestAuth, path: string, body = "") =>
  t.http.post(path, body, { headers: { ...form, accept: "text/html" } });
const strange = "A-Strangers-Password-1";
const chosen = "Chosen-By-Its-Owner-5";
const choose = (t: TestAuth, path: string, password = chosen) =>
  submit(t, path, `password=${password}&again=${password}`);

async function unverifiedLink(t: TestAuth) {
  const { email } = await t.person({ verified: false });
  return { email, path: `/verify-email/${await t.linkToken("verify-email", email)}/` };
}

/** Where the form of a page goes, and the name of its field. */
function formIn(page: string) {
  const [, action = ""] = /<form method="post" action="([^"]+)">/.exec(page) ?? assert.fail("no form");
  const [, field = ""] =
    /<input id="\w+" name="(\w+)" type="email" autocomplete="email" required/.exec(page) ?? [];
  return { action, field };
}

/** Somebody whose address a stranger registered too, verified by the newer of two links; and where that leads. */
async function verifyDisputed(t: TestAuth) {
  const ada = await t.person({ verified: false });
  const link = async () => `/verify-email/${await t.linkToken("verify-email", ada.email)}/`;
  const older = await link();
  await t.auth.registration.register({
    ...{ email: ada.email, username: `not-${ada.username}`, password: strange, fields: {} },
  });
  const newer = await link();
  const { text } = await submit(t, newer);
  const next =
    /href="\.\.\/\.\.(\/reset-password\/[0-9a-f-]{36}\/)"/.exec(text)?.[1] ??
    assert.fail("no way to a password");
  return { ada, next, links: [newer, older] };
}

describe("the page behind a verification link", () => {
  it("changes nothing when it is opened, and verifies when its button is pressed", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const path = `/verify-email/${await t.linkToken("verify-email", ada.email)}/`;
    assert.equal((await t.http.get(path)).status, 200);
    assert.equal((await ada.login()).status, 400);
    const done = await submit(t, path);
    assert.match(done.text, /Email verified/);
    assert.equal((await ada.login()).status, 200);
  });

  it("says at once that a link is dead, whatever killed it, with a form that sends another", async () => {
    await using t = await testAuth();
    const old = await unverifiedLink(t);
    t.clock.advance("24h");
    const replaced = await unverifiedLink(t);
    const ada = await t.person({ verified: false });
    const reset = await t.linkToken("verify-email", ada.email);
    await t.auth.passwordReset.request(ada.email);
    const token = await t.linkToken("reset-password", ada.email);
    await t.auth.passwordReset.complete(token, chosen);
    for (let n = 0; n < 3; n += 1) {
      t.clock.advance("1m");
      await t.http.post("/api/auth/verify-email/resend/", { email: replaced.email });
      await t.mailbox();
    }
    const texts = new Set<string>();
    for (const path of [old.path, replaced.path, "/verify-email/x/", `/verify-email/${reset}/`]) {
      const opened = await t.http.get(path);
      assert.equal(opened.status, 404, path);
      texts.add(opened.text);
      const pressed = await submit(t, path);
      assert.equal(pressed.status, 400);
      assert.match(pressed.text, /<title>Error: This link does not work any more/);
      assert.match(pressed.text, /role="alert" tabindex="-1" autofocus>It was replaced/);
    }
    assert.equal(texts.size, 1, "what killed a link shows");
    const [text = ""] = texts;
    assert.doesNotMatch(text, /Verify email|example/);
    const { action, field } = formIn(text);
    const before = (await t.mailbox()).length;
    t.clock.advance("1m");
    const sent = await submit(t, action, `${field}=${encodeURIComponent(replaced.email)}`);
    assert.match(sent.text, /Check your email/);
    assert.equal((await t.mailbox()).length, before + 1);
    const mailed = `/verify-email/${await t.linkToken("verify-email", replaced.email)}/`;
    assert.match((await submit(t, mailed)).text, /Email verified/);
  });

  it("says at once that an address is verified already, and what to do where a password is missing", async () => {
    await using t = await testAuth();
    const { path } = await unverifiedLink(t);
    await submit(t, path);
    const opened = await t.http.get(path);
    assert.equal(opened.status, 200);
    assert.match(opened.text, /Email already verified/);
    assert.doesNotMatch(opened.text, /<form|<button/);
    const { links } = await verifyDisputed(t);
    for (const link of links) {
      for (const page of [await t.http.get(link), await submit(t, link)]) {
        assert.match(page.text, /choose a password, with the link that was mailed to you/);
        assert.doesNotMatch(page.text, /log in/);
        const way = /href="[./]*(\/[a-z-]+\/)"/.exec(page.text)?.[1] ?? assert.fail("a dead end");
        assert.match((await t.http.get(way)).text, /Reset your password/);
      }
    }
  });

  it("leads on when all is done: to the front end, to the reference, or in words", async () => {
    const places = [
      [
        { FRONTEND_URL: "https://app.example.com/in" },
        /<a class="button" href="https:\/\/app\.example\.com\/in">/,
      ],
      [{ NODE_ENV: "development" }, /<a href="[./]*\/_\/docs\/">API reference<\/a>/],
      [{ NODE_ENV: "production", PUBLIC_URL: "https://auth.example.com" }, /You can close this page/],
    ] as const;
    for (const [environment, expected] of places) {
      await using t = await testAuth({ environment });
      const { path, email } = await unverifiedLink(t);
      assert.match((await submit(t, path)).text, expected);
      assert.match((await t.http.get(path)).text, expected);
      await t.auth.passwordReset.request(email);
      const reset = `/reset-password/${await t.linkToken("reset-password", email)}/`;
      assert.match((await choose(t, reset)).text, expected);
    }
  });

  it("asks for a password at once where a stranger had registered the address too", async () => {
    await using t = await testAuth();
    const { ada, next } = await verifyDisputed(t);
    await t.mailbox();
    assert.match((await choose(t, next)).text, /Password changed/);
    assert.equal((await ada.login(chosen)).status, 200);
    for (const other of [ada.password, strange]) assert.equal((await ada.login(other)).status, 400);
    assert.equal((await choose(t, next)).status, 400);
  });

  it("gives as much time for that password as a mailed link does, to the last millisecond", async () => {
    await using t = await testAuth();
    const [inTime, late] = [await verifyDisputed(t), await verifyDisputed(t)];
    t.clock.advance(3_600_000 - 1);
    assert.match((await choose(t, inTime.next)).text, /Password changed/);
    t.clock.advance(1);
    assert.equal((await choose(t, late.next)).status, 400);
    assert.equal((await late.ada.login(chosen)).status, 400);
  });

  it("leaves one way to a password of two: what was mailed and what was shown die together", async () => {
    await using t = await testAuth();
    for (const way of ["mailed", "shown"]) {
      const { ada, next } = await verifyDisputed(t);
      const mailed = `/reset-password/${await t.linkToken("reset-password", ada.email)}/`;
      const [first, second] = way === "mailed" ? [mailed, next] : [next, mailed];
      assert.match((await choose(t, first)).text, /Password changed/);
      assert.equal((await choose(t, second, "Another-Owners-Password-6")).status, 400, way);
      assert.equal((await ada.login(chosen)).status, 200);
    }
  });

  it("gives a second press no way to a password, be it of the used link or of an older one", async () => {
    await using t = await testAuth();
    const { links } = await verifyDisputed(t);
    for (const path of links) {
      const again = await submit(t, path);
      assert.match(again.text, /Email verified/);
      assert.doesNotMatch(again.text, /reset-password/);
    }
  });
});

/** The pages that mail something to an address, and the mail. */
const asking = [
  { path: "/verify-email/", mail: "verify-email" },
  { path: "/forgot-password/", mail: "reset-password" },
] as const;

for (const { path, mail } of asking) {
  describe(`the page ${path}`, () => {
    it("answers alike for every address, mails to whoever has an account, and says when nothing was sent", async () => {
      await using t = await testAuth();
      const verified = mail !== "verify-email";
      const ada = await t.person({ verified });
      await t.mailbox();
      t.clock.advance("1h");
      const { action, field } = formIn((await t.http.get(path)).text);
      const ask = async (email: string) => {
        const page = await submit(t, action, `${field}=${encodeURIComponent(email)}`);
        assert.equal(page.status, 200);
        const count = (await t.mailbox()).filter((one) => one.mail === mail && one.to === email).length;
        return { text: page.text.replaceAll(email, "them"), count };
      };
      const before = (await ask("nobody@example.org")).count;
      assert.equal(before, 0);
      const start = (await t.mailbox()).filter((one) => one.mail === mail).length;
      t.clock.advance("1m");
      const [known, unknown] = [await ask(ada.email), await ask("nobody@example.org")];
      assert.equal(known.count, start + 1);
      assert.equal(known.text, unknown.text);
      assert.match(known.text, /Check your email/);
      assert.match(known.text, /value="them"/, "it can be sent again without typing");
      t.clock.advance("18s");
      const [early, alsoEarly] = [await ask(ada.email), await ask("nobody@example.org")];
      assert.equal(early.text, alsoEarly.text);
      assert.match(early.text, /Nothing was sent: .* You can try again in 42 seconds\./);
      assert.equal(early.count, start + 1);
      t.clock.advance("42s");
      assert.equal((await ask(ada.email)).count, start + 2);
    });

    it("shows what is wrong with what was typed, keeps it, and has the focus there", async () => {
      await using t = await testAuth();
      for (const [language, error] of [
        ["en", "Error: "],
        ["pt-BR", "Erro: "],
      ] as const) {
        const headers = { ...form, "accept-language": language };
        const page = await t.http.post(path, "email=%22not+one%22", { headers });
        assert.equal(page.status, 400);
        assert.ok(page.text.includes(`<title>${error}`), language);
        const input = /<input id="email"[^>]*>/.exec(page.text)?.[0] ?? "";
        assert.match(
          input,
          / value="&#34;not one&#34;" aria-invalid="true" aria-describedby="email-errors" autofocus>/,
        );
        assert.match(page.text, /<div id="email-errors" role="alert"><p class="error">/);
        assert.equal((await t.http.post(path, "", { headers })).status, 400);
      }
      assert.deepEqual(await t.rows("outbox"), []);
    });

    it("has the limits of the call that does the same, and says so on a page that leads back", async () => {
      await using t = await testAuth();
      const api = mail === "verify-email" ? "verify-email/resend" : "password/reset/request";
      for (let n = 0; n < 10; n += 1) {
        await submit(t, path, `email=a${n}@example.org`);
        await t.http.post(`/api/auth/${api}/`, { email: `b${n}@example.org` });
      }
      const refused = await submit(t, path, "email=c@example.org");
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get("retry-after"), "3600");
      assert.match(refused.text, /<title>Error: Too many attempts/);
      assert.match(
        refused.text,
        /autofocus>You can try again in 60 minutes\.<[^]*<p><a class="button" href="">Try again/,
      );
      assert.equal((await t.http.get(path)).status, 200, "it can be opened all the same");
      const foreign = { ...form, accept: "text/html", "sec-fetch-site": "cross-site" };
      const elsewhere = await t.http.post(path, "email=a@example.org", {
        headers: foreign,
        from: "203.0.113.7",
      });
      assert.deepEqual(
        [elsewhere.status, elsewhere.headers.get("content-type")],
        [403, "text/html; charset=utf-8"],
      );
    });
  });
}
