/** Device tokens: they prove that somebody signed in here before, and nothing else (OWASP, "device cookies"). */

import { createHmac, type KeyObject } from "node:crypto";
import { fromBase64Url, isSameSecret, toBase64Url } from "../../platform/encoding.ts";
import { type Account, findAccountByEmail } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { purposeKey, purposeKeys } from "../keys/secrets.ts";
import type { SparedCalls } from "../limits/limits.ts";

/** Over https the prefix keeps other hosts of the domain from setting it (RFC 6265bis, 4.1.3.2). */
const cookieName = (ctx: Context) => (isSecure(ctx) ? "__Host-device_token" : "device_token");
const isSecure = (ctx: Context) => ctx.config.publicUrl.startsWith("https:");
/** Accounts that one browser is remembered for. */
const mostTokens = 5;
const nonceBytes = 16;
const cookieSeconds = 400 * 24 * 3600;

/** Whether the request brings a device token along, be it good for any account or for none. */
function claimsDevice(ctx: Context): boolean {
  return sentTokens(ctx).length > 0;
}

/**
 * What a device token of an account is for. With another password a new epoch begins, and no token of before is for the
 * account any more: whoever knew the old one signed in with it too.
 */
export function accountSubject({ id, deviceEpoch }: Pick<Account, "id" | "deviceEpoch">): string {
  return deviceEpoch === 0 ? id : `${id} ${deviceEpoch}`;
}

/**
 * The name that all devices share which signed in to the account of this address before, if this request comes from one
 * of them. One for all, since whoever can sign in to an account can have any number of devices.
 */
export async function findKnownDevices(ctx: Context, email: string): Promise<string | undefined> {
  if (!claimsDevice(ctx)) return undefined;
  const account = await findAccountByEmail(ctx, email);
  const subject = account && accountSubject(account);
  return subject !== undefined && knownDevice(ctx, subject) ? subject : undefined;
}

/** Calls from devices that signed in to the account of their `email` before. */
export const knownDevices: SparedCalls<"email"> = {
  who: "known devices of an account",
  by: {
    field: "email",
    isClaimed: claimsDevice,
    prove: findKnownDevices,
  },
};

/** The name of the device that this request proves to be for `subject`, or undefined. */
export function knownDevice(ctx: Context, subject: string): string | undefined {
  return sentTokens(ctx)
    .find((token) => isFor(ctx, subject, token))
    ?.slice(0, 22);
}

/**
 * Gives the caller a token that proves this device for `subject`, beside those it had for other accounts, and says the
 * device's name. A form that another site's page sends gets none: it would make a visitor's browser vouch for a stranger's attempt to register,
 * or for a stranger's account (login CSRF; OWASP, Cross-Site Request Forgery Prevention Cheat Sheet).
 */
export function rememberDevice(
  ctx: Context,
  subject: string,
  outdated: readonly string[] = [],
): string | undefined {
  if (ctx.request.isForeign) return undefined;
  const sent = sentTokens(ctx).filter((token) => !outdated.some((other) => isFor(ctx, other, token)));
  const isKnown = sent.find((token) => isFor(ctx, subject, token));
  const token = isKnown ?? newToken(ctx, subject);
  const value = [token, ...sent.filter((other) => other !== token)].slice(0, mostTokens).join("~");
  const secure = isSecure(ctx) ? "; Secure" : "";
  ctx.request.answerHeaders.set("Device-Token", value);
  ctx.request.answerHeaders.append(
    "Set-Cookie",
    `${cookieName(ctx)}=${value}; Path=/; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Lax${secure}`,
  );
  return token.slice(0, 22);
}

/** Passwords ago that a token is still known as one of the account's, and makes room for its successor. */
const mostEpochs = 10;

/** Gives the caller a token that proves this device for an account, in place of any from before its last password. */
export function rememberDeviceOf(ctx: Context, account: Pick<Account, "id" | "deviceEpoch">): void {
  const { id, deviceEpoch } = account;
  const epochs = Array.from({ length: Math.min(deviceEpoch, mostEpochs) }, (_, n) => deviceEpoch - 1 - n);
  const outdated = epochs.map((epoch) => accountSubject({ id, deviceEpoch: epoch }));
  rememberDevice(ctx, accountSubject(account), outdated);
}

function newToken(ctx: Context, subject: string): string {
  const nonce = toBase64Url(ctx.randomBytes(nonceBytes));
  return `${nonce}.${proof(purposeKey(ctx, "device-token"), subject, nonce)}`;
}

function isFor(ctx: Context, subject: string, token: string): boolean {
  const [nonce = "", given = ""] = token.split(".");
  return purposeKeys(ctx, "device-token").some((key) => isSameSecret(given, proof(key, subject, nonce)));
}

function proof(key: KeyObject, subject: string, nonce: string): string {
  return createHmac("sha256", key).update(`${subject} ${nonce}`).digest("base64url");
}

function sentTokens(ctx: Context): string[] {
  const { headers } = ctx.request;
  const prefix = `${cookieName(ctx)}=`;
  const cookies = (headers.get("cookie") ?? "").split(/;\s*/).filter((cookie) => cookie.startsWith(prefix));
  return [headers.get("device-token"), cookies[0]?.slice(prefix.length)]
    .flatMap((value) => (value ?? "").slice(0, 1000).split("~"))
    .filter((token, index, all) => isWellFormed(token) && all.indexOf(token) === index)
    .slice(0, 2 * mostTokens);
}

function isWellFormed(token: string): boolean {
  const [nonce = "", mac = "", ...rest] = token.split(".");
  return (
    rest.length === 0 && fromBase64Url(nonce)?.length === nonceBytes && fromBase64Url(mac)?.length === 32
  );
}
