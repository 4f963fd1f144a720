/** Reads what is known of a request, and notes how each ended: one log line, no secret in it. */

import type { Context } from "./core/context.ts";
import { clientAddress, isTrusted, plainAddress } from "./platform/http/client-address.ts";
import { isFromOwnPage, isOpenToOtherOrigins } from "./platform/http/cross-origin.ts";
import { isProbe } from "./platform/http/probes.ts";
import type { RequestInfo } from "./platform/http/request.ts";
import { describeError } from "./platform/log.ts";
import { randomUuid } from "./platform/random.ts";
import { isExactOrigin } from "./platform/readers.ts";
import { type Language, pickLanguage } from "./platform/texts.ts";

const loopback = /^(?:127\.|::1$)/;

/** The request behind a flow that nobody sent one for: the command line's, or a job's. */
export function quietRequest(actor: string, language: Language): RequestInfo {
  return {
    id: actor,
    method: "",
    path: "",
    address: "",
    userAgent: actor,
    language,
    headers: new Headers(),
    isForeign: false,
    answerHeaders: new Headers(),
  };
}

export function createRequestReader(system: Context) {
  const { config, log, now } = system;
  const startedAt = new WeakMap<RequestInfo, number>();
  const warnOfProxy = createProxyWarning(system);
  const warnOfOrigin = createOriginWarning(system);

  const own = new URL(config.publicUrl).origin;
  const named = [...config.corsAllowedOrigins, URL.parse(config.frontendUrl ?? "")?.origin ?? ""];
  // An address of a scheme of its own has the origin "null", as has every page in a sandbox.
  const ours = new Set(named.filter(isExactOrigin));
  const allowsOrigin = (origin: string) =>
    ours.has(origin) ||
    (config.mode !== "production" &&
      /^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/.test(origin));

  const isForeign = (headers: Headers) => {
    const origin = headers.get("origin");
    return origin !== null && !allowsOrigin(origin) && !isFromOwnPage(headers, own);
  };

  const describe = (request: Request, socketAddress: string): RequestInfo => {
    const { headers } = request;
    const socket = plainAddress(socketAddress) ?? "";
    const forwardedFor = headers.get("x-forwarded-for");
    if (forwardedFor && !isTrusted(socket, config.trustedProxies)) warnOfProxy(socket);
    const path = new URL(request.url).pathname;
    const info = {
      id: requestId(system, headers.get("x-request-id")),
      method: request.method,
      path,
      address: clientAddress(socket, forwardedFor, config.trustedProxies),
      userAgent: (headers.get("user-agent") ?? "").slice(0, 300).toWellFormed(),
      language: pickLanguage(headers.get("accept-language"), config.language),
      headers,
      isForeign: isForeign(headers),
      answerHeaders: new Headers(),
    };
    if (info.isForeign && isOpenToOtherOrigins(path)) warnOfOrigin(headers.get("origin") ?? "");
    startedAt.set(info, now().getTime());
    return info;
  };

  const finished = (request: RequestInfo, status: number, bug: unknown): void => {
    const isAsked = isProbe(request.path);
    // Every few seconds from every supervisor: they would be most of what the log has.
    if (isAsked && status < 400) return;
    const ms = now().getTime() - (startedAt.get(request) ?? 0);
    const facts = { ref: request.id, method: request.method, path: redactPath(request.path), status, ms };
    if (bug && status !== 503) log("error", "request failed", { ...facts, error: describeError(bug) });
    else if (bug && !isAsked) log("warn", "request refused", { ...facts, error: describeError(bug) });
    else log("info", "request", facts);
  };

  return { describe, finished, crossOrigin: { own, allows: allowsOrigin } };
}

/** A caller's own id if it is harmless in a log line, else a new one. */
function requestId(system: Context, given: string | null): string {
  return given && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUuid(system.randomBytes);
}

/** The path without a mailed link's token, or a JWT that somebody put there, however they are spelt. */
function redactPath(path: string): string {
  return (
    decodePath(path)
      .replace(/(\/(?:verify-email|reset-password|sessions)\/+)(?!resend\/?$)[^/]+/, "$1…")
      // No word of our paths is as long: whatever else is may be a token in the wrong place.
      .replace(/[^/]{25,}/g, "…")
      .replace(/eyJ[\w-]+(?:\.[\w-]*)*/g, "…")
      .slice(0, 500)
      .toWellFormed()
  );
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Told once: behind a proxy that is not trusted, everybody shares one address, and so one limit. */
function createProxyWarning({ log }: Context): (socket: string) => void {
  let isTold = false;
  return (socket) => {
    if (isTold || socket === "") return;
    isTold = true;
    const fix = `TRUSTED_PROXIES=${socket}${loopback.test(socket) || socket.includes(":") ? "" : "/32"}`;
    log("warn", `X-Forwarded-For from ${socket} is not believed: all who come that way share one limit`, {
      fix,
    });
  };
}

/** More of them than a front end has are no front end's. */
const mostOrigins = 10;

/**
 * Told once for each page of another origin that may not read our answers: its own console says so too, but not which
 * setting of ours would mend it. In development only, since in production strangers choose what stands here.
 */
function createOriginWarning({ config, log }: Context): (origin: string) => void {
  const told = new Set<string>();
  const isPossible = (origin: string) => origin.length < 300 && isExactOrigin(origin);
  return (origin) => {
    if (config.mode === "production" || told.has(origin) || told.size >= mostOrigins) return;
    if (!isPossible(origin) || origin === new URL(config.publicUrl).origin) return;
    told.add(origin);
    const fix = `CORS_ALLOWED_ORIGINS=${[...config.corsAllowedOrigins, origin].join(",")}`;
    log("warn", `pages of ${origin} may not read the answers`, { fix });
  };
}
