/** Trades a refresh token for new ones; says whether a token is good; signs out. */

import { findHolder } from "../../core/access/access.ts";
import { type Account, findAccount } from "../../core/accounts/accounts.ts";
import type { Context } from "../../core/context.ts";
import { event, record } from "../../core/events/events.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import {
  advanceSession,
  endSession,
  findSession,
  findSessionByExchangedToken,
  isLive,
  isReplaced,
  isWithinGrace,
  recoverSession,
  type Session,
} from "../../core/sessions/sessions.ts";
import { exchangeForeignToken } from "../../core/sign-in/exchange.ts";
import type { Claims } from "../../core/tokens/claims.ts";
import { TokenInvalid } from "../../core/tokens/errors.ts";
import { readToken, type TokenPair, tokenFingerprint, writeTokens } from "../../core/tokens/tokens.ts";
import { violates } from "../../platform/database/dialect.ts";
import { hours } from "../../platform/duration.ts";
import { sha256Hex } from "../../platform/encoding.ts";
import { sessionReuseMail } from "./mail.ts";

export const refreshTokenReused = event<{ session: string; seq: number }>("session.refresh_token_reused");
export const sessionConverged = event<{ session: string; seq: number }>("session.converged");

/** How old a token may be that an old client's other tab still holds, when such are let converge. */
const convergeTime = hours(24);

/** What became of a refresh token, for the `X-Refresh` header: a client can tell its user why. */
export type RefreshOutcome =
  | "rotated"
  | "replayed"
  | "converged"
  | "invalid"
  | "expired"
  | "revoked"
  | "reused";

/**
 * New tokens for a refresh token. Of any number of calls with one token at the same moment, one moves the session on
 * and all get the same successor; so does the token one behind later on, as long as nobody used that successor: the
 * answer may have been lost. A token older than that was stolen, or its thief's use made it old: it ends the session
 * (RFC 9700, 4.14.2). `retryKey` is a secret of the caller's request: whoever sends one has a lost answer to himself.
 * Throws TokenInvalid for every token that gets nothing.
 */
export async function refreshTokens(ctx: Context, token: string, retryKey?: string): Promise<TokenPair> {
  const read = await readToken(ctx, token, "refresh");
  if (!read.claims) return refuse(ctx, read.expired ? "expired" : "invalid", new TokenInvalid(read.problem));
  const { claims } = read;
  const key = retryKey === undefined ? null : sha256Hex(retryKey);
  if (claims.sessionId === undefined) return refreshForeign(ctx, claims, key);
  const { sessionId: id, userId: accountId, sequence: seq } = claims;
  if (seq === undefined) return refuse(ctx, "invalid", new TokenInvalid());
  const advanced = await advanceSession(ctx, { id, accountId, counter: seq }, key);
  if (advanced) return answer(ctx, advanced, "rotated");
  const session = await findSession(ctx, id);
  if (!session) return refuse(ctx, "revoked");
  if (session.accountId !== accountId) return refuse(ctx, "invalid", new TokenInvalid());
  return refreshStale(ctx, session, { seq, isNextOf: session.counter - 1, key, claims });
}

interface Stale {
  /** The number that the token carries; one made by simplejwt stands before the first. */
  readonly seq: number;
  readonly isNextOf: number;
  readonly key: string | null;
  readonly claims: Claims;
}

/** A token that its session has moved past: the same answer again, the current one, or the end of the session. */
async function refreshStale(ctx: Context, session: Session, stale: Stale): Promise<TokenPair> {
  if (session.endedAt) return refuse(ctx, "revoked");
  if (!isLive(ctx, session)) return refuse(ctx, "expired", new TokenInvalid());
  // Neither the new one nor the end of the session: this is what a thief has who made its owner change the password.
  if (isReplaced(session, stale.seq)) return refuse(ctx, "revoked");
  if (stale.seq === session.counter) return refuse(ctx, "revoked", new TokenInvalid());
  if (stale.seq > session.counter) return refuse(ctx, "invalid", new TokenInvalid());
  if (stale.seq === stale.isNextOf && (await mayReplay(ctx, session, stale.key)))
    return answer(ctx, session, "replayed");
  if (mayConverge(ctx, stale.claims)) {
    await record(ctx, sessionConverged, session.accountId, { session: session.id, seq: stale.seq });
    return answer(ctx, session, "converged");
  }
  await endReused(ctx, session, stale.seq);
  return refuse(ctx, "reused");
}

