/** One handler from a list of endpoints and pages: every call is judged in the same order, whatever it is about. */

import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { errorAnswer, jsonAnswer, takesHtml } from "./answer.ts";
import { readBody } from "./body.ts";
import {
  addCrossOriginHeaders,
  type CrossOrigin,
  isOpenToOtherOrigins,
  preflightAnswer,
} from "./cross-origin.ts";
import type { AnyEndpoint, Limit, RequestContext, Settle } from "./endpoint.ts";
import { ApiError, defineError, NotFound, RequestRefused } from "./errors.ts";
import { type Form, readForm } from "./form.ts";
import type { Document } from "./html.ts";
import type { Page } from "./page.ts";
import { htmlAnswer, openPage } from "./page-answer.ts";
import type { RequestInfo } from "./request.ts";
import { inputSentences, wrongMethod } from "./sentences.ts";

class ServerError extends defineError(500, "error", inputSentences.serverError) {}

export interface RouterOptions<Ctx extends RequestContext> {
  readonly endpoints: readonly AnyEndpoint<Ctx>[];
  readonly pages: readonly Page<Ctx>[];
  /** The context outside any request: what endpoints are completed with once, before the first call. */
  readonly system: Ctx;
  readonly describeRequest: (request: Request, socketAddress: string) => RequestInfo;
  readonly openContext: (request: RequestInfo) => Ctx;
  readonly crossOrigin: CrossOrigin;
  /** An error as a browser shows it, outside of the API. */
  readonly errorPage: (ctx: Ctx, error: ApiError) => Document;
  /** Where people reach us over https: for how long, in the words of RFC 6797, browsers come back with nothing else. */
  readonly strictTransport: string | undefined;
  /** Turns what an outside part threw into an error that a caller may see; undefined for a bug. */
  readonly translate: (error: unknown) => ApiError | undefined;
  /** Told of every answer, and of the bug behind a 500. */
  readonly finished: (request: RequestInfo, status: number, bug: unknown) => void;
}

export type Handler = (request: Request, from?: { readonly address?: string }) => Promise<Response>;

type Answerer<Ctx> = (
  ctx: Ctx,
  request: Request,
  params: Readonly<Record<string, string>>,
) => Promise<Response>;

interface Route<Ctx> {
  readonly methods: Map<string, Answerer<Ctx>>;
}

export function createRouter<Ctx extends RequestContext>(options: RouterOptions<Ctx>): Handler {
  const routes = collectRoutes(options);
  const router = new SmartRouter<Route<Ctx>>({ routers: [new RegExpRouter(), new TrieRouter()] });
  for (const [path, route] of routes)
    for (const spelling of bothSlashes(path)) router.add("ALL", spelling, route);
  return async (request, from = {}) => {
    const info = options.describeRequest(request, from.address ?? "");
    let bug: unknown;
    let answer: Response;
    try {
      answer = await dispatch(options, router, info, request);
    } catch (error) {
      const known = error instanceof ApiError ? error : options.translate(error);
      if (!known || known.status === 503) bug = error;
      answer = refuse(options, info, known ?? new ServerError());
    }
    options.finished(info, answer.status, bug);
    return finishAnswer(options, info, answer);
  };
}

/** In JSON, or as a page to whoever asks for one and does not call the API. */
function refuse<Ctx extends RequestContext>(
  options: RouterOptions<Ctx>,
  info: RequestInfo,
  error: ApiError,
): Response {
  if (isOpenToOtherOrigins(info.path) || !takesHtml(info.headers)) return errorAnswer(error, info);
  return htmlAnswer(options.errorPage(options.openContext(info), error), error.headers);
}

function collectRoutes<Ctx extends RequestContext>(options: RouterOptions<Ctx>): Map<string, Route<Ctx>> {
  const routes = new Map<string, Route<Ctx>>();
  const spellings = new Map<string, string>();
  const add = (path: string, method: string, answerer: Answerer<Ctx>) => {
    // With another name for a parameter, or without the final slash, it is the same path: one would hide the other.
    const shape = path.replace(/\/$/, "").replace(/:[^/]+/g, ":");
    const other = spellings.get(shape) ?? path;
    if (other !== path) throw new Error(`Two spellings of one path: ${other} and ${path}`);
    spellings.set(shape, path);
    const route = routes.get(path) ?? { methods: new Map() };
    if (route.methods.has(method)) throw new Error(`Two answers to ${method} ${path}`);
    route.methods.set(method, answerer);
    routes.set(path, route);
  };
  for (const one of options.endpoints.filter((endpoint) => endpoint.onlyIf?.(options.system) ?? true)) {
    const answerer = answerEndpoint(options, one);
    for (const path of [one.path, ...(one.alsoAt ?? [])]) add(path, one.method.toUpperCase(), answerer);
  }
  for (const page of options.pages.filter((one) => one.onlyIf?.(options.system) ?? true)) {
    const answerer: Answerer<Ctx> = (ctx, request, params) => openPage(options, page, ctx, request, params);
    const endpoint = page.besideEndpoint && routes.get(page.path)?.methods.get("GET");
    if (endpoint) routes.get(page.path)?.methods.set("GET", byAccept(answerer, endpoint));
    else add(page.path, "GET", answerer);
    if (page.submit) add(page.path, "POST", answerer);
  }
  return routes;
}

