/** Turns what came out of a call into a Response: the reply, or the error in the shape that was asked for. */

import { type Language, readQuality } from "../texts.ts";
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

/** Whether a browser asks for a page: it names HTML, as no program of an API does. */
export function takesHtml(headers: Headers): boolean {
  return qualityOf(rangesOf(headers.get("accept")), "text/html") > 0;
}

/** Whether problem+json is named at all, and plain JSON not rather than it (RFC 9110, 12.5.1). */
function prefersProblem(accept: string | null): boolean {
  const ranges = rangesOf(accept);
  const problem = qualityOf(ranges, "application/problem+json");
  return problem > 0 && problem >= qualityOf(ranges, "application/json");
}

const rangesOf = (accept: string | null) => (accept ?? "").toLowerCase().slice(0, 2000).split(",");

function qualityOf(ranges: readonly string[], type: string): number {
  const weights = ranges.flatMap((range) => {
    const [name, ...parameters] = range.split(";").map((part) => part.trim());
    return name === type ? [readQuality(parameters)] : [];
  });
  return Math.max(0, ...weights);
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
