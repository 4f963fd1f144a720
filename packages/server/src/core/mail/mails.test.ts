import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Environment } from "../../platform/settings.ts";
import { type Language, languages } from "../../platform/texts.ts";
import { type SentMail, type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { spellDuration } from "./spell-duration.ts";

const kinds = [
  "verify-email",
  "welcome",
  "already-registered",
  "new-device",
  "reset-password",
  "password-changed",
  "session-reuse",
  "account-locked",
  "sessions-full",
] as const;
type Kind = (typeof kinds)[number];

/** What strangers write where a mail could repeat it. */
const userAgent =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 <a href=//evil.example>{{7*7}}</a>\thttps://evil.example/x";

/** Everything that makes a system of ours write to somebody, asked for in one language under a false name. */
async function tellStory(t: TestAuth, language: Language): Promise<Map<Kind, SentMail>> {
  const headers = {
    ...{ "accept-language": language, "user-agent": userAgent },
    ...{ host: "evil.example", "x-forwarded-host": "evil.example", forwarded: "host=evil.example" },
  };
  const about = { headers, from: "203.0.113.7" };
  const email = "ada@example.org";
  const post = (path: string, body: unknown) => t.http.post(path, body, about);
  const account = {
    ...{ email, username: "www.evil.example", bio: "See https://evil.example {{7*7}} ${7*7} <%= 7*7 %>" },
    ...{ first_name: "[x](//evil.example)\r\nBcc: eve@evil.example", last_name: "<img src=//evil.example>" },
  };
  const password = "Blue-Harbour-71";
  await post("/api/auth/register/", { ...account, password, password2: password });
  await post(`/api/auth/verify-email/${await t.linkToken("verify-email", email)}/`, {});
  await post("/api/auth/register/", { ...account, username: "eve", password, password2: password });
  await t.http.post("/api/auth/login/", { email, password }, { ...about, from: "198.51.100.7" });
  const { refresh } = (await post("/api/auth/login/", { email, password })).body;
  const { refresh: next } = (await post("/api/auth/token/refresh/", { refresh })).body;
  await post("/api/auth/token/refresh/", { refresh: next });
  assert.equal((await post("/api/auth/token/refresh/", { refresh })).status, 401);
  t.clock.advance("1m");
  await post("/api/auth/password/reset/request/", { email });
  const token = await t.linkToken("reset-password", email);
  const chosen = { new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
  assert.equal((await post("/api/auth/password/reset/confirm/", { token, ...chosen })).status, 200);
  for (let n = 0; n < 10; n += 1) await post("/api/auth/login/", { email, password: "Wrong-Harbour-1" });
  const mails = await t.mailbox();
  return new Map(kinds.map((kind) => [kind, mails.find(({ mail }) => mail === kind) ?? assert.fail(kind)]));
}

async function collect(language: Language, environment: Environment = {}): Promise<Map<Kind, SentMail>> {
  const usual = {
    PUBLIC_URL: "https://auth.example.org",
    APP_NAME: "Example",
    WELCOME_EMAIL: "on",
    SESSIONS_PER_ACCOUNT: "1",
  };
  await using t = await testAuth({ environment: { ...usual, ...environment } });
  return await tellStory(t, language);
}

/** Without what is different each time. */
const settle = (text: string) =>
  text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "TOKEN").replace(/\b\d{3} \d{3}\b/g, "493 771");

const preheaderOf = ({ html }: SentMail) =>
  /<div style="[^"]*">([^<]*?)(?:&zwnj;&nbsp;)*<\/div>/.exec(html)?.[1]?.replaceAll("&#39;", "'") ?? "";

