/** No page has a fault that axe can find: WCAG 2.2 to level AA, and its best practices, in light and in dark. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import axe from "axe-core";
import { serve } from "../../packages/server/src/serve.ts";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { executablePath, findFreePort, launch } from "./browser.ts";

const rules = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];

interface Fault {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

describe("every page", { skip: existsSync(executablePath) ? false : "no Chromium here" }, () => {
  for (const colorScheme of ["light", "dark"] as const) {
    it(`has no fault that axe finds, ${colorScheme}`, async () => {
      await using stack = new AsyncDisposableStack();
      const port = await findFreePort();
      const url = `http://localhost:${port}`;
      const t = stack.use(await testAuth({ environment: { NODE_ENV: "development", PUBLIC_URL: url } }));
      t.clock.start();
      const serving = await serve(t.auth, { host: "127.0.0.1", port });
      stack.defer(async () => void (await serving.stop()));
      const browser = await launch();
      stack.defer(() => browser.close());
      // axe is put into the page, which our policy would not let anything be.
      const context = await browser.newContext({
        colorScheme,
        bypassCSP: true,
        viewport: { width: 360, height: 800 },
      });

      const check = async (path: string) => {
        const page = await context.newPage();
        await page.goto(url + path);
        await page.evaluate(axe.source);
        const tags = JSON.stringify(rules);
        const faults = await page.evaluate<readonly Fault[]>(
          `axe.run(document, { runOnly: ${tags} }).then(({ violations }) => violations)`,
        );
        const found = faults.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        assert.deepEqual(found, [], path);
        await page.close();
      };

      await check("/_/mailbox/");
      const ada = await t.person({ verified: false });
      const link = `/verify-email/${await t.linkToken("verify-email", ada.email)}/`;
      const list = await fetch(`${url}/_/mailbox/api/messages/?wait=5s`);
      const { messages } = (await list.json()) as { messages: { id: string }[] };
      for (const path of [
        "/",
        "/_/",
        "/_/docs/",
        "/_/mailbox/",
        "/verify-email/",
        "/forgot-password/",
        "/nowhere",
      ])
        await check(path);
      for (const { id } of messages) await check(`/_/mailbox/${id}/`);
      await check(link);
      await t.http.post(`/api/auth${link}`);
      await check(link);
      await check("/verify-email/00000000-0000-4000-8000-000000000000/");
      await t.auth.passwordReset.request(ada.email);
      await check(`/reset-password/${await t.linkToken("reset-password", ada.email)}/`);
      await check("/reset-password/00000000-0000-4000-8000-000000000000/");
    });
  }
});
