/** A router over a few endpoints and pages of a test's own, without accounts or a database. */

import { languageOf } from "../texts.ts";
import type { Access, AnyEndpoint, Limit, RequestContext } from "./endpoint.ts";
import type { ApiError } from "./errors.ts";
import { createDocument, html } from "./html.ts";
import type { Page } from "./page.ts";
import type { RequestInfo } from "./request.ts";
import { createRouter, type Handler } from "./router.ts";

export const openToAll: Access<RequestContext, undefined> = {
  check: async () => undefined,
  needsToken: false,
  errors: [],
};

/** An endpoint that answers with what it was called with; a test says only what matters to it. */
export function probe(changes: Partial<AnyEndpoint<RequestContext>> = {}): AnyEndpoint<RequestContext> {
  return {
    method: "post",
    path: "/api/probe/",
    summary: "A probe",
    access: openToAll,
    limit: [],
    reply: { type: "object" },
    errors: [],
    handle: async (_ctx, { body, params, query }) => ({
      body,
      params,
      query: Object.fromEntries(query),
    }),
    ...changes,
  };
}

/** A limit that tells what it counted and lets everything pass. */
export function countingLimit(
  countsBy: Limit<RequestContext, unknown, string>["countsBy"],
  take: Limit<RequestContext, unknown, string>["take"],
): Limit<RequestContext, unknown, string> {
  return { describe: () => "a few", countsBy, take };
}

export interface Finished {
  readonly request: RequestInfo;
  readonly status: number;
  readonly bug: unknown;
}

export interface ProbeOptions {
  readonly pages?: readonly Page<RequestContext>[];
  readonly allowedOrigins?: readonly string[];
  readonly strictTransport?: string;
  readonly translate?: (error: unknown) => ApiError | undefined;
}

export interface ProbeRouter {
  readonly handler: Handler;
  readonly finished: Finished[];
  /** Calls the router; a body that is no text is sent as JSON. */
  readonly call: (method: string, path: string, options?: ProbeCall) => Promise<ProbeAnswer>;
}

export interface ProbeCall {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProbeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test says itself what it expects of a body
  readonly body: any;
}

export function createProbe(
  endpoints: readonly AnyEndpoint<RequestContext>[],
  options: ProbeOptions = {},
): ProbeRouter {
  const finished: Finished[] = [];
  let count = 0;
  const describeRequest = (request: Request, address: string): RequestInfo => {
    count += 1;
    return {
      id: `request-${count}`,
      method: request.method,
      path: new URL(request.url).pathname,
      address,
      userAgent: "",
      language: languageOf(request.headers.get("accept-language") ?? "") ?? "en",
      headers: request.headers,
      isForeign: false,
      answerHeaders: new Headers(),
    };
  };
  const allowed = new Set(options.allowedOrigins ?? []);
  const handler = createRouter<RequestContext>({
    endpoints,
    pages: options.pages ?? [],
    system: { request: describeRequest(new Request("http://localhost/"), "") },
    describeRequest,
    openContext: (request) => ({ request }),
    crossOrigin: { own: "http://localhost", allows: (origin) => allowed.has(origin) },
    errorPage: (_ctx, error) =>
      createDocument({
        language: "en",
        title: error.code,
        style: "p{}",
        body: html`<p>${error.code}</p>`,
        status: error.status,
      }),
    strictTransport: options.strictTransport,
    translate: options.translate ?? (() => undefined),
    finished: (request, status, bug) => finished.push({ request, status, bug }),
  });
  const call = async (method: string, path: string, { body, headers = {} }: ProbeCall = {}) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(`http://localhost${path}`, {
      method,
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body: text }),
    });
    const answer = await handler(request, { address: "127.0.0.1" });
    const answered = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json");
    return {
      status: answer.status,
      headers: answer.headers,
      text: answered,
      body: isJson && answered ? JSON.parse(answered) : undefined,
    };
  };
  return { handler, finished, call };
}
