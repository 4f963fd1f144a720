/** The first minute behind nginx, which serves us under a path and calls us by another name than people do. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { serve } from "../../packages/server/src/serve.ts";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { executablePath, findFreePort, launch } from "./browser.ts";

const nginx = "/usr/sbin/nginx";
const key = "a-key-for-this-mailbox";

/** nginx in front of a port: it takes the path off, and names us as it calls us, as a bare `proxy_pass` does. */
async function startNginx(port: number, to: number): Promise<AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), "imagaine-auth-nginx-"));
  const file = join(directory, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log stderr;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server {
    listen 127.0.0.1:${port};
    location /accounts/ {
      proxy_pass http://127.0.0.1:${to}/;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}`,
  );
  const child: ChildProcess = spawn(nginx, ["-c", file, "-p", directory], { stdio: "ignore" });
  for (let tries = 0; tries < 100 && !(await isListening(port)); tries += 1) await pause(50);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
      rmSync(directory, { recursive: true });
    },
  };
}

const isListening = (port: number) =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );

const missing = [executablePath, nginx].find((path) => !existsSync(path));

describe("behind nginx, under a path", { skip: missing ? `no ${missing} here` : false }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("the first minute goes as it does without", async () => {
    const [port, outside] = [await findFreePort(), await findFreePort()];
    const base = `http://127.0.0.1:${outside}/accounts`;
    await using t = await testAuth({
      environment: {
        ...{ NODE_ENV: "development", PUBLIC_URL: base, TRUSTED_PROXIES: "127.0.0.1", MAILBOX_KEY: key },
      },
    });
    t.clock.start();
    await using stack = new AsyncDisposableStack();
    const serving = await serve(t.auth, { host: "127.0.0.1", port });
    stack.defer(async () => void (await serving.stop()));
    stack.use(await startNginx(outside, port));
    const call = async (path: string, body: unknown) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
      return answer.status;
    };
    const page = await (await browser.newContext()).newPage();
    const failed: string[] = [];
    page.on("response", (answer) => {
      if (answer.status() >= 400 && answer.status() !== 403)
        failed.push(`${answer.status()} ${answer.url()}`);
    });
    const heading = () => page.locator("h1").textContent();

    // The start page and all that it leads to.
    await page.goto(`${base}/`);
    const links = await page.evaluate("Array.from(document.links, (link) => link.href)");
    assert.ok((links as string[]).length > 3);
    for (const link of links as string[]) {
      assert.ok(link.startsWith(`${base}/`), link);
      await page.goto(link);
    }
    // From the reference to the document it is made of.
    await page.goto(`${base}/_/docs/`);
    await page.getByRole("link", { name: "OpenAPI" }).click();
    assert.match(page.url(), /\/accounts\/api\/schema\/$/);

    const account = { email: "ada@example.org", username: "ada", first_name: "", last_name: "" };
    const passwords = { password: "Blue-Harbour-71", password2: "Blue-Harbour-71" };
    assert.equal(await call("/api/auth/register/", { ...account, ...passwords }), 201);

    // The mailbox asks for its key, since a proxy stands in front.
    await page.goto(`${base}/_/mailbox/`);
    await page.getByLabel("Key").fill(key);
    await page.getByRole("button", { name: "Open" }).click();
    await page.locator(".mails a").first().click({ timeout: 15_000 });
    const openLink = async () => {
      const link = page.getByRole("link", { name: "Open link" });
      await page.goto((await link.getAttribute("href")) ?? "");
    };
    await openLink();
    assert.ok(page.url().startsWith(`${base}/verify-email/`));
    await page.getByRole("button", { name: "Verify email" }).click();
    assert.equal(await heading(), "Email verified");
    assert.equal(await call("/api/auth/login/", { email: account.email, password: passwords.password }), 200);

    assert.equal(await call("/api/auth/password/reset/request/", { email: account.email }), 200);
    await page.goto(`${base}/_/mailbox/`);
    await page.getByText("reset-password").click({ timeout: 15_000 });
    await openLink();
    await page.getByLabel("New password", { exact: true }).fill("Green-Valley-82");
    await page.getByLabel("New password, again").fill("Green-Valley-82");
    await page.getByRole("button", { name: "Save password" }).click();
    assert.equal(await heading(), "Password changed");
    assert.equal(await call("/api/auth/login/", { email: account.email, password: "Green-Valley-82" }), 200);
    assert.deepEqual(failed, []);
  });
});
