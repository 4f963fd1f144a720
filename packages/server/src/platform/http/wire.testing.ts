/** HTTP as raw bytes on a connection, for what no client library would send. */

import { connect, type Socket } from "node:net";

export interface WireAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One connection: what came back on it, and whether the server closed it. */
export interface Wire {
  readonly socket: Socket;
  readonly write: (text: string | Buffer) => void;
  /** The next whole answer; undefined when the connection ends without one. */
  readonly answer: (method?: string) => Promise<WireAnswer | undefined>;
  readonly closed: () => Promise<void>;
}

export function openWire(port: number): Wire {
  const socket = connect(port, "127.0.0.1");
  let received = Buffer.alloc(0);
  let isOver = false;
  let wake = (): void => undefined;
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isOver = true;
    wake();
  });
  socket.on("end", () => {
    isOver = true;
    wake();
  });
  const more = () => new Promise<void>((resolve) => (wake = resolve));
  const answer = async (method = "GET"): Promise<WireAnswer | undefined> => {
    for (;;) {
      const parsed = parseAnswer(received, method, isOver);
      if (parsed) {
        received = received.subarray(parsed.size);
        return parsed.answer;
      }
      if (isOver) return undefined;
      await more();
    }
  };
  const closed = async () => {
    while (!isOver) await more();
  };
  return { socket, write: (text) => void socket.write(text), answer, closed };
}

function parseAnswer(bytes: Buffer, method: string, isOver: boolean) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(first.split(" ")[1]);
  const headers = new Map(
    lines.map((line) => {
      const [name = "", ...rest] = line.split(":");
      return [name.toLowerCase(), rest.join(":").trim()] as const;
    }),
  );
  if (status === 100) return { size: end + 4, answer: { status, headers, body: "" } };
  const length = method === "HEAD" || status === 204 ? 0 : Number(headers.get("content-length") ?? "NaN");
  if (Number.isNaN(length) && headers.get("transfer-encoding") === "chunked") {
    const last = bytes.indexOf("0\r\n\r\n", end);
    return last < 0
      ? undefined
      : { size: last + 5, answer: { status, headers, body: bytes.subarray(end + 4, last).toString() } };
  }
  if (Number.isNaN(length)) {
    return isOver
      ? { size: bytes.length, answer: { status, headers, body: bytes.subarray(end + 4).toString() } }
      : undefined;
  }
  if (bytes.length < end + 4 + length) return undefined;
  const body = bytes.subarray(end + 4, end + 4 + length).toString();
  return { size: end + 4 + length, answer: { status, headers, body } };
}
