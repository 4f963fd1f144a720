import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { captureMail } from "../../core/mail/captured.ts";
import { renderMessage } from "../../core/mail/message.ts";
import { chooseTransport } from "../../core/mail/transports/choose.ts";
import { sendNextMail } from "../../core/mail/worker.ts";
import type { CallOptions } from "../../testing/http.ts";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";

const messages = "/_/mailbox/api/messages/";
const here = { headers: { host: "localhost:8000" } };
const sameOrigin = { headers: { host: "localhost:8000", "sec-fetch-site": "same-origin" } };

/** Has the worker do what is to be done, with the transport that the settings ask for. */
async function deliver(t: TestAuth): Promise<void> {
  const transport = chooseTransport(t.ctx);
  while (await sendNextMail(t.ctx, transport));
}

const resend = (t: TestAuth, email: string) => t.http.post("/api/auth/verify-email/resend/", { email });

async function withMail(environment = {}): Promise<TestAuth> {
  const t = await testAuth({ environment });
  await t.person({ email: "ada@example.org", verified: false });
  await deliver(t);
  return t;
}

async function firstId(t: TestAuth): Promise<string> {
  return (await t.http.get(messages, here)).body.messages[0].id;
}

describe("the mailbox for programs", () => {
  it("gives every mail that was kept, the newest first, with its code and its link", async () => {
    await using t = await testAuth();
    await t.person({ email: "ada@example.org", verified: false });
    await deliver(t);
    t.clock.advance("1m");
    await t.http.post("/api/auth/password/reset/request/", { email: "ada@example.org" });
    await deliver(t);
    const { body } = await t.http.get(messages, here);
    const [reset, verify] = body.messages;
    assert.deepEqual([reset.template, verify.template], ["reset-password", "verify-email"]);
    assert.deepEqual([verify.to, verify.at], ["ada@example.org", "2026-11-24T12:00:00.000Z"]);
    assert.equal(verify.subject, `${verify.code.slice(0, 3)} ${verify.code.slice(3)} is your ImagAIne code`);
    assert.equal(reset.code, null);
    assert.match(reset.link, /^http:\/\/localhost:8000\/reset-password\/[0-9a-f-]{36}\/$/);
    assert.ok(verify.text.includes(verify.link) && verify.html.includes(verify.link));
    const verified = await t.http.post(`/api/auth${new URL(verify.link).pathname}`);
    assert.equal(verified.status, 200);
  });

  it("can be asked for one address, in whatever spelling, and one kind", async () => {
    await using t = await withMail();
    await t.person({ email: "bob@example.org", verified: false });
    await deliver(t);
    const count = async (query: string) =>
      (await t.http.get(`${messages}?${query}`, here)).body.messages.length;
    assert.equal(await count("to=ADA@example.org"), 1);
    assert.equal(await count("template=verify-email"), 2);
    assert.equal(await count("to=ada@example.org&template=reset-password"), 0);
  });

  it("waits for a mail as long as it is asked to, and no longer", async () => {
    await using t = await withMail();
    const waiting = t.http.get(`${messages}?to=bob@example.org&wait=5s`, here);
    await t.person({ email: "bob@example.org", verified: false });
    await deliver(t);
    assert.equal((await waiting).body.messages.length, 1);
    const none = await t.http.get(`${messages}?to=carol@example.org&wait=1s`, here);
    assert.deepEqual(none.body.messages, []);
    const notAsked = await t.http.get(`${messages}?to=carol@example.org&wait=soon`, here);
    assert.deepEqual(notAsked.body.messages, []);
  });

  it("is emptied by DELETE", async () => {
    await using t = await withMail();
    assert.equal((await t.http.delete(messages, undefined, here)).status, 200);
    assert.deepEqual((await t.http.get(messages, here)).body.messages, []);
  });
});

