/** Everybody can use the pages: an error is said first and leads to what is wrong, no focus is lost, nothing is cut off. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { serve } from "../../packages/server/src/serve.ts";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { executablePath, findFreePort, launch } from "./browser.ts";

const key = "a-key-for-this-mailbox";
/** Comes through a proxy, so that the mailbox asks for its key. */
const fromElsewhere = { "x-forwarded-for": "203.0.113.7" };
const longAddress = "somebody.with.a.rather.long.address.and.name@subdomain.example.org";
const dead = "00000000-0000-4000-8000-000000000000";

const words = {
  en: { error: "Error: ", tooOften: "Too many attempts" },
  "pt-BR": { error: "Erro: ", tooOften: "Muitas tentativas" },
} as const;

interface Mail {
  readonly id: string;
  readonly code: string;
  readonly link: string;
}

async function findMail(url: string, template: string): Promise<Mail> {
  const list = await fetch(`${url}/_/mailbox/api/messages/?wait=20s&template=${template}`);
  const { messages } = (await list.json()) as { messages: Mail[] };
  return messages[0] ?? assert.fail(`no ${template}`);
}

/** Nothing scrolls sideways on the narrowest phone (WCAG 2.2, 1.4.10), and there is one heading that says what it is. */
async function check(page: Page): Promise<void> {
  const where = `${await page.title()} ${page.url()}`;
  await page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 320, where);
  assert.equal(await page.locator("h1").count(), 1, where);
}

/** Says first that something is wrong, and leads there: to the field that is wrong, or to the message. */
async function checkError(page: Page, language: keyof typeof words): Promise<void> {
  const title = await page.title();
  assert.ok(title.startsWith(words[language].error), title);
  const focused = page.locator("[aria-invalid=true]:focus, [role=alert]:focus");
  assert.equal(await focused.count(), 1, title);
  const described = await focused.getAttribute("aria-describedby");
  if (described !== null) assert.notEqual(await page.locator(`#${described}`).textContent(), "");
  await check(page);
}

