/** Calls a system's handler as a client would, without a port, and checks what must hold of every answer. */

import type { Handler } from "../platform/http/router.ts";
import { checkAnswer } from "./invariants.ts";

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** An access token. */
  readonly token?: string;
  /** The caller's address; 127.0.0.1 if not given. */
  readonly from?: string;
  /** The device token of an earlier answer. */
  readonly device?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test says itself what it expects of a body
  readonly body: any;
}

export interface Http {
  readonly get: (path: string, options?: CallOptions) => Promise<Answer>;
  readonly post: (path: string, body?: unknown, options?: CallOptions) => Promise<Answer>;
  readonly put: (path: string, body?: unknown, options?: CallOptions) => Promise<Answer>;
  readonly patch: (path: string, body?: unknown, options?: CallOptions) => Promise<Answer>;
  readonly delete: (path: string, body?: unknown, options?: CallOptions) => Promise<Answer>;
  /** Sends a request as it stands. */
  readonly send: (request: Request, from?: string) => Promise<Answer>;
}

export interface Watch {
  /** Told of every secret that is sent, or given. */
  readonly sees: (secret: string) => void;
  readonly hasFault: () => boolean;
}

const origin = "http://localhost:8000";

export function createHttp(handler: Handler, watch: Watch): Http {
  const send = async (request: Request, from = "127.0.0.1", secrets: readonly string[] = []) => {
    const path = new URL(request.url).pathname;
    const answer = await handler(request, { address: from });
    const text = await answer.text();
    for (const token of answer.headers.get("device-token")?.split("~") ?? []) watch.sees(token);
    checkAnswer({ method: request.method, path, secrets, hasFault: watch.hasFault() }, answer, text);
    const isJson = answer.headers.get("content-type")?.includes("json");
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: isJson && text ? JSON.parse(text) : undefined,
    };
  };
  const call =
    (method: string) =>
    (path: string, body?: unknown, options: CallOptions = {}) => {
      const secrets = secretsIn(body);
      for (const secret of secrets) watch.sees(secret);
      const request = new Request(new URL(path, origin), {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
          ...(options.device ? { "device-token": options.device } : {}),
          ...options.headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return send(request, options.from, secrets);
    };
  return {
    get: (path, options) => call("GET")(path, undefined, options),
    post: call("POST"),
    put: call("PUT"),
    patch: call("PATCH"),
    delete: call("DELETE"),
    send,
  };
}

function secretsIn(body: unknown): string[] {
  if (typeof body !== "object" || body === null) return [];
  return Object.entries(body).flatMap(([name, value]) =>
    /password|token|refresh/.test(name) && typeof value === "string" ? [value] : [],
  );
}
