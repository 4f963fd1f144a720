/** A whole system behind a listening server, put back to the recorded state before each exchange. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fields } from "../../examples/imagaine/imagaine-auth.config.ts";
import type { Context } from "../../packages/server/src/core/context.ts";
import { createNodeServer } from "../../packages/server/src/platform/http/node.ts";
import { checkAnswer } from "../../packages/server/src/testing/invariants.ts";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import type { Call } from "./exchanges.ts";
import type { Target } from "./play.ts";
import { createClient, type Given } from "./send.ts";
import { applyStep, fixtures, restoreWorld } from "./world.ts";

export interface TestSystem extends AsyncDisposable {
  readonly ctx: Context;
  readonly target: Target;
  /** Everything as it was before every recorded exchange. */
  readonly restore: () => Promise<void>;
}

const environment = {
  SECRET_KEY: fixtures.signing_key_utf8,
  FRONTEND_URL: fixtures.frontend_url,
  DEFAULT_FROM_EMAIL: fixtures.default_from_email,
};

/** A system with ImagAIne's fields, the recorded key, and any further settings. */
export async function openSystem(
  options: { readonly limits: "on" | "off" } & { readonly settings?: Readonly<Record<string, string>> },
): Promise<TestSystem> {
  const settings = { ...environment, RATE_LIMITS: options.limits, ...options.settings };
  const t = await testAuth({ fields, environment: settings });
  const server = createNodeServer(t.auth.handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const send = async (call: Call) => {
    const given = await client.send(call);
    checkInvariants(call, given);
    return given;
  };
  const lastMail = async () => {
    const text = (await t.mailbox()).at(-1)?.text ?? "";
    const code = /\b(\d{3}) (\d{3})\b/.exec(text)?.slice(1).join("") ?? "";
    return { token: /\/([0-9a-f-]{36})\//.exec(text)?.[1] ?? "", code };
  };
  return {
    ctx: t.ctx,
    target: {
      send,
      now: t.clock.now,
      local: {
        change: (step) => applyStep(t.ctx, step),
        advance: t.clock.advance,
        sendMails: async () => void (await t.mailbox()),
        lastMail,
      },
    },
    restore: () => restoreWorld(t.ctx),
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      server.close();
      server.closeAllConnections();
      await t[Symbol.asyncDispose]();
    },
  };
}

/** What Node refuses before it is a request never reaches the handler, whose invariants these are. */
function checkInvariants({ method, path }: Call, { status, headers, text }: Given): void {
  if (headers.get("connection") === "close" && status === 400) return;
  const isEmpty = [101, 204, 205, 304].includes(status);
  const answer = new Response(isEmpty ? null : text, { status, headers });
  checkAnswer({ method, path: path.split("?")[0] ?? "", secrets: [], hasFault: false }, answer, text);
}
