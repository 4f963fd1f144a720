/** The pages that mailed links open, and the mailbox they are found in, in a real browser: with and without scripts. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { serve } from "../../packages/server/src/serve.ts";
import { type TestAuth, testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { executablePath, findFreePort, launch } from "./browser.ts";

const tooCommon = "password1";
const good = "Green-Valley-82";

const words = {
  en: {
    ...{ verify: "Verify email", verified: "Email verified", choose: "Choose a new password" },
    ...{ save: "Save password", done: "Password changed", dead: "This link does not work any more" },
    ...{ common: "This password is too common.", first: "New password", again: "New password, again" },
    ...{ error: "Error: ", another: "Ask for another link", email: "Email address", send: "Send a link" },
    ...{ sent: "Check your email", sendAgain: "Send again", notYet: "Nothing was sent yet" },
    sendLink: "Send a new link",
  },
  "pt-BR": {
    ...{ verify: "Confirmar e-mail", verified: "E-mail confirmado", choose: "Escolha uma nova senha" },
    ...{ save: "Salvar senha", done: "Senha alterada", dead: "Este link não funciona mais" },
    ...{ common: "Esta senha é comum demais.", first: "Nova senha", again: "Nova senha, de novo" },
    ...{ error: "Erro: ", another: "Pedir outro link", email: "Endereço de e-mail", send: "Enviar link" },
    ...{ sent: "Confira seu e-mail", sendAgain: "Enviar de novo", notYet: "Nada foi enviado ainda" },
    sendLink: "Enviar novo link",
  },
} as const;

interface Place extends AsyncDisposable {
  readonly t: TestAuth;
  readonly url: string;
}

async function startServer(): Promise<Place> {
  const port = await findFreePort();
  const url = `http://localhost:${port}`;
  const t = await testAuth({ environment: { PUBLIC_URL: url, NODE_ENV: "development" } });
  t.clock.start();
  const { stop } = await serve(t.auth, { host: "127.0.0.1", port });
  const dispose = async () => {
    await stop();
    await t[Symbol.asyncDispose]();
  };
  return { t, url, [Symbol.asyncDispose]: dispose };
}

/** Everything that a browser complains of, in any tab; a form that was refused with 400 is what a test asked for. */
function listenForComplaints(context: BrowserContext): string[] {
  const complaints: string[] = [];
  const listen = (page: Page) => {
    page.on("console", (message) => {
      const isExpected = /status of 40[04]/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isExpected) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  };
  context.on("page", listen);
  return complaints;
}

async function post(url: string, language: string, body: unknown): Promise<number> {
  const headers = { "content-type": "application/json", "accept-language": language };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).status;
}

/** The tab that a click opens. */
async function opened(page: Page, click: () => Promise<void>): Promise<Page> {
  const [tab] = await Promise.all([page.waitForEvent("popup"), click()]);
  await tab.waitForLoadState();
  return tab;
}

