import { anyone, bearerToken } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { readsBy, readsOnly, type SparedCalls } from "../../core/limits/limits.ts";
import { NotAuthenticated, TokenInvalid } from "../../core/tokens/errors.ts";
import { readToken } from "../../core/tokens/tokens.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { type DeclaredError, FieldsInvalid } from "../../platform/http/errors.ts";
import { oneOf, text } from "../../platform/http/fields.ts";
import { type Form, form } from "../../platform/http/form.ts";
import { refreshTokens, verifyToken } from "./flow.ts";
import { type SignOutScope, signOut, signOutScopes } from "./logout.ts";
import { sentences } from "./texts.ts";

const tokenErrors: readonly DeclaredError[] = [FieldsInvalid, TokenInvalid];

/** That a call is made by whoever holds a token of ours: strangers behind the same address cannot keep them out. */
const goodTokens: SparedCalls<"refresh"> = {
  who: "a good refresh token",
  by: {
    field: "refresh",
    isClaimed: () => true,
    prove: async (ctx, token) => {
      const { claims } = await readToken(ctx, token, "refresh");
      return claims && `session ${claims.sessionId ?? claims.id}`;
    },
  },
};

export const refresh = endpoint({
  method: "post",
  path: "/api/auth/token/refresh/",
  summary: "Trade a refresh token for new tokens",
  description:
    "The token rotates at every use. As long as nobody used its successor, the one before it gets the same successor " +
    "again, so that a lost answer signs nobody out: at any rate within 30 seconds; later not twice in a row and, if " +
    "the request had an Idempotency-Key, only with the same one. An older token ends the session. The answer's " +
    "X-Refresh header says what happened: rotated, replayed, converged, invalid, expired, revoked or reused.",
  access: anyone,
  limit: [readsBy(goodTokens)],
  body: form({ refresh: text() }),
  reply: {
    type: "object",
    properties: { access: { type: "string" }, refresh: { type: "string" } },
    required: ["access", "refresh"],
  },
  errors: tokenErrors,
  handle: (ctx, { body }) => refreshTokens(ctx, body.refresh, retryKeyOf(ctx)),
});

/** The key a client repeats a request with; one of no use is as good as none. */
function retryKeyOf(ctx: Context): string | undefined {
  const key = ctx.request.headers.get("idempotency-key") ?? "";
  return key.length >= 16 && key.length <= 200 ? key : undefined;
}

export const verify = endpoint({
  method: "post",
  path: "/api/auth/token/verify/",
  alsoAt: ["/api/token/verify/"],
  summary: "Ask whether a token is good right now",
  access: anyone,
  limit: [readsOnly],
  body: form({ token: text() }),
  reply: { type: "object", properties: {} },
  errors: tokenErrors,
  handle: async (ctx, { body }) => {
    await verifyToken(ctx, body.token);
    return {};
  },
});

export interface LogoutBody {
  readonly refresh?: string;
  readonly scope?: SignOutScope;
}

export const logout = endpoint({
  method: "post",
  path: "/api/auth/logout/",
  summary: "Sign out",
  description:
    "Takes a refresh token or, without one, the bearer token. Answers alike for a token that is dead.",
  access: anyone,
  limit: [readsBy(goodTokens)],
  body: form({
    refresh: text({ required: false }),
    scope: oneOf(signOutScopes, { required: false }),
  }) as unknown as Form<Context, LogoutBody>,
  reply: detailReply,
  errors: [FieldsInvalid, NotAuthenticated],
  handle: async (ctx, { body }) => {
    await signOut(ctx, body.refresh ?? bearerToken(ctx), body.scope ?? "this");
    return { detail: sentences.signedOut[ctx.request.language] };
  },
});
