import { anyone } from "../../core/access/access.ts";
import { userSchema } from "../../core/accounts/fields.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { publicKeySet } from "../../core/keys/keys.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { describeApi, publish } from "../../platform/http/openapi.ts";

const open = { access: anyone, limit: [readsOnly], errors: [] } as const;

export const schema = endpoint({
  ...open,
  method: "get",
  path: "/api/schema/",
  summary: "This document: OpenAPI 3.1, made from the endpoints themselves",
  reply: { type: "object" },
  handle: async (ctx) => publish(describeSystem(ctx)),
});

export function describeSystem(ctx: Context): ReturnType<typeof describeApi<Context>> {
  return describeApi(ctx, {
    endpoints: ctx.additions.endpoints.filter((one) => !one.path.startsWith("/_/")),
    title: `${ctx.config.appName} accounts`,
    version: "1",
    description:
      "Accounts, sessions and tokens. Each path answers with and without a final slash. Bodies are JSON or forms; " +
      "errors are Django REST Framework's, or RFC 9457's with `Accept: application/problem+json`.",
    contact: { name: ctx.config.appName, url: ctx.config.publicUrl },
    license: "MIT",
    serverUrl: serverUrl(ctx.config.publicUrl),
    schemas: { User: userSchema(ctx.additions.fields) },
  });
}

/** On a machine of one's own, where the document was read from: no other machine finds it by that name. */
function serverUrl(publicUrl: string): string {
  const { hostname, pathname } = new URL(publicUrl);
  return /^(?:localhost|127\..*|\[::1\])$/.test(hostname) ? pathname : publicUrl;
}

export const keySet = endpoint({
  access: anyone,
  // Services ask for it whenever they meet a key they do not know; the answer is a short list from memory.
  limit: [],
  errors: [],
  method: "get",
  path: "/.well-known/jwks.json",
  summary: "The keys that access tokens are signed with (RFC 7517); none for HS256",
  reply: {
    type: "object",
    properties: { keys: { type: "array", items: { type: "object" } } },
    required: ["keys"],
  },
  handle: async (ctx) => {
    ctx.request.answerHeaders.set("Cache-Control", "public, max-age=300");
    return publicKeySet(ctx);
  },
});
