/** What a page of another origin may do, by the word of a real browser: which calls it sends, and what it lets be read. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { serve } from "../../packages/server/src/serve.ts";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { executablePath, launch } from "./browser.ts";

/** An empty page on a port of its own, and so of another origin. */
async function servePage() {
  const server = createServer((_request, answer) =>
    answer.writeHead(200, { "content-type": "text/html" }).end("<title>app</title>"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://localhost:${port}`, [Symbol.dispose]: () => void server.close() };
}

interface Call {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly credentials?: "include";
}

interface Sent {
  readonly status: number;
  readonly requestId: string | null;
}

const send = (page: Page, url: string, init: Call) =>
  page.evaluate(
    async ([url, init]): Promise<Sent | string> => {
      try {
        const { status, headers } = await fetch(url, init);
        return { status, requestId: headers.get("x-request-id") };
      } catch (error) {
        return String(error);
      }
    },
    [url, init] as const,
  );

describe("a page of another origin", {
  skip: existsSync(executablePath) ? false : "no Chromium here",
}, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("that is listed calls as clients of Django do, with tracing, but never with cookies", async () => {
    using app = await servePage();
    using other = await servePage();
    await using t = await testAuth({
      environment: {
        NODE_ENV: "production",
        PUBLIC_URL: "http://localhost",
        CORS_ALLOWED_ORIGINS: app.url,
        SHUTDOWN_DELAY: "0",
      },
    });
    const { server, stop } = await serve(t.auth, { host: "127.0.0.1", port: 0 });
    const url = `http://localhost:${(server.address() as AddressInfo).port}/api/auth/token/verify/`;
    const headers = {
      ...{
        "content-type": "application/json",
        accept: "application/json",
        "x-requested-with": "XMLHttpRequest",
      },
      ...{ "x-csrftoken": "x", "sentry-trace": "x-1", baggage: "a=b", tracestate: "a=b", b3: "0" },
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    const call: Call = { method: "POST", headers, body: JSON.stringify({ token: "x" }) };
    const page = await browser.newPage();
    await page.goto(app.url);
    const answer = (await send(page, url, call)) as Sent;
    assert.equal(answer.status, 401);
    assert.match(answer.requestId ?? "", /^[\w-]{10,}$/);
    assert.equal(await send(page, url, { ...call, credentials: "include" }), "TypeError: Failed to fetch");
    const unknown = { ...call, headers: { ...headers, "x-other": "x" } };
    assert.equal(await send(page, url, unknown), "TypeError: Failed to fetch");
    await page.goto(other.url);
    assert.equal(await send(page, url, call), "TypeError: Failed to fetch");
    await stop();
  });
});
