/** Node's own HTTP server in front of a handler, with its time limits set. */

import type { Server } from "node:http";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import type { Handler } from "./router.ts";

/** A server that is not yet listening; close it with `server.close()`. */
export function createNodeServer(handler: Handler): Server {
  const server = createAdaptorServer({
    fetch: async (request, environment) => {
      const { incoming } = environment as HttpBindings;
      const answer = await handler(request, { address: incoming.socket.remoteAddress ?? "" });
      // Once closing has begun, a kept-alive connection would hold the server open for another minute.
      if (!server.listening) answer.headers.set("Connection", "close");
      return answer;
    },
    overrideGlobalObjects: false,
  }) as Server;
  server.headersTimeout = 20_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  server.maxHeadersCount = 100;
  return server;
}
