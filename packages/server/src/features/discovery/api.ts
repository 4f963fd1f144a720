import { anyone } from "../../core/access/access.ts";
import { userSchema } from "../../core/accounts/fields.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { publicKeySet } from "../../core/keys/keys.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { describeApi } from "../../platform/http/openapi.ts";

const open = { access: anyone, limit: [readsOnly], errors: [] } as const;

export const schema = endpoint({
  ...open,
  method: "get",
  path: "/api/schema/",
  summary: "This document: OpenAPI 3.1, made from the endpoints themselves",
  reply: { type: "object" },
  handle: async (ctx) => describeSystem(ctx),
});

export function describeSystem(ctx: Context): ReturnType<typeof describeApi<Context>> {
  return describeApi(ctx, {
    endpoints: ctx.additions.endpoints.filter((one) => !one.path.startsWith("/_/")),
    title: `${ctx.config.appName} accounts`,
    version: "1",
    serverUrl: ctx.config.publicUrl,
    schemas: { User: userSchema(ctx.additions.fields) },
  });
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