const goldens: Readonly<Record<Language, Readonly<Record<Kind, string>>>> = {
  en: {
    "verify-email": `493 771 is your Example code
---
Type this code on the page where you created your account, or open the link below.

493 771

Verify email:
https://auth.example.org/verify-email/TOKEN/

The code works for 15 minutes, the link for 24 hours.

You got this mail because somebody created an account with this address. If it wasn't you, ignore it.

Example
`,
    welcome: `Welcome to Example
---
Your address is verified and your account is ready.

Example
`,
    "already-registered": `You already have an account
---
Somebody tried to create an account with this address, but you already have one.

If you forgot your password, you can choose a new one on the sign-in page.

When: Nov 24, 2026, 12:00 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

If it wasn't you, there is nothing to do: nobody got into your account.

Example
`,
    "new-device": `New sign-in: Chrome on Windows
---
Your account was just used on a device that we have not seen before.

When: Nov 24, 2026, 12:00 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

If it was you, there is nothing to do.

If it wasn't you, reset your password at once: that signs every device out.

Example
`,
    "reset-password": `Reset your Example password
---
Somebody asked to reset the password of your account. If it was you, choose a new one here.

Choose a new password:
https://auth.example.org/reset-password/TOKEN/

When: Nov 24, 2026, 12:01 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

The link can be used once, within 60 minutes.

If it wasn't you, ignore this mail: your password stays as it is.

Example
`,
    "password-changed": `Your password was changed
---
The password of your account was changed, and other devices were signed out.

When: Nov 24, 2026, 12:01 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

If it wasn't you, reset your password at once: only somebody who reads this mailbox can do that.

Example
`,
    "session-reuse": `We ended a session to protect you
---
One of your sign-ins was used in two places, as happens when somebody has copied it. To be safe, we signed that device out.

When: Nov 24, 2026, 12:00 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

Sign in again on your device. If you don't know what this was, reset your password as well.

Example
`,
    "account-locked": `Sign-in paused for up to 15 minutes
---
Somebody typed too many wrong passwords for your account. For up to 15 minutes, nobody can sign in to it on a device that is new to us.

When: Nov 24, 2026, 12:01 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

If it was you, wait a little, or use a device on which you signed in before. If you forgot your password, reset it.

If it wasn't you, there is nothing to do: none of those passwords was the right one.

Example
`,
    "sessions-full": `We signed some of your devices out
---
Your account was signed in to in more places at once than it may be, so we signed out those that were used least.

When: Nov 24, 2026, 12:00 PM UTC
Device: Chrome on Windows
IP address: 203.0.113.7

If a program of yours signs in again and again, let it keep its sign-in instead.

If you don't know what this was, reset your password at once: that signs every device out.

Example
`,
  },
  "pt-BR": {
    "verify-email": `493 771 é seu código Example
---
Digite este código na página em que você criou a conta ou abra o link abaixo.

493 771

Confirmar e-mail:
https://auth.example.org/verify-email/TOKEN/

O código vale por 15 minutos; o link, por 24 horas.

Você recebeu este e-mail porque alguém criou uma conta com este endereço. Se não foi você, basta ignorar.

Example
`,
    welcome: `Boas-vindas ao Example
---
Seu endereço está confirmado e sua conta está pronta.

Example
`,
    "already-registered": `Você já tem uma conta
---
Alguém tentou criar uma conta com este endereço, mas você já tem uma.

Se você esqueceu sua senha, pode escolher outra na página de acesso.

Quando: 24 de nov. de 2026, 12:00 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

Se não foi você, não há nada a fazer: ninguém entrou na sua conta.

Example
`,
    "new-device": `Novo acesso: Chrome no Windows
---
Sua conta acaba de ser usada em um aparelho que ainda não conhecíamos.

Quando: 24 de nov. de 2026, 12:00 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

Se foi você, não há nada a fazer.

Se não foi você, redefina já a sua senha: isso desconecta todos os aparelhos.

Example
`,
    "reset-password": `Redefina sua senha do Example
---
Alguém pediu para redefinir a senha da sua conta. Se foi você, escolha uma nova aqui.

Escolher nova senha:
https://auth.example.org/reset-password/TOKEN/

Quando: 24 de nov. de 2026, 12:01 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

O link pode ser usado uma vez, em até 60 minutos.

Se não foi você, ignore este e-mail: sua senha continua a mesma.

Example
`,
    "password-changed": `Sua senha foi alterada
---
A senha da sua conta foi alterada e os outros aparelhos foram desconectados.

Quando: 24 de nov. de 2026, 12:01 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

Se não foi você, redefina já a sua senha: só quem lê esta caixa de e-mail consegue fazer isso.

Example
`,
    "session-reuse": `Encerramos uma sessão para proteger você
---
Um dos seus acessos foi usado em dois lugares, como acontece quando alguém o copia. Por segurança, desconectamos esse aparelho.

Quando: 24 de nov. de 2026, 12:00 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

Entre de novo no seu aparelho. Se você não sabe o que houve, redefina também a sua senha.

Example
`,
    "account-locked": `Acesso pausado por até 15 minutos
---
Alguém digitou senhas erradas demais para a sua conta. Por até 15 minutos, ninguém pode entrar nela em um aparelho que ainda não conhecemos.

Quando: 24 de nov. de 2026, 12:01 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

Se foi você, espere um pouco ou use um aparelho em que já entrou antes. Se esqueceu sua senha, redefina-a.

Se não foi você, não há nada a fazer: nenhuma dessas senhas era a certa.

Example
`,
    "sessions-full": `Desconectamos alguns dos seus aparelhos
---
Sua conta foi acessada em mais lugares ao mesmo tempo do que é permitido, por isso desconectamos os menos usados.

Quando: 24 de nov. de 2026, 12:00 UTC
Aparelho: Chrome no Windows
Endereço IP: 203.0.113.7

Se um programa seu entra repetidamente, faça-o manter o acesso em vez disso.

Se você não sabe o que houve, redefina já a sua senha: isso desconecta todos os aparelhos.

Example
`,
  },
};

