/** Knows of each connection of a server whether a call is under way on it, so that closing cuts none off. */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface Connections {
  /** Whether an answer has begun and not come to its end: nothing else may be written then. */
  readonly isHalfAnswered: (socket: Duplex) => boolean;
  /** Calls that have come in whole and are not answered yet. */
  readonly countCalls: () => number;
  /** Those on which nothing was ever asked. */
  readonly listUnborn: () => Socket[];
  /** Those that no answer is on its way to: whatever was asked there has not come in whole. */
  readonly listUnasked: () => Socket[];
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export function trackConnections(server: Server): Connections {
  const open = new Map<Duplex, Exchange | undefined>();
  server.on("connection", (socket) => {
    open.set(socket, undefined);
    socket.once("close", () => open.delete(socket));
  });
  // Ahead of whoever answers; of calls sent behind each other, the last says when all are done.
  server.prependListener("request", (incoming, outgoing) => {
    open.set(incoming.socket, { incoming, outgoing });
  });
  const isUnderWay = (exchange: Exchange | undefined) =>
    exchange !== undefined && exchange.incoming.complete && !exchange.outgoing.writableFinished;
  const list = (isMeant: (socket: Socket, exchange: Exchange | undefined) => boolean) =>
    [...open].flatMap(([socket, exchange]) =>
      isMeant(socket as Socket, exchange) ? [socket as Socket] : [],
    );
  return {
    isHalfAnswered: (socket) => {
      const outgoing = open.get(socket)?.outgoing;
      return outgoing !== undefined && outgoing.headersSent && !outgoing.writableFinished;
    },
    countCalls: () => list((_socket, exchange) => isUnderWay(exchange)).length,
    listUnborn: () => list(({ bytesRead }, exchange) => bytesRead === 0 && exchange === undefined),
    listUnasked: () => list((_socket, exchange) => !isUnderWay(exchange)),
  };
}
