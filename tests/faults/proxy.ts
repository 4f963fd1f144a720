/** A wire to a server on loopback that can fall silent, be cut, and lead elsewhere. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Where new connections lead. */
  target: number;
  /** Nothing passes any more, on old connections and on new ones; nobody is told. */
  readonly silence: () => void;
  /** New connections pass; the old ones stay silent for ever, as those to an address that moved. */
  readonly speak: () => void;
  /** Connections break, and new ones are refused. */
  readonly cut: () => Promise<void>;
  readonly mend: () => Promise<void>;
}

export async function startProxy(target: number): Promise<Proxy> {
  let isSilent = false;
  const sockets = new Set<Socket>();
  const speaking = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (isSilent) return;
    const upstream = connect(proxy.target, "127.0.0.1");
    keep(upstream);
    speaking.add(upstream);
    client.pipe(upstream).pipe(client);
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => {
      if (speaking.delete(upstream)) client.destroy();
    });
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const cut = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const port = await listen(0);
  const proxy: Proxy = {
    port,
    target,
    silence: () => {
      isSilent = true;
      // The other end forgets about them; ours hears nothing of it.
      for (const upstream of speaking) {
        speaking.delete(upstream);
        upstream.unpipe();
        upstream.destroy();
      }
    },
    speak: () => {
      isSilent = false;
    },
    cut,
    mend: async () => {
      await listen(port);
    },
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await cut();
    },
  };
  return proxy;
}