for (const language of languages) {
  describe(`the mails in ${language}`, () => {
    it("say this, to the letter", async () => {
      const mails = await collect(language);
      for (const kind of kinds) {
        const { subject, text } = mails.get(kind) ?? assert.fail(kind);
        assert.equal(settle(`${subject}\n---\n${text}`), goldens[language][kind], kind);
      }
    });

    it("fit where they are read: subject, first line of a list, a minute of somebody's time", async () => {
      for (const [kind, mail] of await collect(language)) {
        const { subject, text } = mail;
        assert.ok(subject.replace("Example", "").length <= 45, `${kind}: ${subject}`);
        const preheader = preheaderOf(mail);
        assert.ok(preheader.length > 10 && preheader.length <= 90, `${kind}: ${preheader}`);
        assert.notEqual(preheader, subject);
        assert.ok(text.split(/\s+/).filter(Boolean).length <= 90, `${kind}: ${text}`);
        assert.doesNotMatch(text, /!|\{|\}|undefined|NaN/, kind);
        assert.ok(
          Buffer.byteLength(mail.html) <= 15 * 1024,
          `${kind}: ${Buffer.byteLength(mail.html)} bytes`,
        );
      }
    });

    it("ask for one thing, say what to do about a mail that was not asked for, and when in a zone that is named", async () => {
      const ifNot = {
        en: /If (?:it wasn't you|you don't know what this was)/,
        "pt-BR": /Se (?:não foi você|você não sabe o que houve)/,
      };
      for (const [kind, { text, html }] of await collect(language, {
        FRONTEND_URL: "https://app.example.org",
      })) {
        assert.ok((html.match(/<td class="fill"/g) ?? []).length <= 1, `${kind} has more than one button`);
        assert.equal((html.match(/<h1/g) ?? []).length, kind === "verify-email" ? 0 : 1, kind);
        const [last = ""] = text.trim().split("\n\n").slice(-2);
        if (kind !== "welcome") assert.match(last, ifNot[language], kind);
        for (const [time] of text.matchAll(/\d\d:\d\d.*/g)) assert.match(time, / UTC$/, kind);
        assert.match(html, new RegExp(`^<!doctype html>\n<html lang="${language}" dir="ltr">`), kind);
        assert.match(html, /@media\(prefers-color-scheme:dark\)/, kind);
      }
    });

    it("repeat nothing that a stranger wrote, and lead nowhere but to us", async () => {
      const withFrontend = await collect(language, { FRONTEND_URL: "https://app.example.org/en" });
      const without = await collect(language);
      for (const [mails, ours] of [
        [without, "https://auth.example.org/"],
        [withFrontend, "https://app.example.org/en"],
      ] as const) {
        for (const [kind, { text, html, subject, to }] of mails) {
          assert.equal(to, "ada@example.org");
          for (const said of [text, html, subject]) assert.doesNotMatch(said, /evil|7\*7|\{\{/, kind);
          const links = [...`${text} ${html}`.matchAll(/\bhttps?:\/\/[^\s"<]+/g)].map(([link]) => link);
          for (const link of links) assert.ok(link.startsWith(ours), `${kind}: ${link}`);
        }
      }
      const linked = (mails: Map<Kind, SentMail>) =>
        kinds.filter((kind) => mails.get(kind)?.text.includes("https://"));
      // Without a front end there is no page to sign in on, so no mail has a button that leads to one.
      assert.deepEqual(linked(without), ["verify-email", "reset-password"]);
      assert.deepEqual(linked(withFrontend), [
        "verify-email",
        "welcome",
        "already-registered",
        "reset-password",
      ]);
    });

    it("tell when and from where only to the owner of what is at stake", async () => {
      const mails = await collect(language);
      const telling = kinds.filter((kind) => mails.get(kind)?.text.includes("203.0.113.7"));
      assert.deepEqual(telling, [
        "already-registered",
        "new-device",
        "reset-password",
        "password-changed",
        "session-reuse",
        "account-locked",
        "sessions-full",
      ]);
    });
  });
}

describe("the application's name in mails", () => {
  it("is taken as it stands, on the line where it stands", async () => {
    const name = "A\r\nBcc: eve@evil.example\r\n\r\n<b>$& {time} {app}";
    const shown = "A Bcc: eve@evil.example <b>$& {time} {app}";
    const mails = await collect("en", { APP_NAME: name });
    const subjects = ["verify-email", "reset-password", "welcome"] as const;
    assert.deepEqual(
      subjects.map((kind) => settle(mails.get(kind)?.subject ?? "")),
      [`493 771 is your ${shown} code`, `Reset your ${shown} password`, `Welcome to ${shown}`],
    );
    for (const { text, html } of mails.values()) {
      assert.ok(text.endsWith(`\n\n${shown}\n`), text);
      assert.doesNotMatch(html, /<b>/);
    }
  });
});

describe("the language of a mail", () => {
  it("is that of the request, else the system's, whatever the account was registered in", async () => {
    await using t = await testAuth({ environment: { LANGUAGE_CODE: "pt-BR" } });
    const ada = await t.person();
    const languagesOf = async () =>
      (await t.mailbox()).filter(({ mail }) => mail === "reset-password").map(({ language }) => language);
    const ask = async (accept: string) => {
      const headers = { "accept-language": accept };
      await t.http.post("/api/auth/password/reset/request/", { email: ada.email }, { headers });
      await t.mailbox();
      t.clock.advance("1m");
    };
    for (const accept of ["en-GB,en;q=0.9", "pt-PT", "fr", ""]) await ask(accept);
    assert.deepEqual(await languagesOf(), ["en", "pt-BR", "pt-BR", "pt-BR"]);
  });
});

describe("spellDuration", () => {
  it("says a span in the unit people would use, and never more than it is", () => {
    const spans = [300_000, 3_600_000, 7_200_000, 86_400_000, 3 * 86_400_000, 90 * 60_000 + 59_000];
    assert.deepEqual(
      spans.map((span) => spellDuration(span, "en")),
      ["5 minutes", "60 minutes", "2 hours", "24 hours", "3 days", "90 minutes"],
    );
    assert.equal(spellDuration(86_400_000, "pt-BR"), "24 horas");
  });

  it("keeps a code from being promised for longer than its link", async () => {
    await using t = await testAuth({ environment: { EMAIL_VERIFICATION_TTL: "5m" } });
    const ada = await t.person({ verified: false });
    const [mail] = await t.mailbox();
    assert.match(mail?.text ?? "", /The code works for 5 minutes, the link for 5 minutes\./);
    t.clock.advance("5m");
    const code = /\b\d{3} \d{3}\b/.exec(mail?.text ?? "")?.[0];
    const answer = await t.http.post("/api/auth/verify-email/", { email: ada.email, code });
    assert.equal(answer.status, 400);
  });
});
