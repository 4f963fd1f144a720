/** Runs a system on Node: listens, sends mail, does the jobs, and stops without losing what is under way. */

import { once } from "node:events";
import type { Server } from "node:http";
import type { System } from "./auth.ts";
import { startJobs } from "./core/jobs.ts";
import { chooseTransport } from "./core/mail/transports/choose.ts";
import { type Delivery, startMailWorker } from "./core/mail/worker.ts";
import { createNodeServer } from "./platform/http/node.ts";

export interface Serving {
  readonly server: Server;
  /** Takes no new call, finishes those under way (15 seconds at most) and the mail being sent, then closes. */
  readonly stop: () => Promise<void>;
}

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** Told of every mail that leaves. */
  readonly delivered?: (delivery: Delivery) => void;
}

const drainTime = 15_000;

export async function serve(auth: System, options: ServeOptions): Promise<Serving> {
  const server = createNodeServer(auth.handler);
  server.listen(options.port, options.host);
  await once(server, "listening");
  const ctx = auth.context("mail worker");
  const transport = chooseTransport(ctx);
  const worker = startMailWorker(ctx, transport, options.delivered);
  const jobs = startJobs(auth.context("jobs"), ctx.additions.jobs);
  return {
    server,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const deadline = setTimeout(() => server.closeAllConnections(), drainTime);
      await Promise.all([closed, worker.stop(), jobs.stop()]);
      clearTimeout(deadline);
      transport.close();
      await auth.close();
    },
  };
}
