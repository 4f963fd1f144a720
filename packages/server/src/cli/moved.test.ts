/** A server that is started at another address says whom that signs out, and how to keep them signed in. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBox } from "../testing/command-line.ts";

describe("a server that is started with another PUBLIC_URL", () => {
  it("says both, and what to set, as soon as it runs", async () => {
    await using box = await openBox();
    const at = (url: string) => box.serve([], { env: { PUBLIC_URL: url, NODE_ENV: "test" } });
    const first = await at("https://auth.example.com");
    const isSaid = (lines: readonly string[]) => lines.some((line) => line.includes("JWT_ISSUER"));
    // It has left what it is by the time it is asked to stop: the look is one of the jobs that a stop waits for.
    assert.deepEqual(await first.stop(), [0, null]);
    assert.equal(isSaid(first.lines), false);
    const second = await at("https://login.example.com");
    const line = await second.line(/JWT_ISSUER/);
    const { level, msg, fix } = JSON.parse(line) as Record<string, string>;
    assert.equal(level, "warn");
    assert.match(msg ?? "", /https:\/\/login\.example\.com here, and was https:\/\/auth\.example\.com/);
    assert.equal(fix, "JWT_ISSUER=https://auth.example.com");
    await second.stop();
    const third = await at("https://login.example.com");
    await third.stop();
    assert.equal(isSaid(third.lines), false);
  });
});
