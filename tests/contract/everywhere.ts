/** Exchanges that every endpoint under /api/auth must pass, made from the list of endpoints itself. */

import type { Context } from "../../packages/server/src/core/context.ts";
import type { AnyEndpoint } from "../../packages/server/src/platform/http/endpoint.ts";
import { answer, detail, notAuthenticated } from "./answers.ts";
import type { Call, Exchange, HeaderPairs } from "./exchanges.ts";

type OneEndpoint = AnyEndpoint<Context>;

/** The endpoints that this system has under /api/auth. */
export function authEndpoints(ctx: Context): OneEndpoint[] {
  return ctx.additions.endpoints.filter(
    (one) => one.path.startsWith("/api/auth/") && (one.onlyIf?.(ctx) ?? true),
  );
}

/** The exchanges, for every endpoint and every path. */
export function everywhere(ctx: Context): Exchange[] {
  const endpoints = authEndpoints(ctx);
  const paths = [...new Set(endpoints.flatMap((one) => [one.path, ...(one.alsoAt ?? [])]))];
  return [
    ...endpoints.filter((one) => one.access.needsToken).map(withoutToken),
    ...endpoints.filter((one) => one.body).flatMap((one) => [tooLarge(one), wrongType(one), malformed(one)]),
    ...paths.flatMap((path) => [bothSlashes(endpoints, path), ...wrongMethods(endpoints, path)]),
  ];
}

const asAlice: HeaderPairs = [["Authorization", "Bearer <tok:access:alice>"]];
const jsonType: HeaderPairs = [["Content-Type", "application/json"]];

const pathOf = (path: string) => path.replace(/:\w+/, "nope");

const callOf = (one: OneEndpoint, rest: Partial<Call>): Call => ({
  ...{ method: one.method.toUpperCase(), path: pathOf(one.path), ...rest },
});

const nameOf = (one: OneEndpoint) => `${one.method.toUpperCase()} ${one.path}`;

const exchange = (group: string, id: string, rest: Pick<Exchange, "request" | "response">): Exchange => ({
  ...{ id: `${group}: ${id}`, group, profile: "main", ...rest },
});

const withoutToken = (one: OneEndpoint) =>
  exchange("without a token", nameOf(one), { request: callOf(one, {}), response: notAuthenticated });

const tooLarge = (one: OneEndpoint) =>
  exchange("a body over 64 KiB", nameOf(one), {
    request: callOf(one, { headers: [...asAlice, ...jsonType], text: `"${"x".repeat(65_536)}"` }),
    response: detail(413, "Request body is too large."),
  });

const wrongType = (one: OneEndpoint) =>
  exchange("a body of another type", nameOf(one), {
    request: callOf(one, { headers: [...asAlice, ["Content-Type", "text/plain"]], text: "{}" }),
    response: detail(415, 'Unsupported media type "text/plain" in request.'),
  });

const malformed = (one: OneEndpoint) =>
  exchange("malformed JSON", nameOf(one), {
    request: callOf(one, { headers: [...asAlice, ...jsonType], text: '{"a":' }),
    response: detail(400, "JSON parse error - the body is not valid JSON"),
  });

/** An unknown method is refused, so the path is known; where it is not, the answer would be 404. */
const bothSlashes = (endpoints: readonly OneEndpoint[], path: string) =>
  exchange("without the final slash", path, {
    request: { method: "PROPFIND", path: pathOf(path).slice(0, -1) },
    response: detail(405, 'Method "PROPFIND" not allowed.', { Allow: allowOf(endpoints, path) }),
  });

function wrongMethods(endpoints: readonly OneEndpoint[], path: string): Exchange[] {
  const allowed = allowOf(endpoints, path);
  const wrong = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"].filter(
    (method) => !allowed.split(", ").includes(method),
  );
  return wrong.map((method) =>
    exchange("another method", `${method} ${path}`, {
      request: { method, path: pathOf(path), headers: asAlice },
      response: answer(405, { detail: `Method "${method}" not allowed.` }, { Allow: allowed }),
    }),
  );
}

function allowOf(endpoints: readonly OneEndpoint[], path: string): string {
  const here = endpoints.filter((one) => one.path === path || one.alsoAt?.some((other) => other === path));
  const methods = here.map((one) => one.method.toUpperCase());
  const all = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  return all.join(", ");
}
