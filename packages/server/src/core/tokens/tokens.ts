/** Access and refresh tokens: written from a session, so that the same session always gives the same refresh token. */

import { createHmac } from "node:crypto";
import { after } from "../../platform/duration.ts";
import { sha256Hex } from "../../platform/encoding.ts";
import { randomUuid } from "../../platform/random.ts";
import type { Account } from "../accounts/accounts.ts";
import { isStored, type UserFields } from "../accounts/fields.ts";
import type { Context } from "../context.ts";
import {
  accessSigningKey,
  accessVerifyingKeys,
  secretSigningKey,
  secretVerifyingKeys,
} from "../keys/keys.ts";
import { lookForKeys } from "../keys/ring.ts";
import { purposeKey } from "../keys/secrets.ts";
import type { Session } from "../sessions/sessions.ts";
import { type Claims, type ClaimsExpectation, type ClaimsProblem, checkClaims } from "./claims.ts";
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

/** An access token; it never outlives its session, as far as that can be foreseen. */
async function writeAccessToken(ctx: Context, account: Account, session: Session): Promise<string> {
  const now = ctx.now();
  const end = after(now, ctx.config.tokens.accessTtl).getTime();
  const expiresAt = Math.min(end, session.idleExpiresAt.getTime());
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
    // Rounded up: which moment ends it is for the session to say, to the millisecond.
    exp: Math.ceil(session.idleExpiresAt.getTime() / 1000),
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

type Payload = Readonly<Record<string, unknown>>;

export type ReadToken =
  | { readonly claims: Claims; readonly problem?: undefined; readonly expired?: undefined }
  | {
      readonly claims?: undefined;
      readonly problem: ClaimsProblem;
      /** What it said, if its time being over is all that is wrong with it. */
      readonly expired?: Claims | undefined;
    };

/** Reads a token at the door for its kind; says nothing of whether its session still lives. */
export async function readToken(
  ctx: Context,
  token: string,
  kind: "access" | "refresh" | "any",
): Promise<ReadToken> {
  const signed = await readSigned(ctx, token, kind);
  if (!signed) return { problem: "invalid" };
  const { payload, key } = signed;
  // A key of the ring is for access tokens of our sessions: one that leaked makes neither refresh tokens nor the
  // original's tokens, which ask for no session (RFC 8725, 3.12).
  if (key.keyId !== undefined && (payload.sid === undefined || payload.token_type !== "access"))
    return { problem: "invalid" };
  const { issuer, audience } = ctx.config.tokens;
  const expected = { kind, now: ctx.now(), leewaySeconds, issuer, audience };
  const checked = checkClaims(payload, expected);
  if (checked.ok) return { claims: { ...checked.claims, ...key } };
  const expired = readExpired(payload, expected);
  return { problem: checked.problem, expired: expired && { ...expired, ...key } };
}

interface Signed {
  readonly payload: Payload;
  /** Which key of the ring signed it; nothing for SECRET_KEY. */
  readonly key: Pick<Claims, "keyId">;
}

async function readSigned(ctx: Context, token: string, kind: string): Promise<Signed | undefined> {
  let key: Signed["key"] = {};
  const readWith = (keys: readonly VerifyingKey[]) =>
    readCompact(token, ({ algorithm, keyId }) => {
      // Tokens of the original may carry a key id that means nothing to us.
      key = algorithm === "HS256" || keyId === undefined ? {} : { keyId };
      return keys;
    });
  if (kind === "refresh") {
    const payload = readWith(secretVerifyingKeys(ctx));
    return payload && { payload, key };
  }
  const known = await accessVerifyingKeys(ctx);
  let payload = readWith(known);
  if (!payload && key.keyId !== undefined && !known.some((one) => one.keyId === key.keyId)) {
    await lookForKeys(ctx);
    payload = readWith(await accessVerifyingKeys(ctx));
  }
  return payload && { payload, key };
}

/** The claims of a token that was good until its time was over. */
function readExpired(payload: Payload, expected: ClaimsExpectation): Claims | undefined {
  const { exp } = payload;
  if (typeof exp !== "number" || exp * 1000 > expected.now.getTime()) return undefined;
  const checked = checkClaims(payload, { ...expected, now: new Date(exp * 1000 - 1) });
  return checked.ok ? checked.claims : undefined;
}

/** What a token says of itself; a field of a user must not speak in its place. */
const ownClaimNames = new Set(
  "token_type exp iat nbf jti user_id sub sid iss aud auth_time amr seq act scope".split(" "),
);

/** What is wrong with names in TOKEN_CLAIMS that no access token can carry: `"plan" is hidden, …`. */
export function findTokenClaimProblems(names: readonly string[], fields: UserFields): string[] {
  return names.flatMap((name) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const reason = ownClaimNames.has(name)
      ? "is a claim that every token has already"
      : !field
        ? "is no declared user field"
        : !isStored(field)
          ? "is a link, which has no value of its own"
          : field.hidden
            ? "is hidden, and whoever holds a token can read it"
            : undefined;
    return reason ? [`"${name}" ${reason}`] : [];
  });
}

/** What is kept of a simplejwt token once it was exchanged. */
export function tokenFingerprint(claims: Claims): string {
  return sha256Hex(`simplejwt ${claims.id}`);
}