describe("a browser", { skip: existsSync(executablePath) ? false : "no Chromium here" }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  for (const language of ["en", "pt-BR"] as const) {
    for (const javaScriptEnabled of [true, false]) {
      it(`in ${language}, ${javaScriptEnabled ? "with" : "without"} scripts, goes from a mail to a password`, async () => {
        await using place = await startServer();
        const { url } = place;
        const say = words[language];
        const context = await browser.newContext({ locale: language, javaScriptEnabled });
        const complaints = listenForComplaints(context);
        const page = await context.newPage();
        const heading = (tab: Page) => tab.locator("h1").textContent();

        await page.goto(`${url}/_/mailbox/`);
        assert.match((await page.locator("main").textContent()) ?? "", /No mail yet/);
        const account = { email: "ada@example.org", username: "ada", first_name: "", last_name: "" };
        const passwords = { password: "Blue-Harbour-71", password2: "Blue-Harbour-71" };
        assert.equal(await post(`${url}/api/auth/register/`, language, { ...account, ...passwords }), 201);
        // The page finds it by itself; without scripts, when it is asked to.
        const lookFor = async (mail: string) => {
          while (!javaScriptEnabled && (await page.getByText(mail).count()) === 0)
            await page.getByText("Look for new mail").click();
        };
        await lookFor("verify-email");
        await page.locator(".mails a").first().click({ timeout: 10_000 });
        const verify = await opened(page, () => page.getByText("Open link").click());
        await verify.getByRole("button", { name: say.verify }).click();
        assert.equal(await heading(verify), say.verified);
        const signIn = (password: string) =>
          post(`${url}/api/auth/login/`, language, { email: account.email, password });
        assert.equal(await signIn(passwords.password), 200);

        await post(`${url}/api/auth/password/reset/request/`, language, { email: account.email });
        await page.goto(`${url}/_/mailbox/`);
        await lookFor("reset-password");
        await page.getByText("reset-password").click({ timeout: 10_000 });
        // The button of the mail itself, in its frame.
        const mail = page.frameLocator("iframe");
        const reset = await opened(page, () => mail.locator("td.fill a").click());
        assert.equal(await heading(reset), say.choose);
        const fill = async (first: string, again: string) => {
          await reset.getByLabel(say.first, { exact: true }).fill(first);
          await reset.getByLabel(say.again, { exact: true }).fill(again);
          await reset.getByRole("button", { name: say.save }).click();
        };
        await fill(good, "Green-Valley-83");
        assert.equal(await reset.locator("#again[aria-invalid]:focus").count(), 1);
        assert.ok((await reset.title()).startsWith(say.error));
        await fill(tooCommon, tooCommon);
        assert.equal(await reset.locator("#password-errors").textContent(), say.common);
        await fill(good, good);
        assert.equal(await heading(reset), say.done);
        assert.deepEqual([await signIn(passwords.password), await signIn(good)], [400, 200]);

        const again = await opened(page, () => mail.locator("td.fill a").click());
        assert.equal(await heading(again), say.dead);
        assert.equal(await again.locator("form").count(), 0);

        // Neither is a dead end.
        await again.getByRole("link", { name: say.another }).click();
        await again.getByLabel(say.email).fill(account.email);
        await again.getByRole("button", { name: say.send }).click();
        assert.equal(await heading(again), say.sent);
        await again.getByRole("button", { name: say.sendAgain }).click();
        assert.equal(await heading(again), say.notYet);
        await page.goto(`${url}/verify-email/x/`);
        assert.equal(await heading(page), say.dead);
        await page.getByLabel(say.email).fill(account.email);
        await page.getByRole("button", { name: say.sendLink }).click();
        assert.ok([say.sent, say.notYet].includes((await heading(page)) ?? ""));
        assert.deepEqual(complaints, []);
        await context.close();
      });
    }
  }

  it("shows every page without scrolling sideways, on a phone and on a desk, in light and in dark", async () => {
    await using place = await startServer();
    const { t, url } = place;
    const email = "somebody.with.a.rather.long.address.and.name@subdomain.example.org";
    await t.person({ email, username: "ada", verified: false });
    await post(`${url}/api/auth/password/reset/request/`, "en", { email });
    const list = `${url}/_/mailbox/api/messages/?wait=5s&template=reset-password`;
    const { messages } = (await (await fetch(list)).json()) as { messages: { id: string; link: string }[] };
    const [{ id, link } = assert.fail()] = messages;
    const ours = ["/_/docs/", "/verify-email/x/", "/verify-email/", "/forgot-password/"].map(
      (path) => url + path,
    );
    for (const colorScheme of ["light", "dark"] as const) {
      for (const viewport of [
        { width: 320, height: 640 },
        { width: 1280, height: 800 },
      ]) {
        const context = await browser.newContext({ colorScheme, viewport });
        const page = await context.newPage();
        for (const path of [`${url}/_/mailbox/`, `${url}/_/mailbox/${id}/`, link, ...ours]) {
          await page.goto(path);
          const width = await page.evaluate("document.documentElement.scrollWidth");
          assert.equal(width, viewport.width, `${path} ${colorScheme} ${viewport.width}`);
        }
        await context.close();
      }
    }
  });
});
