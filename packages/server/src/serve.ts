/** Runs a system on Node: listens, does what runs beside, and stops without losing what is under way. */

import { once } from "node:events";
import type { Server } from "node:http";
import type { System } from "./auth.ts";
import { type Background, startBackground } from "./background.ts";
import type { Delivery } from "./core/mail/worker.ts";
import { createNodeServer, type NodeServerOptions } from "./platform/http/node.ts";

export interface Serving {
  readonly server: Server;
  /** Takes no new call, finishes those under way (15 seconds at most) and the mail being sent (8 at most), then closes. */
  readonly stop: Background["stop"];
}

export interface ServeOptions extends Pick<NodeServerOptions, "ownsProcess"> {
  readonly host: string;
  readonly port: number;
  /** Told of every mail that leaves. */
  readonly delivered?: (delivery: Delivery) => void;
}

const drainTime = 15_000;

export async function serve(auth: System, options: ServeOptions): Promise<Serving> {
  const server = createNodeServer(auth.handler, options);
  server.listen(options.port, options.host);
  await once(server, "listening");
  const background = startBackground(auth, options.delivered);
  return {
    server,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const deadline = setTimeout(() => server.closeAllConnections(), drainTime);
      await Promise.all([closed, background.stop()]);
      clearTimeout(deadline);
      await auth.close();
    },
  };
}