describe("the mailbox for people", () => {
  it("lists the mails, the newest first, and says how long ago each came", async () => {
    await using t = await withMail();
    for (const span of ["1m", "20m", "3h", "2d"] as const) {
      t.clock.advance(span);
      await resend(t, "ada@example.org");
      await deliver(t);
    }
    t.clock.advance("3s");
    const { status, text } = await t.http.get("/_/mailbox/", here);
    assert.equal(status, 200);
    const ages = [...text.matchAll(/<time[^>]*>([^<]*)<\/time>/g)].map(([, age]) => age);
    assert.deepEqual(ages, ["just now", "2 days ago", "2 days ago", "2 days ago", "2 days ago"]);
    assert.match(text, /ada@example\.org/);
    // It looks for new mail by a script: a page that begins anew by itself takes the focus away (WCAG 2.2, 3.2.5).
    assert.doesNotMatch(text, /http-equiv/);
    assert.match(text, /<a href="">Look for new mail<\/a>/);
    assert.match(text, /<html lang="en">/);
  });

  it("says seconds, minutes and hours while it is no day yet", async () => {
    await using t = await withMail();
    const ages: (string | undefined)[] = [];
    for (const span of ["40s", "20m", "3h"] as const) {
      t.clock.advance(span);
      ages.push(/<time[^>]*>([^<]*)</.exec((await t.http.get("/_/mailbox/", here)).text)?.[1]);
    }
    assert.deepEqual(ages, ["40 seconds ago", "21 minutes ago", "3 hours ago"]);
  });

  it("shows a mail with its code, its link, its text and a frame for how it looks", async () => {
    await using t = await withMail();
    const [{ id, code, link, subject }] = (await t.http.get(messages, here)).body.messages;
    const { text } = await t.http.get(`/_/mailbox/${id}/`, here);
    assert.match(text, new RegExp(`<h1>${subject}</h1>`));
    assert.ok(text.includes(`data-code="${code}" hidden>Copy code</button>`));
    assert.ok(text.includes(`<a class="button" href="${link}" target="_blank" rel="noopener">`));
    assert.ok(text.includes(`src="../../../_/mailbox/${id}/html/"`));
  });

  it("frames the mail as it was written, where it runs and loads nothing and only we may frame it", async () => {
    await using t = await withMail();
    const answer = await t.http.get(`/_/mailbox/${await firstId(t)}/html/`, here);
    assert.match(answer.text, /^<!doctype html>/);
    const policy = answer.headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "sandbox", "frame-ancestors 'self'", "form-action 'none'"])
      assert.ok(policy.includes(part), policy);
    assert.doesNotMatch(policy, /script-src|allow-scripts|allow-same-origin|allow-top-navigation|https?:/);
    assert.equal(answer.headers.get("x-frame-options"), "SAMEORIGIN");
    assert.equal((await t.http.get("/_/mailbox/", here)).headers.get("x-frame-options"), "DENY");
  });

  it("shows what strangers typed as text", async () => {
    await using t = await withMail({ APP_NAME: "<script>alert(1)</script>" });
    const id = await firstId(t);
    for (const path of ["", `${id}/`, `${id}/html/`]) {
      const { text } = await t.http.get(`/_/mailbox/${path}`, here);
      assert.doesNotMatch(text, /<script>alert/, path);
      assert.match(text, /&#60;script&#62;alert/, path);
    }
  });

  it("is emptied by its button, and by no button elsewhere", async () => {
    await using t = await withMail();
    for (const headers of [
      { ...here.headers, "sec-fetch-site": "cross-site" },
      { ...here.headers, "sec-fetch-site": "same-site" },
      { ...here.headers, origin: "http://localhost:5173" },
      here.headers,
    ]) {
      const answer = await t.http.post("/_/mailbox/", undefined, { headers });
      assert.ok([403, 404].includes(answer.status), JSON.stringify(headers));
    }
    assert.equal((await t.http.get(messages, here)).body.messages.length, 1);
    const emptied = await t.http.post("/_/mailbox/", undefined, sameOrigin);
    assert.match(emptied.text, /No mail yet/);
    assert.deepEqual(await t.rows("captured_mails"), []);
  });

  it("knows no mail that is not there", async () => {
    await using t = await withMail();
    for (const id of ["nothing", "0b8f7c1e-5a43-4a8e-9d35-6f1d2f7b9c10"]) {
      assert.equal((await t.http.get(`/_/mailbox/${id}/`, here)).status, 404);
      assert.equal((await t.http.get(`/_/mailbox/${id}/html/`, here)).status, 404);
    }
  });
});

