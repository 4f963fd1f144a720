/** Tokens in tests: sent to their doors, looked into, and forged with the right key. */

import { forgeToken } from "../core/tokens/forge.testing.ts";
import type { Answer, Http } from "./http.ts";
import { type TestAuth, testSecret } from "./test-auth.ts";

export function refresh(t: { readonly http: Http }, token: string, key?: string): Promise<Answer> {
  const options = key === undefined ? {} : { headers: { "idempotency-key": key } };
  return t.http.post("/api/auth/token/refresh/", { refresh: token }, options);
}

/** Whether a token, of either kind, is good at this moment. */
export async function isGood(t: { readonly http: Http }, token: string): Promise<boolean> {
  return (await t.http.post("/api/auth/token/verify/", { token })).status === 200;
}

/** Whether an access token opens a door at this moment. */
export async function opens(t: { readonly http: Http }, token: string): Promise<boolean> {
  return (await t.http.get("/api/auth/profile/", { token })).status === 200;
}

export interface Payload extends Readonly<Record<string, unknown>> {
  readonly user_id: string;
  readonly sid: string;
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly seq: number;
}

export function payloadOf(token: string): Payload {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Payload;
}

/** The id of the key that a token says it was signed with. */
export function keyIdOf(token: string): string | undefined {
  return (JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { kid?: string }).kid;
}

/** A token with a good signature that says what it is told to; a claim that is undefined is left out. */
export function sign(claims: Readonly<Record<string, unknown>>): string {
  return forgeToken({ alg: "HS256", typ: "JWT" }, claims, testSecret);
}

let count = 0;

/** A token as simplejwt makes it, with the same key; a month of life for a refresh token. */
export function foreignToken(
  t: TestAuth,
  kind: "access" | "refresh",
  userId: string,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  const now = Math.floor(t.clock.now().getTime() / 1000);
  count += 1;
  const jti = count.toString(16).padStart(32, "0");
  const life = kind === "access" ? 300 : 30 * 86_400;
  return sign({ token_type: kind, exp: now + life, iat: now, jti, user_id: userId, ...changes });
}
