import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resendToCaller } from "../../features/email-verification/flow.ts";
import { requestByCaller } from "../../features/password-reset/flow.ts";
import { standardFeatures } from "../../features.ts";
import { minutes, seconds } from "../../platform/duration.ts";
import { noteMail, transportOf } from "../../testing/mail.ts";
import { mailedCode } from "../../testing/mail-code.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { findOneTimeToken } from "../one-time-tokens/one-time-tokens.ts";
import { enqueueMail } from "./outbox.ts";
import { MailRefused } from "./transports/transport.ts";
import { sendNextMail } from "./worker.ts";

const email = "ada@example.org";
const password = "Blue-Harbour-71";
const chosen = (token: string) => ({
  ...{ token, new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" },
});

/** The mails with a link, how they are asked for, and what their tokens are for. */
const linked = [
  { mail: "reset-password", path: "/api/auth/password/reset/request/", purpose: "password-reset" },
  { mail: "verify-email", path: "/api/auth/verify-email/resend/", purpose: "verify-email" },
] as const;

const countOf = async (t: TestAuth, name: string) =>
  (await t.mailbox()).filter(({ mail }) => mail === name).length;

/** Somebody who has had no mail for an hour, and is in the state in which this one comes. */
async function waitingFor(t: TestAuth, mail: string) {
  const ada = await t.person({ email, password, verified: mail !== "verify-email" });
  await t.mailbox();
  t.clock.advance("1h");
  return ada;
}

for (const { mail, path, purpose } of linked) {
  describe(`${mail}, asked for again within a minute`, () => {
    it("is not sent again: the link that is just arriving stays the one that works, and nobody is told", async () => {
      await using t = await testAuth();
      await waitingFor(t, mail);
      const start = await countOf(t, mail);
      const first = await t.http.post(path, { email });
      const token = await t.linkToken(mail, email);
      t.clock.advance(minutes(1) - 1);
      for (const language of ["en", "pt-BR"]) {
        const headers = { "accept-language": language };
        const again = await t.http.post(path, { email: "ADA@example.org" }, { headers });
        // What was recorded of the original stays as it is; of our own call, the answer says when another can follow.
        if (language === "en" && mail === "reset-password") assert.equal(again.text, first.text);
        assert.equal(again.status, first.status);
      }
      assert.equal(await countOf(t, mail), start + 1);
      assert.equal((await findOneTimeToken(t.ctx, purpose, token))?.isUsed, false);
      assert.ok((await t.rows("outbox")).every(({ state }) => state === "sent"));
      t.clock.advance(1);
      await t.http.post(path, { email });
      assert.equal(await countOf(t, mail), start + 2);
    });

    it("by a double click is one mail, however many workers there are", async () => {
      await using t = await testAuth();
      await waitingFor(t, mail);
      await Promise.all(Array.from({ length: 4 }, () => t.http.post(path, { email })));
      await using other = await t.restart();
      const transport = transportOf();
      await Promise.all([t, other, t, other].map(({ ctx }) => sendNextMail(ctx, transport)));
      assert.deepEqual(
        transport.seen.map(({ to }) => to),
        [email],
      );
    });

    it("is sent again when the last one could not be delivered and its minute is over", async () => {
      await using t = await testAuth();
      await waitingFor(t, mail);
      await t.http.post(path, { email });
      const refusal = new MailRefused({ permanent: true, reply: "550 5.7.1 Not now" });
      await sendNextMail(
        t.ctx,
        transportOf(() => Promise.reject(refusal)),
      );
      t.clock.advance("1m");
      const before = await countOf(t, mail);
      await t.http.post(path, { email });
      assert.equal(await countOf(t, mail), before + 1);
    });

    it("is sent again when the clock was set back since", async () => {
      await using t = await testAuth();
      await waitingFor(t, mail);
      await t.http.post(path, { email });
      const before = await countOf(t, mail);
      t.clock.advance(-minutes(30));
      await t.http.post(path, { email });
      assert.equal(await countOf(t, mail), before + 1);
    });
  });
}

describe("asking for the verification mail again", () => {
  const path = "/api/auth/verify-email/resend/";
  const resent = "If an account with this email is waiting for verification, a new message has been sent.";

  it("says that nothing was sent within a minute, and when it will be: the same of every address", async () => {
    await using t = await testAuth();
    const known = (await waitingFor(t, "verify-email")).email;
    const done = (await t.person({ email: "done@example.org" })).email;
    t.clock.advance("1h");
    const emails = [known, done, "nobody@example.org"];
    const at = (moment: number) => new Date(moment).toISOString();
    const start = t.clock.now().getTime();
    const answers = async (headers = {}) => {
      const list = [];
      for (const email of emails) {
        const { status, text } = await t.http.post(path, { email }, { headers });
        list.push(`${status} ${text}`);
      }
      assert.equal(new Set(list).size, 1, "it tells who has an account");
      return JSON.parse(list[0]?.slice(4) ?? "");
    };
    assert.deepEqual(await answers(), { detail: resent });
    const before = (await t.mailbox()).length;
    t.clock.advance(seconds(59));
    assert.deepEqual(await answers(), {
      detail:
        "Nothing was sent: you asked for a message less than a minute ago. You can try again in 1 second.",
      resend_at: at(start + 60_000),
    });
    assert.deepEqual(await answers({ "accept-language": "pt" }), {
      detail:
        "Nada foi enviado: você pediu uma mensagem há menos de um minuto. Você pode tentar de novo em 1 segundo.",
      resend_at: at(start + 60_000),
    });
    assert.equal((await t.mailbox()).length, before);
    t.clock.advance(seconds(1));
    assert.deepEqual(await answers(), { detail: resent });
    assert.equal((await t.mailbox()).length, before + 1);
  });

  it("counts from the registration, for who registered; whoever asks from elsewhere sees nothing of that", async () => {
    await using t = await testAuth();
    await t.person({ email, verified: false });
    await t.mailbox();
    t.clock.advance(seconds(20));
    const own = await t.http.post(path, { email: "ADA@example.org" });
    assert.match(own.body.detail, /^Nothing was sent: .* in 40 seconds\.$/);
    const from = "203.0.113.7";
    const stranger = await t.http.post(path, { email }, { from });
    const nobodys = await t.http.post(path, { email: "nobody@example.org" }, { from });
    assert.deepEqual(stranger.body, nobodys.body);
    assert.equal(stranger.body.detail, resent);
    assert.equal((await t.mailbox()).length, 1, "the link that is just arriving still works");
    t.clock.advance(seconds(40));
    assert.equal((await t.http.post(path, { email })).body.detail, resent);
    assert.equal((await t.mailbox()).length, 2);
  });

  it("sends what was promised though the mail before had to wait a moment to be written", async () => {
    await using t = await testAuth();
    await t.person({ email, verified: false });
    t.clock.advance(500);
    await t.mailbox();
    t.clock.advance(seconds(60) - 500);
    assert.equal((await t.http.post(path, { email })).body.detail, resent);
    assert.equal(await countOf(t, "verify-email"), 2);
  });

  it("leaves all or nothing, whichever statement fails, on a page or by the API", async () => {
    for (const ask of [resendToCaller, requestByCaller]) {
      await sweep(async (t) => {
        await t.person({ email, verified: ask === requestByCaller });
        t.clock.advance("1h");
        return () => ask(t.ctx, email);
      });
    }
  });

  it("keeps nobody waiting where limits are off", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    await t.person({ email, verified: false });
    const { body } = await t.http.post(path, { email });
    assert.deepEqual(body, { detail: resent });
    assert.equal(await countOf(t, "verify-email"), 2);
  });
});

