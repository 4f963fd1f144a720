/** A plain HTTP client: sends the headers it is given, twice if they stand there twice, and adds none but the two it must. */

import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, Agent as SecureAgent } from "node:https";
import type { Call, Part } from "./exchanges.ts";

export interface Given {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Client extends Disposable {
  readonly send: (call: Call) => Promise<Given>;
}

const boundary = "goldenboundary";

/** A client of the server at an address. Nothing is followed, retried or decoded. */
export function createClient(base: string): Client {
  const { protocol, hostname, port, host } = new URL(base);
  const isSecure = protocol === "https:";
  const agent = isSecure ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const request = isSecure ? httpsRequest : httpRequest;
  const send = async (call: Call) => {
    const body = bodyOf(call);
    const outgoing = request({
      ...{ agent, hostname, port, method: call.method, path: call.path },
      headers: headersOf(call, host, body),
    });
    outgoing.end(body?.bytes);
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    return readAnswer(answer);
  };
  return { send, [Symbol.dispose]: () => agent.destroy() };
}

interface Body {
  readonly bytes: Buffer;
  readonly type?: string;
}

function headersOf(call: Call, host: string, body: Body | undefined): string[] {
  const own = call.headers ?? [];
  const has = (name: string) => own.some(([one]) => one.toLowerCase() === name);
  const added: [string, string][] = [["Host", host]];
  if (body?.type && !has("content-type")) added.push(["Content-Type", body.type]);
  if (call.chunked) added.push(["Transfer-Encoding", "chunked"]);
  else if (!has("content-length") && (body || !/^(?:GET|HEAD|OPTIONS|TRACE)$/.test(call.method)))
    added.push(["Content-Length", String(body?.bytes.length ?? 0)]);
  return [...added, ...own].flat();
}

function bodyOf(call: Call): Body | undefined {
  if (call.text !== undefined) return { bytes: Buffer.from(call.text) };
  if (call.base64 !== undefined) return { bytes: Buffer.from(call.base64, "base64") };
  if (call.multipart === undefined) return undefined;
  const parts = call.multipart.flatMap((part) => [
    Buffer.from(`--${boundary}\r\n${partHead(part)}\r\n\r\n`),
    part.base64 === undefined ? Buffer.from(part.value ?? "") : Buffer.from(part.base64, "base64"),
    Buffer.from("\r\n"),
  ]);
  const bytes = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
  return { bytes, type: `multipart/form-data; boundary=${boundary}` };
}

function partHead({ name, filename, type }: Part): string {
  const file = filename === undefined ? "" : `; filename="${filename}"`;
  return `Content-Disposition: form-data; name="${name}"${file}${type ? `\r\nContent-Type: ${type}` : ""}`;
}

async function readAnswer(answer: IncomingMessage): Promise<Given> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const headers = new Headers();
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    headers.append(answer.rawHeaders[at] ?? "", answer.rawHeaders[at + 1] ?? "");
  }
  return { status: answer.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString() };
}