const byAccept =
  <Ctx extends RequestContext>(page: Answerer<Ctx>, endpoint: Answerer<Ctx>): Answerer<Ctx> =>
  (ctx, ...rest) =>
    (takesHtml(ctx.request.headers) ? page : endpoint)(ctx, ...rest);

const bothSlashes = (path: string) =>
  path.endsWith("/") && path !== "/" ? [path, path.slice(0, -1)] : [path];

async function dispatch<Ctx extends RequestContext>(
  options: RouterOptions<Ctx>,
  router: SmartRouter<Route<Ctx>>,
  info: RequestInfo,
  request: Request,
): Promise<Response> {
  const { route, params } = findRoute(router, info.path);
  const methods = allowedMethods(route);
  const isPreflight = info.headers.has("access-control-request-method");
  if (info.method === "OPTIONS") {
    return isPreflight && isOpenToOtherOrigins(info.path)
      ? preflightAnswer(methods)
      : new Response(null, { status: 204, headers: { Allow: methods.join(", ") } });
  }
  const answerer = route.methods.get(info.method === "HEAD" ? "GET" : info.method);
  if (!answerer) {
    const allow = { Allow: methods.join(", ") };
    throw new RequestRefused(405, "method_not_allowed", wrongMethod(info.method), allow);
  }
  return answerer(options.openContext(info), request, params);
}

function allowedMethods<Ctx>(route: Route<Ctx>): string[] {
  const methods = [...route.methods.keys()];
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}

/** A path is judged in its decoded spelling; one that hides a slash or a control character has no route. */
function findRoute<Ctx>(router: SmartRouter<Route<Ctx>>, path: string) {
  if (/%(?:2f|5c|[01][0-9a-f]|7f)|%25|\\/i.test(path)) throw new NotFound();
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new NotFound();
  }
  const [matches, stash] = router.match("ALL", decoded);
  const match = matches[0];
  if (!match) throw new NotFound();
  const [route, found] = match;
  const params = Object.fromEntries(
    Object.entries(found).map(([name, value]) => [
      name,
      stash ? (stash[value as number] ?? "") : (value as string),
    ]),
  );
  return { route, params };
}

/**
 * Credentials, limit by address, body and fields, limits by account, action: a stranger learns nothing on the way. A
 * limit by address that may spare this call waits for what the body proves.
 */
function answerEndpoint<Ctx extends RequestContext>(
  options: RouterOptions<Ctx>,
  one: AnyEndpoint<Ctx>,
): Answerer<Ctx> {
  const form: Form<Ctx, Record<string, unknown>, unknown> | undefined =
    typeof one.body === "function" ? one.body(options.system) : one.body;
  const byAddress = one.limit.filter((limit) => limit.countsBy === "address");
  const byAccount = one.limit.filter((limit) => limit.countsBy !== "address");
  return async (ctx, request, params) => {
    const caller: unknown = await one.access.check(ctx);
    const waiting = byAddress.filter((limit) => limit.spares?.isClaimed(ctx));
    const atOnce = byAddress.filter((limit) => !waiting.includes(limit));
    const taken: Settle[] = [];
    try {
      await takeAll(ctx, atOnce, { caller, body: {} }, taken);
      const body = form ? await readForm(ctx, form, await readBody(request), caller) : {};
      await takeAll(ctx, [...waiting, ...byAccount], { caller, body }, taken);
      const query = new URL(request.url).searchParams;
      const reply = await one.handle(ctx, { caller, body, params, query });
      for (const settle of taken) await settle(false);
      return jsonAnswer(one.status ?? 200, reply);
    } catch (error) {
      for (const settle of taken) await settle(!(error instanceof ApiError) || error.isWrongGuess);
      throw error;
    }
  };
}

async function takeAll<Ctx>(
  ctx: Ctx,
  limits: readonly Limit<Ctx, unknown, string>[],
  counted: { caller: unknown; body: Readonly<Record<string, unknown>> },
  taken: Settle[],
): Promise<void> {
  for (const limit of limits) {
    const settle = await limit.take(ctx, counted);
    if (settle) taken.push(settle);
  }
}

function finishAnswer<Ctx extends RequestContext>(
  options: RouterOptions<Ctx>,
  info: RequestInfo,
  answer: Response,
): Response {
  const { headers } = answer;
  for (const [name, value] of info.answerHeaders) headers.append(name, value);
  headers.set("X-Request-Id", info.id);
  headers.set("X-Content-Type-Options", "nosniff");
  // A document that we frame ourselves says so in its policy, which browsers put first (CSP Level 3, 6.4.2).
  const isFramed = headers.get("Content-Security-Policy")?.includes("frame-ancestors 'self'");
  headers.set("X-Frame-Options", isFramed ? "SAMEORIGIN" : "DENY");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  if (!headers.has("Referrer-Policy")) headers.set("Referrer-Policy", "no-referrer");
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  if (!headers.has("Content-Security-Policy")) {
    headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }
  if (options.strictTransport) headers.set("Strict-Transport-Security", options.strictTransport);
  if (isOpenToOtherOrigins(info.path)) {
    addCrossOriginHeaders(headers, info.headers.get("origin"), options.crossOrigin);
  }
  if (info.method !== "HEAD") return answer;
  return new Response(null, { status: answer.status, headers });
}