describe("every page", { skip: existsSync(executablePath) ? false : "no Chromium here" }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  /** A server of its own, and a tab. */
  async function open(options: BrowserContextOptions = {}) {
    const stack = new AsyncDisposableStack();
    const port = await findFreePort();
    const url = `http://localhost:${port}`;
    const environment = { NODE_ENV: "development", PUBLIC_URL: url, MAILBOX_KEY: key };
    const t = stack.use(await testAuth({ environment }));
    t.clock.start();
    const serving = await serve(t.auth, { host: "127.0.0.1", port });
    stack.defer(async () => void (await serving.stop()));
    const context = await browser.newContext(options);
    stack.defer(() => context.close());
    const page = await context.newPage();
    return { t, url, context, page, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  for (const language of ["en", "pt-BR"] as const) {
    it(`leads to what is wrong, and fits the narrowest phone, in ${language}`, async () => {
      await using place = await open({ locale: language });
      const { t, url, page } = place;
      const { tooOften } = words[language];
      const submit = (tab = page) => tab.locator("form button").first().click();
      const visit = async (address: string) => {
        await page.goto(address);
        await check(page);
      };

      for (const path of ["/", "/verify-email/", "/forgot-password/", "/nowhere"]) await visit(url + path);

      const ada = await t.person({ email: longAddress, verified: false });
      const { link } = await findMail(url, "verify-email");
      await visit(link);
      await submit();
      await check(page);
      await visit(link);
      await visit(`${url}/verify-email/${dead}/`);

      // A browser would take this address, we do not.
      for (const path of ["/verify-email/", "/forgot-password/"]) {
        await page.goto(url + path);
        await page.locator("[type=email]").fill("ada@example");
        await submit();
        await checkError(page, language);
      }
      await page.locator("[type=email]").fill(ada.email);
      await submit();
      await check(page);
      await submit();
      await check(page);

      const reset = await findMail(url, "reset-password");
      await visit(reset.link);
      const choose = async (password: string, again: string, tab = page) => {
        await tab.locator("[type=password]").nth(0).fill(password);
        await tab.locator("[type=password]").nth(1).fill(again);
        await submit(tab);
      };
      await choose("password1", "password1");
      await checkError(page, language);
      await choose("Green-Valley-82", "Green-Valley-83");
      await checkError(page, language);
      const late = await place.context.newPage();
      await late.goto(reset.link);
      await choose("Green-Valley-82", "Green-Valley-82");
      await check(page);
      await choose("Green-Valley-83", "Green-Valley-83", late);
      await checkError(late, language);
      await visit(reset.link);

      // The last of all, since nobody from this address is served any more.
      for (let count = 0; !(await page.title()).includes(tooOften); count += 1) {
        assert.ok(count < 50, "there is no end");
        await page.goto(`${url}/forgot-password/`);
        await page.locator("[type=email]").fill(`somebody${count}@example.org`);
        await submit();
      }
      await checkError(page, language);
    });
  }

  it("of the operator fits the narrowest phone, and says when a key is wrong", async () => {
    await using place = await open();
    const { t, url, page } = place;
    const visit = async (path: string) => {
      await page.goto(url + path);
      await check(page);
    };
    for (const path of ["/_/", "/_/docs/", "/api/auth/", "/_/mailbox/"]) await visit(path);
    const ada = await t.person({ email: longAddress, verified: false });
    await t.auth.passwordReset.request(ada.email);
    for (const template of ["verify-email", "reset-password"])
      await visit(`/_/mailbox/${(await findMail(url, template)).id}/`);
    await visit("/_/mailbox/");

    const stranger = await browser.newContext({ extraHTTPHeaders: fromElsewhere });
    const knocking = await stranger.newPage();
    await knocking.goto(`${url}/_/mailbox/`);
    await check(knocking);
    await knocking.getByLabel("Key").fill("not the key");
    await knocking.getByRole("button", { name: "Open" }).click();
    await checkError(knocking, "en");
    await stranger.close();
  });

  it("shows a mail whole in its frame, however narrow", async () => {
    await using place = await open();
    const { t, url, page } = place;
    const ada = await t.person({ email: longAddress, verified: false });
    await t.auth.passwordReset.request(ada.email);
    for (const template of ["verify-email", "reset-password"]) {
      const { id } = await findMail(url, template);
      for (const width of [320, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto(`${url}/_/mailbox/${id}/`);
        const frame = page.frames()[1] ?? assert.fail("no frame");
        const root = "document.documentElement";
        const [inside, outside] = await frame.evaluate<number[]>(
          `[${root}.scrollWidth, ${root}.clientWidth]`,
        );
        assert.equal(inside, outside, `${template} ${width}`);
      }
    }
  });

  it("of new mail is shown by itself, and what has the focus keeps it", async () => {
    await using place = await open();
    const { t, url, page } = place;
    await page.goto(`${url}/_/mailbox/`);
    await t.person({ email: "first@example.org", verified: false });
    await page.getByText("first@example.org").waitFor();
    assert.equal(await page.locator("[role=status]").textContent(), "1 new mail");

    const first = page.locator(".mails a", { hasText: "first@example.org" });
    const empty = page.getByRole("button", { name: "Empty the mailbox" });
    for (const [focused, email] of [
      [first, "second@example.org"],
      [empty, "third@example.org"],
    ] as const) {
      await focused.focus();
      await page.evaluate("globalThis.focused = document.activeElement");
      await t.person({ email, verified: false });
      await page.getByText(email).waitFor();
      // The same element, which was never taken out: a screen reader would begin to read it again.
      assert.ok(await page.evaluate("globalThis.focused === document.activeElement"), email);
    }
    assert.deepEqual(await page.locator(".mails .soft:not(.aside)").allTextContents(), [
      ...["third@example.org", "second@example.org", "first@example.org"],
    ]);

    // Emptied in another tab.
    const other = await place.context.newPage();
    await other.goto(`${url}/_/mailbox/`);
    await other.getByRole("button", { name: "Empty the mailbox" }).click();
    await page.bringToFront();
    await page.getByText("No mail yet").waitFor();
  });

  it("of a mail copies its code", async () => {
    await using place = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    const { t, url, page } = place;
    await t.person({ email: "ada@example.org", verified: false });
    const { id, code } = await findMail(url, "verify-email");
    await page.goto(`${url}/_/mailbox/${id}/`);
    await page.getByRole("button", { name: "Copy code" }).click();
    await page.getByText("Copied").waitFor();
    assert.match(code, /^\d{6,}$/);
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), code);
  });
});
