/** Runs a system on Node: listens, does what runs beside, and stops without losing what is under way. */

import { once } from "node:events";
import type { Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { System } from "./auth.ts";
import { startBackground } from "./background.ts";
import type { Delivery } from "./core/mail/worker.ts";
import { announceStop } from "./core/readiness.ts";
import { createNodeServer, type NodeServerOptions } from "./platform/http/node.ts";
import * as option from "./platform/options.ts";

export interface Serving {
  readonly server: Server;
  /**
   * Stops in order. For SHUTDOWN_DELAY calls are still taken, while readiness says `stopping`; then those under way and
   * the mail being sent are finished, and the database is closed. After 20 seconds in all nothing is waited for any more:
   * connections are cut, and the names of what was left are given. None, if all went well.
   */
  readonly stop: () => Promise<readonly string[]>;
}

export interface ServeOptions extends Pick<NodeServerOptions, "ownsProcess"> {
  readonly host: string;
  readonly port: number;
  /** Told of every mail that leaves. */
  readonly delivered?: (delivery: Delivery) => void;
  /** Milliseconds for the whole of a stop, instead of 20 seconds. */
  readonly stopTime?: number;
}

export const serveOptions: option.OptionsOf<ServeOptions> = {
  host: option.needed(option.text),
  port: option.needed(option.wholeNumber(0, 65_535)),
  delivered: option.method,
  stopTime: option.wholeNumber(0, 3_600_000),
  ownsProcess: option.yesOrNo,
};

export async function serve(auth: System, options: ServeOptions): Promise<Serving> {
  // Without a host, Node would listen on every address that the machine has.
  const problems = option.findOptionProblems(options, serveOptions);
  option.refuseDeclaration(problems.map((problem) => option.toSentence(`serve ${problem}`)));
  const { host, port, delivered, stopTime = 20_000 } = options;
  const server = createNodeServer(auth.handler, options);
  server.listen(port, host);
  await once(server, "listening");
  const background = startBackground(auth, delivered);
  const ctx = auth.context("serve");
  let isClosed = false;
  const stopInOrder = async (signal: AbortSignal) => {
    announceStop(ctx);
    server.leave();
    const lead = pause(ctx.config.shutdownDelay, undefined, { signal });
    // Mail and jobs that are due from now on are for other nodes, or for the next start.
    await Promise.all([background.stop(), lead.then(() => closeServer(server))]);
    await auth.close();
    isClosed = true;
  };
  const listLeft = () => {
    const calls = server.countCalls();
    return [
      ...(calls > 0 ? [`${calls} call${calls === 1 ? "" : "s"}`] : []),
      ...background.left(),
      ...(isClosed ? [] : ["the database's connections"]),
    ];
  };
  return {
    server,
    stop: async () => {
      const isOver = new AbortController();
      const { signal } = isOver;
      const late = pause(stopTime, undefined, { signal }).then(listLeft);
      try {
        return await Promise.race([stopInOrder(signal).then(() => []), late]);
      } finally {
        // Whoever lost is waited for no more.
        isOver.abort();
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await closed;
}
