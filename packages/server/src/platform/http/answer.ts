/** Turns what came out of a call into a Response: the reply, or the error in the shape that was asked for. */

import type { Language } from "../texts.ts";
import type { ApiError } from "./errors.ts";
import type { RequestInfo } from "./request.ts";

export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

/** The error as Django REST Framework writes it or, when asked for, as RFC 9457 does. */
export function errorAnswer(error: ApiError, request: RequestInfo): Response {
  if (!prefersProblem(request.headers.get("accept"))) {
    return jsonAnswer(error.status, error.body(request.language), error.headers);
  }
  const errors = error.fields(request.language);
  const problem = {
    type: "about:blank",
    title: titles[error.status] ?? "Error",
    status: error.status,
    detail: error.sentence[request.language],
    code: error.code,
    ...(errors ? { errors } : {}),
    ref: request.id,
  };
  return jsonAnswer(error.status, problem, {
    ...error.headers,
    "Content-Type": "application/problem+json",
    "Content-Language": request.language satisfies Language,
  });
}

function prefersProblem(accept: string | null): boolean {
  return (accept ?? "").toLowerCase().includes("application/problem+json");
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};
