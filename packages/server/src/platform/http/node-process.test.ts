/** What a server does to the process around it, in a process that no other test has touched. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createNodeServer } from "./node.ts";

describe("the process around a server", () => {
  it("keeps its own Request and Response, unless the server is told that it owns the process", () => {
    const { Request, Response } = globalThis;
    createNodeServer(async () => new Response());
    assert.ok(globalThis.Request === Request && globalThis.Response === Response);
    createNodeServer(async () => new Response(), { ownsProcess: true });
    assert.ok(globalThis.Request !== Request && globalThis.Response !== Response);
  });
});