describe("whoever is not at the machine", () => {
  const from = (address: string): CallOptions => ({ ...here, from: address });
  const withHeaders = (headers: Record<string, string>): CallOptions => ({
    headers: { ...here.headers, ...headers },
  });
  const strangers: Record<string, CallOptions> = {
    "another machine": from("192.168.1.20"),
    "another machine by IPv6": from("2001:db8::1"),
    "a container's gateway": from("172.17.0.1"),
    "a name of another's that leads here": withHeaders({ host: "evil.example:8000" }),
    "a name that only begins like ours": withHeaders({ host: "localhost.evil.example" }),
    "a name that only ends like ours": withHeaders({ host: "evillocalhost" }),
    "an address that is no address": withHeaders({ host: "127.0.0.1.evil.example:8000" }),
    "no name at all": { headers: {} },
    "a page of another site": withHeaders({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }),
    "a link on a page of another site": withHeaders({
      ...{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    }),
    "a script of another port's page": withHeaders({
      ...{ "sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
    }),
    "a frame in another port's page": withHeaders({
      ...{ "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
    }),
    "a tunnel that rewrites the name": withHeaders({ "x-forwarded-for": "203.0.113.7" }),
    "a tunnel that claims to be here": withHeaders({ forwarded: "for=127.0.0.1" }),
  };
  for (const [who, options] of Object.entries(strangers)) {
    it(`is told that there is nothing: ${who}`, async () => {
      await using t = await withMail();
      const id = await firstId(t);
      const { status, body } = await t.http.get("/_/nothing/", options);
      assert.equal(status, 404);
      const tries = [
        ...["/_/mailbox/", `/_/mailbox/${id}/`, `/_/mailbox/${id}/html/`, messages].map((path) =>
          t.http.get(path, options),
        ),
        t.http.delete(messages, undefined, options),
      ];
      for (const answer of await Promise.all(tries)) {
        assert.equal(answer.status, 404);
        assert.deepEqual(answer.body, body, "as if it were not there");
        assert.equal(answer.headers.get("access-control-allow-origin"), null);
      }
      assert.equal((await t.rows("captured_mails")).length, 1);
    });
  }

  const atHome: Record<string, CallOptions> = {
    "a browser's address bar": withHeaders({ "sec-fetch-site": "none" }),
    "a page of ours": sameOrigin,
    "curl, by address": withHeaders({ host: "127.0.0.1:8000" }),
    "by IPv6": { headers: { host: "[::1]:8000" }, from: "::1" },
    "a name under localhost": withHeaders({ host: "auth.localhost:8000" }),
    "a link on the front end's page": withHeaders({
      ...{ "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    }),
  };
  it("is not whoever comes from the machine itself", async () => {
    await using t = await withMail();
    for (const [who, options] of Object.entries(atHome))
      assert.equal((await t.http.get("/_/mailbox/", options)).status, 200, who);
  });
});

describe("a proxy that adds nothing to a call", () => {
  it("is told from the machine itself by PUBLIC_URL", async () => {
    await using t = await withMail({ PUBLIC_URL: "https://auth.example.com" });
    for (const path of ["/_/mailbox/", messages]) {
      assert.equal((await t.http.get(path, { headers: { host: "127.0.0.1:8000" } })).status, 404, path);
    }
  });
});

describe("the key to the mailbox", () => {
  const key = "a-key-for-this-mailbox";
  const outside = { host: "auth.example.com", "x-forwarded-for": "203.0.113.7" };
  const open = () => withMail({ PUBLIC_URL: "https://auth.example.com", MAILBOX_KEY: key });

  it("lets a program in as its bearer token, from anywhere, and no other text does", async () => {
    await using t = await open();
    const as = (authorization: string) => t.http.get(messages, { headers: { ...outside, authorization } });
    assert.equal((await as(`Bearer ${key}`)).body.messages.length, 1);
    for (const wrong of ["", "Bearer", "Bearer ", `Bearer ${key}x`, `Basic ${key}`, key])
      assert.equal((await as(wrong)).status, 404, wrong);
  });

  it("is asked for in a browser, which is let in with it from then on", async () => {
    await using t = await open();
    const path = `/_/mailbox/${String((await t.rows("captured_mails"))[0]?.id)}/`;
    for (const asked of ["/_/mailbox/", path, `${path}html/`]) {
      const { status, text } = await t.http.get(asked, { headers: outside });
      assert.equal(status, 403);
      assert.match(text, /<label for="key">Key<\/label>/);
      assert.doesNotMatch(text, /ada@example/);
    }
    const submit = (text: string) =>
      t.http.send(
        new Request("http://localhost:8000/_/mailbox/", {
          method: "POST",
          headers: {
            ...outside,
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
          },
          body: `key=${text}`,
        }),
      );
    const wrong = await submit("a-key-for-that-mailbox");
    assert.equal(wrong.status, 403);
    assert.deepEqual(wrong.headers.getSetCookie(), []);
    const right = await submit(key);
    assert.match(right.text, /ada@example/);
    const [cookie = ""] = right.headers.getSetCookie();
    assert.ok(!cookie.includes(key));
    assert.match(cookie, /; Secure$/);
    const kept = { ...outside, cookie: `x=y; ${cookie.split(";")[0]}` };
    assert.match((await t.http.get(path, { headers: kept })).text, /Open link/);
    const forged = { ...outside, cookie: `mailbox_key=${key}` };
    assert.equal((await t.http.get(path, { headers: forged })).status, 403);
  });

  it("is not asked for where there is none: the log says why the mailbox is not shown, once, and what opens it", async () => {
    await using t = await withMail({ PUBLIC_URL: "https://auth.example.com" });
    for (let calls = 0; calls < 3; calls += 1) await t.http.get("/_/mailbox/", { headers: outside });
    const told = t.log.map((line) => JSON.parse(line)).filter(({ msg }) => /mailbox/.test(msg));
    assert.equal(told.length, 1);
    assert.match(told[0].msg, /a proxy passed the call on/);
    assert.match(told[0].fix, /MAILBOX_KEY/);
  });
});

describe("a system that sends its mail, or none, or is in production", () => {
  const environments = [
    { EMAIL_BACKEND: "smtp", EMAIL_HOST: "mail.example.org" },
    { EMAIL_BACKEND: "off" },
    { EMAIL_BACKEND: "capture", NODE_ENV: "production" },
    { EMAIL_BACKEND: "both", NODE_ENV: "production", EMAIL_HOST: "mail.example.org" },
  ];
  for (const environment of environments) {
    it(`has no mailbox: ${JSON.stringify(environment)}`, async () => {
      await using t = await testAuth({ environment });
      for (const path of ["/_/mailbox/", "/_/mailbox/x/", "/_/mailbox/x/html/", messages])
        assert.equal((await t.http.get(path, here)).status, 404, path);
      const { body } = await t.http.get("/api/schema/", here);
      assert.ok(!JSON.stringify(body).includes("mailbox"), "nor does it describe one");
    });
  }
});

describe("what the mailbox keeps", () => {
  const note = (id: string, n = 0) =>
    renderMessage(
      { subject: `Note ${n}`, preheader: "A note for you.", paragraphs: ["A secret."] },
      { appName: "Example", language: "en", to: "ada@example.org", id },
    );

  it("is closed to a reader of the database, and to another secret", async () => {
    await using t = await withMail();
    const [row] = await t.rows("captured_mails");
    assert.doesNotMatch(String(row?.message), /http|code/);
    await using later = await t.restart({ secretKey: `${testSecret}-2`, secretKeyFallbacks: [testSecret] });
    assert.equal((await later.http.get(messages, here)).body.messages.length, 1);
    await using bare = await t.restart({ secretKey: `${testSecret}-2` });
    assert.deepEqual((await bare.http.get(messages, here)).body.messages, []);
    assert.equal((await bare.http.get(`/_/mailbox/${String(row?.id)}/`, here)).status, 404);
  });

  it("is one mail, however often it was tried", async () => {
    await using t = await testAuth();
    await captureMail(t.ctx, "note", note("one"));
    await captureMail(t.ctx, "note", note("one"));
    assert.equal((await t.rows("captured_mails")).length, 1);
  });

  it("is no more than 500 mails, the newest", async () => {
    await using t = await testAuth();
    for (let n = 0; n < 503; n += 1) {
      t.clock.advance(1000);
      await captureMail(t.ctx, "note", note(`note-${n}`, n));
    }
    const { body } = await t.http.get(messages, here);
    assert.equal(body.messages.length, 500);
    assert.deepEqual([body.messages[0].subject, body.messages.at(-1).subject], ["Note 502", "Note 3"]);
  });
});
