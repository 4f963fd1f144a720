/** The tutorial, gone through as it stands: its page, its script, its file server, and what it says happens. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { serve } from "../../packages/server/src/serve.ts";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { executablePath, findFreePort, launch } from "./browser.ts";

const tutorial = readFileSync(join(import.meta.dirname, "../../docs/tutorial/first-login.md"), "utf8");

/** The blocks of one language, in their order. */
const blocks = (language: string) =>
  [...tutorial.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, label, text = ""]) =>
    label === language ? [text] : [],
  );

describe("the tutorial", { skip: existsSync(executablePath) ? false : "no Chromium here" }, () => {
  it("goes from nothing to a page that knows who you are", async () => {
    await using stack = new AsyncDisposableStack();
    const [port, pagePort] = [await findFreePort(), await findFreePort()];
    const url = `http://localhost:${port}`;
    const t = stack.use(await testAuth({ environment: { NODE_ENV: "development", PUBLIC_URL: url } }));
    t.clock.start();
    const serving = await serve(t.auth, { host: "127.0.0.1", port });
    stack.defer(async () => void (await serving.stop()));

    const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-tutorial-"));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const [page = "", script = ""] = [blocks("html")[0], blocks("js")[0]];
    writeFileSync(join(folder, "index.html"), page);
    writeFileSync(join(folder, "page.js"), script.replaceAll("http://localhost:8000", url));
    const [program = "", ...rest] = (blocks("sh")[1] ?? "")
      .trim()
      .replace("5173", String(pagePort))
      .split(" ");
    const files = spawn(program, rest, { cwd: folder, stdio: "ignore" });
    stack.defer(async () => {
      files.kill();
      if (files.exitCode === null && files.signalCode === null) await once(files, "exit");
    });
    const isThere = () => fetch(`http://127.0.0.1:${pagePort}/`).then(Boolean, () => false);
    for (let tries = 0; tries < 100 && !(await isThere()); tries += 1) await pause(50);

    const browser = await launch();
    stack.defer(() => browser.close());
    const tab = await browser.newPage();
    await tab.goto(`http://localhost:${pagePort}/`);
    const said = async (text: RegExp) => {
      await tab.locator("#said", { hasText: text }).waitFor({ timeout: 10_000 });
    };
    const fill = async (form: string, values: Record<string, string>) => {
      for (const [name, value] of Object.entries(values)) await tab.fill(`#${form} [name=${name}]`, value);
      await tab.click(`#${form} button`);
    };
    const person = { email: "ada@example.org", username: "ada" };
    await fill("register", { ...person, password: "password" });
    await said(/This password is too common/);
    const password = "Blue-Harbour-71";
    await fill("register", { ...person, password });
    await said(/check your email/);
    await fill("login", { email: person.email, password });
    await said(/verify your email/);

    const mailbox = await browser.newPage();
    await mailbox.goto(`${url}/_/mailbox/`);
    await mailbox.locator(".mails a").first().click({ timeout: 10_000 });
    await mailbox.goto((await mailbox.getByText("Open link").getAttribute("href")) ?? "");
    await mailbox.getByRole("button").click();
    await fill("login", { email: person.email, password });
    await tab.locator("#hello", { hasText: "Hello, ada." }).waitFor({ timeout: 10_000 });
    assert.equal(await tab.locator("#hello").textContent(), "Hello, ada.");
  });
});
