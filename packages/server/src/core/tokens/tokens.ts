/** Access and refresh tokens: written from a session, so that the same session always gives the same refresh token. */

import { createHmac } from "node:crypto";
import { after } from "../../platform/duration.ts";
import { sha256Hex } from "../../platform/encoding.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Account } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import {
  accessSigningKey,
  accessVerifyingKeys,
  secretSigningKey,
  secretVerifyingKeys,
} from "../keys/keys.ts";
import { purposeKey } from "../keys/secrets.ts";
import type { Session } from "../sessions/sessions.ts";

import { type Claims, type ClaimsProblem, checkClaims } from "./claims.ts";
import { readCompact, signCompact, type VerifyingKey } from "./jws.ts";

export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
}

/** Seconds that the clock of another machine, which made a token, may be ahead of ours. */
const leewaySeconds = 30;

/** A fresh access token, and the one refresh token that the session stands at. */
export async function writeTokens(ctx: Context, account: Account, session: Session): Promise<TokenPair> {
  return { access: await writeAccessToken(ctx, account, session), refresh: writeRefreshToken(ctx, session) };
}

/** An access token; it never outlives its session. */
async function writeAccessToken(ctx: Context, account: Account, session: Session): Promise<string> {
  const now = ctx.now();
  const expiresAt = Math.min(after(now, ctx.config.tokens.accessTtl).getTime(), session.expiresAt.getTime());
  const claims = {
    token_type: "access",
    exp: Math.floor(expiresAt / 1000),
    iat: toSeconds(now),
    jti: randomUuid(ctx.randomBytes).replaceAll("-", ""),
    user_id: session.accountId,
    ...ownClaims(ctx, session),
    ...Object.fromEntries(ctx.config.tokens.claims.map((name) => [name, account.fields[name] ?? null])),
  };
  return signCompact(claims, await accessSigningKey(ctx));
}

/** The refresh token that a session stands at: everything in it comes from the session, so nothing is stored. */
function writeRefreshToken(ctx: Context, session: Session): string {
  const claims = {
    token_type: "refresh",
    exp: toSeconds(session.idleExpiresAt),
    iat: toSeconds(session.rotatedAt),
    jti: refreshTokenId(ctx, session),
    user_id: session.accountId,
    ...ownClaims(ctx, session),
    seq: session.counter,
  };
  return signCompact(claims, secretSigningKey(ctx));
}

function refreshTokenId(ctx: Context, session: Session): string {
  return createHmac("sha256", purposeKey(ctx, "refresh-token"))
    .update(`${session.id} ${session.counter}`)
    .digest("hex")
    .slice(0, 32);
}

function ownClaims(ctx: Context, session: Session): Record<string, unknown> {
  const { issuer, audience } = ctx.config.tokens;
  return {
    sid: session.id,
    iss: issuer,
    ...(audience === undefined ? {} : { aud: audience }),
    auth_time: toSeconds(session.authTime),
    amr: session.methods,
  };
}

const toSeconds = (moment: Date) => Math.floor(moment.getTime() / 1000);

export type ReadToken =
  | { readonly claims: Claims; readonly problem?: undefined }
  | { readonly claims?: undefined; readonly problem: ClaimsProblem };

/** Reads a token at the door for its kind; says nothing of whether its session still lives. */
export async function readToken(
  ctx: Context,
  token: string,
  kind: "access" | "refresh" | "any",
): Promise<ReadToken> {
  const keys = kind === "refresh" ? secretVerifyingKeys(ctx) : await accessVerifyingKeys(ctx);
  const payload = readCompact(token, (header) => keys.filter((key) => isMeantBy(header, key)));
  if (!payload) return { problem: "invalid" };
  const { issuer, audience } = ctx.config.tokens;
  const checked = checkClaims(payload, { kind, now: ctx.now(), leewaySeconds, issuer, audience });
  return checked.ok ? { claims: checked.claims } : { problem: checked.problem };
}

function isMeantBy(header: { algorithm: string; keyId: string | undefined }, key: VerifyingKey): boolean {
  // Tokens of the original may carry a key id that means nothing to us; a key of ours is found by its own only.
  return key.algorithm === header.algorithm && (key.keyId === undefined || key.keyId === header.keyId);
}

/** What is kept of a simplejwt token once it was exchanged. */
export function tokenFingerprint(claims: Claims): string {
  return sha256Hex(`simplejwt ${claims.id}`);
}
