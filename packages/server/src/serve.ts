/** Runs a system on Node: listens, does what runs beside, and stops without losing what is under way. */

import { once } from "node:events";
import type { Server } from "node:http";
import type { System } from "./auth.ts";
import { type Background, startBackground } from "./background.ts";
import type { Delivery } from "./core/mail/worker.ts";
import { createNodeServer, type NodeServerOptions } from "./platform/http/node.ts";
import * as option from "./platform/options.ts";

export interface Serving {
  readonly server: Server;
  /** Takes no new call, finishes those under way (15 seconds at most) and the mail being sent, then closes. */
  readonly stop: Background["stop"];
}

export interface ServeOptions extends Pick<NodeServerOptions, "ownsProcess"> {
  readonly host: string;
  readonly port: number;
  /** Told of every mail that leaves. */
  readonly delivered?: (delivery: Delivery) => void;
}

export const serveOptions: option.OptionsOf<ServeOptions> = {
  host: option.needed(option.text),
  port: option.needed(option.wholeNumber(0, 65_535)),
  delivered: option.method,
  ownsProcess: option.yesOrNo,
};

const drainTime = 15_000;

export async function serve(auth: System, options: ServeOptions): Promise<Serving> {
  // Without a host, Node would listen on every address that the machine has.
  const problems = option.findOptionProblems(options, serveOptions);
  option.refuseDeclaration(problems.map((problem) => option.toSentence(`serve ${problem}`)));
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