describe("a mail whose link does not work any more is sent again at once", () => {
  it("after a reset link was used", async () => {
    await using t = await testAuth();
    await t.person({ email });
    await t.auth.passwordReset.request(email);
    const used = await t.linkToken("reset-password", email);
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", chosen(used))).status, 200);
    await t.auth.passwordReset.request(email);
    assert.notEqual(await t.linkToken("reset-password", email), used);
  });

  it("after a change of password ended it: else a thief who changes it keeps the owner out", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person({ email, password })).signIn();
    await t.auth.passwordReset.request(email);
    const ended = await t.linkToken("reset-password", email);
    const change = { ...chosen(""), current_password: password };
    const changed = await t.http.post("/api/auth/password/change/", change, { token: access });
    assert.equal(changed.status, 200, changed.text);
    await t.auth.passwordReset.request(email);
    assert.notEqual(await t.linkToken("reset-password", email), ended);
  });

  it("after its code was guessed at until it was dead", async () => {
    await using t = await testAuth();
    await t.person({ email, verified: false });
    const code = await mailedCode(t, email);
    const wrong = code === "111111" ? "222222" : "111111";
    for (let n = 0; n < 5; n += 1) await t.http.post("/api/auth/verify-email/", { email, code: wrong });
    await t.auth.emailVerification.resend(email);
    const newer = await mailedCode(t, email);
    assert.notEqual(newer, code);
    assert.equal((await t.http.post("/api/auth/verify-email/", { email, code: newer })).status, 200);
  });

  it("after its account was deleted and the address registered anew", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person({ email, password })).signIn();
    const gone = await t.http.delete("/api/auth/account/", { password }, { token: access });
    assert.equal(gone.status, 200, gone.text);
    const before = await countOf(t, "verify-email");
    await t.person({ email, verified: false });
    assert.equal(await countOf(t, "verify-email"), before + 1);
  });
});

describe("the budget of a mail", () => {
  it("is used up span by span, and what is left even so counts from the mail before", async () => {
    const budget = [
      { most: 1, within: 1000 },
      { most: 2, within: 10_000 },
      { most: 3, within: 100_000 },
    ];
    const { mail, feature } = noteMail({ budget, evenSo: () => ({ most: 1, within: 20_000 }) });
    await using t = await testAuth({ features: [...standardFeatures, feature] });
    const sentAfter: number[] = [];
    for (let second = 0; second < 100; second += 0.5) {
      await t.ctx.transaction((ctx) => enqueueMail(ctx, mail, email, { text: "Hello" }));
      const before = (await t.mailbox()).length;
      t.clock.advance(500);
      if (before > sentAfter.length) sentAfter.push(second);
    }
    assert.deepEqual(sentAfter, [0, 1, 10, 20, 40, 60, 80]);
  });
});
