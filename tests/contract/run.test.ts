/** The runner against a server process: what it needs, what it counts, and that it notices. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

interface Run {
  readonly code: number;
  readonly output: string;
}

function runOn(url: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path("run.ts"), "--url", url], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

/** Starts the server as an operator does, in the folder whose fields it is to have. */
async function startServer(folder: string) {
  const child = spawn(process.execPath, [path("../../packages/server/bin/imagaine-auth.mjs"), "serve"], {
    cwd: path("../../examples/imagaine"),
    env: {
      ...{ PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
      ...{ PORT: "0", DATA_DIR: folder, RATE_LIMITS: "off", LOG_LEVEL: "info" },
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"http:\/\/localhost:(\d+)"/.exec(line)?.[1];
    if (url) return { child, url: `http://127.0.0.1:${url}` };
  }
  throw new Error("The server did not start");
}

describe("the contract runner on a server process", () => {
  it("finds every answer as recorded or as listed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "contract-"));
    const { child, url } = await startServer(folder);
    try {
      const { code, output } = await runOn(url);
      assert.equal(code, 0, output);
      assert.match(output, /^\d{3} as recorded$/m);
      assert.match(output, /^0 otherwise$/m);
    } finally {
      child.kill();
      await once(child, "exit");
      await rm(folder, { recursive: true });
    }
  });

  it("ends with 1, and names each exchange, when a server answers something else", async () => {
    const server = createServer((_request, answer) => answer.end("{}")).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { code, output } = await runOn(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      assert.equal(code, 1);
      assert.match(output, /^✗ auth\.none$/m);
      assert.match(output, /status: wanted 401, got 200/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
