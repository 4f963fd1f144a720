/** Node's own HTTP server in front of a handler: its limits set, and whatever it refuses itself refused in JSON. */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, type HttpBindings, RequestError } from "@hono/node-server";
import { jsonAnswer } from "./answer.ts";
import { trackConnections } from "./connections.ts";
import { isProbe } from "./probes.ts";
import type { Handler } from "./router.ts";

/** Milliseconds that a caller may take. */
export interface ServerPatience {
  /** For the head of a request. */
  readonly headers: number;
  /** For a whole request. */
  readonly request: number;
  /** Between two requests on one connection; longer than a load balancer's minute, so that it hangs up first. */
  readonly idle: number;
  /** How often the first two are looked at. */
  readonly checkEvery: number;
  /** For what has begun to come when the server closes. */
  readonly closing: number;
}

const standardPatience: ServerPatience = {
  headers: 20_000,
  request: 30_000,
  idle: 65_000,
  checkEvery: 5_000,
  closing: 3_000,
};

const mostHeaders = 100;

export interface NodeServerOptions {
  readonly patience?: ServerPatience;
  /**
   * Whether nothing but this server lives in the process. The web's `Response` is then replaced, for all of it, by a
   * light one that keeps a text as a text: Node's own makes a stream of it, which costs more than most answers do.
   */
  readonly ownsProcess?: boolean;
}

export interface NodeServer extends Server {
  /** From now on each answer ends its connection; new ones are taken until it closes. */
  readonly leave: () => void;
  /** Calls that have come in whole and are not answered yet. */
  readonly countCalls: () => number;
}

/**
 * A server that is not yet listening. `close()` ends at once what nothing is asked on, soon what is asked by halves,
 * and everything else with its answer.
 */
export function createNodeServer(handler: Handler, options: NodeServerOptions = {}): NodeServer {
  const { patience = standardPatience, ownsProcess = false } = options;
  let isLeaving = false;
  const listener = getRequestListener(
    async (request, environment) => {
      const { incoming } = environment as HttpBindings;
      const answer = await handler(request, { address: incoming.socket.remoteAddress ?? "" });
      // A kept-alive connection would hold a server that closes open for another minute.
      if (isLeaving) answer.headers.set("Connection", "close");
      return answer;
    },
    { overrideGlobalObjects: ownsProcess, errorHandler: answerUnread },
  );
  const server = createServer(
    {
      headersTimeout: patience.headers,
      requestTimeout: patience.request,
      keepAliveTimeout: patience.idle,
      connectionsCheckingInterval: patience.checkEvery,
      // Node would refuse it without a body; we look ourselves.
      requireHostHeader: false,
    },
    (incoming, outgoing) => {
      nameHost(incoming);
      const status = findRefusal(incoming);
      if (status !== undefined) refuse(outgoing, status);
      else void listener(incoming, outgoing);
    },
  );
  const connections = trackConnections(server);
  // Node would silently leave out what is over a limit of its own; we count instead (its 16 KiB bound the head).
  server.maxHeadersCount = 0;
  server.on("checkExpectation", (_incoming, outgoing) => refuse(outgoing, 417));
  server.on("connect", (_incoming, socket) => hangUp(socket, 501));
  const giveUp = (socket: Duplex, status: number) => {
    // A refusal is never written into the middle of an answer.
    if (!socket.writable || connections.isHalfAnswered(socket)) socket.destroy();
    else hangUp(socket, status);
  };
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "ECONNRESET") socket.destroy();
    else giveUp(socket, parseErrorStatus[error.code ?? ""] ?? 400);
  });
  const leave = () => {
    isLeaving = true;
  };
  // Node's own ends only the connections that have asked and been answered, and watches over no limit from then on.
  const close: Server["close"] = (done) => {
    leave();
    closeServer(done);
    for (const socket of connections.listUnborn()) socket.destroy();
    const sweep = setInterval(() => {
      for (const socket of connections.listUnasked()) giveUp(socket, 408);
    }, patience.closing).unref();
    server.once("close", () => clearInterval(sweep));
    return server;
  };
  const closeServer = server.close.bind(server);
  return Object.assign(server, { leave, close, countCalls: connections.countCalls });
}

const parseErrorStatus: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/** One Host line, since two let two readers see two requests (RFC 9112, 3.2). */
function findRefusal({ rawHeaders }: IncomingMessage): number | undefined {
  if (rawHeaders.length > 2 * mostHeaders) return 431;
  const hosts = rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === "host");
  return hosts.length === 1 ? undefined : 400;
}

/** Load balancers ask in HTTP/1.0, which has no such line (RFC 1945), whether we run: the answer is the same for any. */
function nameHost(incoming: IncomingMessage): void {
  const { httpVersion, headers, url = "" } = incoming;
  if (httpVersion !== "1.0" || headers.host !== undefined || !isProbe(url.split("?")[0] ?? "")) return;
  headers.host = "localhost";
  incoming.rawHeaders.push("Host", headers.host);
}

/** The address could not be read as one, or the handler itself broke: the last net, which tells nothing. */
function answerUnread(error: unknown): Response {
  const status = error instanceof RequestError ? 400 : 500;
  if (status === 500) process.emitWarning(error instanceof Error ? error : String(error));
  return jsonAnswer(status, JSON.parse(bodyOf(status)), refusalHeaders);
}

const refusalHeaders = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  Connection: "close",
} as const;

const refusalHead = (status: number) => ({
  ...refusalHeaders,
  "Content-Type": "application/json",
  "Content-Length": Buffer.byteLength(bodyOf(status)),
});

const bodyOf = (status: number) => JSON.stringify({ detail: STATUS_CODES[status] });

function refuse(outgoing: ServerResponse, status: number): void {
  outgoing.writeHead(status, refusalHead(status)).end(bodyOf(status));
}

/** Answers a connection on which no request was understood, and ends it: what follows could be read as anything. */
function hangUp(socket: Duplex, status: number): void {
  const lines = Object.entries(refusalHead(status)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${bodyOf(status)}`);
  (socket as Socket).destroySoon();
}