/** Whether the current token, which nobody has used, may be had by the one before it. */
async function mayReplay(ctx: Context, session: Session, key: string | null): Promise<boolean> {
  if (isWithinGrace(ctx, session)) return true;
  return session.retryKey === null ? recoverSession(ctx, session) : key === session.retryKey;
}

function mayConverge(ctx: Context, claims: Claims): boolean {
  const age = ctx.now().getTime() - (claims.issuedAt?.getTime() ?? 0);
  return ctx.config.tokens.reuse === "converge" && age <= convergeTime;
}

/** Of several stale tokens at once, one ends the session, and its owner gets one mail. */
async function endReused(ctx: Context, session: Session, seq: number): Promise<void> {
  await ctx.transaction(async (ctx) => {
    if (!(await endSession(ctx, session.accountId, session.id, "reuse"))) return;
    await record(ctx, refreshTokenReused, session.accountId, { session: session.id, seq });
    const account = await findAccount(ctx, session.accountId);
    if (account) await enqueueMail(ctx, sessionReuseMail, account.email, {});
  });
}

/** A token of the original: once for a session of ours, and after that judged like any token one behind. */
async function refreshForeign(ctx: Context, claims: Claims, key: string | null): Promise<TokenPair> {
  let session = await findSessionByExchangedToken(ctx, tokenFingerprint(claims));
  if (!session) {
    try {
      const exchanged = await exchangeForeignToken(ctx, claims, key);
      if (!exchanged) return refuse(ctx, "revoked", new TokenInvalid());
      return await answer(ctx, exchanged.session, "rotated", exchanged.account);
    } catch (error) {
      if (!violates(error, "sessions")) throw error;
      session = await findSessionByExchangedToken(ctx, tokenFingerprint(claims));
    }
  }
  if (!session) return refuse(ctx, "revoked");
  return refreshStale(ctx, session, { seq: -1, isNextOf: session.counter - 1, key, claims });
}

async function answer(
  ctx: Context,
  session: Session,
  outcome: RefreshOutcome,
  known?: Account,
): Promise<TokenPair> {
  const account = known ?? (await findAccount(ctx, session.accountId));
  if (!account || account.disabledAt) return refuse(ctx, "revoked", new TokenInvalid());
  ctx.request.answerHeaders.set("X-Refresh", outcome);
  return writeTokens(ctx, account, session);
}

function refuse(ctx: Context, outcome: RefreshOutcome, error = new TokenInvalid("blacklisted")): never {
  ctx.request.answerHeaders.set("X-Refresh", outcome);
  throw error;
}

/** Whether a token, access or refresh, is good at this moment. Throws TokenInvalid when not, and says no more. */
export async function verifyToken(ctx: Context, token: string): Promise<void> {
  const read = await readToken(ctx, token, "any");
  if (!read.claims) throw new TokenInvalid(read.problem);
  const { account, isEnded } = await findHolder(ctx, read.claims);
  if (!account || account.disabledAt || isEnded) throw new TokenInvalid();
  if (read.claims.tokenType === "refresh" && (await isUsedUp(ctx, read.claims))) throw new TokenInvalid();
}

async function isUsedUp(ctx: Context, claims: Claims): Promise<boolean> {
  if (claims.sessionId === undefined) {
    return (await findSessionByExchangedToken(ctx, tokenFingerprint(claims))) !== undefined;
  }
  const session = await findSession(ctx, claims.sessionId);
  return session?.counter !== claims.sequence;
}
