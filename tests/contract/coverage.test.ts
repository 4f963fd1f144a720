/** Every endpoint under /api/auth has an exchange for its success and for each status it declares. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Context } from "../../packages/server/src/core/context.ts";
import { describeSystem } from "../../packages/server/src/features/discovery/api.ts";
import type { AnyEndpoint } from "../../packages/server/src/platform/http/endpoint.ts";
import { authEndpoints, everywhere } from "./everywhere.ts";
import { readRecordings } from "./exchanges.ts";
import { wantedAnswer } from "./judge.ts";
import { ownExchanges } from "./own.ts";
import { openSystem } from "./system.ts";

const system = await openSystem({ limits: "off" });
after(() => system[Symbol.asyncDispose]());

const answered = [...readRecordings(), ...ownExchanges, ...everywhere(system.ctx)].map((exchange) => {
  const { method, path } = exchange.request;
  return { method, path: plainPath(path), status: wantedAnswer(exchange).status };
});

/** As the router sees it: decoded, without query, with its final slash. */
function plainPath(path: string): string {
  const decoded = decodeURIComponent(path.split("?")[0] ?? "");
  return decoded.endsWith("/") ? decoded : `${decoded}/`;
}

function declaredStatuses(one: AnyEndpoint<Context>): number[] {
  const { paths } = describeSystem(system.ctx) as unknown as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  const operation = paths[one.path.replace(/:(\w+)/, "{$1}")]?.[one.method];
  assert.ok(operation, `${one.method} ${one.path} is not in the document`);
  return Object.keys(operation.responses).map(Number);
}

describe("the exchanges", () => {
  const endpoints = authEndpoints(system.ctx);

  it("meet endpoints at all", () => {
    assert.ok(endpoints.length >= 15);
  });

  for (const one of endpoints) {
    const name = `${one.method.toUpperCase()} ${one.path}`;
    it(`reach every declared answer of ${name}`, () => {
      const pattern = new RegExp(`^${one.path.replace(/:\w+/, "[^/]+")}$`);
      const reached = new Set(
        answered
          .filter(({ method, path }) => method === one.method.toUpperCase() && pattern.test(path))
          .map(({ status }) => status),
      );
      // What guesses nothing has one ceiling for all such endpoints together: one exchange of each kind shows it.
      const isLimitedAlone = one.limit.some(
        ({ describe }) => !/^\d+ a minute by /.test(describe(system.ctx)),
      );
      const missing = declaredStatuses(one).filter(
        (status) => !reached.has(status) && (status !== 429 || isLimitedAlone),
      );
      assert.deepEqual(missing, [], name);
    });
  }
});
