/** Keys for one purpose each, derived from SECRET_KEY: what leaks for one purpose is useless for another. */

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import { fromBase64Url, toBase64Url } from "../../platform/encoding.ts";
import type { Context } from "../context.ts";
import { perSystem } from "../context.ts";

export type Purpose =
  | "encryption"
  | "refresh-token"
  | "device-token"
  | "mail-code"
  | "limit-key"
  | "mailbox"
  | "password-decoy"
  | "sign-in-place"
  | "fingerprint";

/** A purpose's key, derived from the current secret (RFC 5869). */
export function purposeKey(ctx: Context, purpose: Purpose): KeyObject {
  return derive(ctx, ctx.config.secretKey, purpose);
}

/** A purpose's keys: the current secret's first, then those of its earlier values. */
export function purposeKeys(ctx: Context, purpose: Purpose): KeyObject[] {
  return allSecrets(ctx).map((secret) => derive(ctx, secret, purpose));
}

/** The secrets themselves, as HS256 keys: tokens stay readable for a Django service with the same SECRET_KEY. */
export function rawSecretKeys(ctx: Context): readonly KeyObject[] {
  return rawKeys(ctx);
}

const allSecrets = (ctx: Context) => [ctx.config.secretKey, ...ctx.config.secretKeyFallbacks];
const rawKeys = perSystem((ctx) =>
  allSecrets(ctx).map((secret) => createSecretKey(Buffer.from(secret, "utf8"))),
);
const derivedKeys = perSystem(() => new Map<string, KeyObject>());

function derive(ctx: Context, secret: string, purpose: Purpose): KeyObject {
  const known = derivedKeys(ctx);
  const name = `${purpose}\0${secret}`;
  const key = known.get(name) ?? createSecretKey(deriveBytes(secret, purpose));
  known.set(name, key);
  return key;
}

const deriveBytes = (secret: string, purpose: Purpose) =>
  Buffer.from(hkdfSync("sha256", secret, "", `imagaine-auth ${purpose}`, 32));

/** A keyed fingerprint of a text: the same text gives the same, and it cannot be turned around without the key. */
export function macFor(ctx: Context, purpose: Purpose, text: string): Buffer {
  return createHmac("sha256", purposeKey(ctx, purpose)).update(text).digest();
}

/** The fingerprints that a text had under the current secret, first, and under its earlier values. */
export function allMacsFor(ctx: Context, purpose: Purpose, text: string): Buffer[] {
  return purposeKeys(ctx, purpose).map((key) => createHmac("sha256", key).update(text).digest());
}

/** Encrypts text for the database (AES-256-GCM); `place` binds it to its row, so that it opens nowhere else. */
export function encrypt(ctx: Context, place: string, text: string): string {
  const nonce = ctx.randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", purposeKey(ctx, "encryption"), nonce).setAAD(
    Buffer.from(place),
  );
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return `v1.${toBase64Url(Buffer.concat([nonce, sealed, cipher.getAuthTag()]))}`;
}

/** The text again, under the current secret or an earlier one; undefined when none opens it. */
export function decrypt(ctx: Context, place: string, sealed: string): string | undefined {
  return open(purposeKeys(ctx, "encryption"), place, sealed);
}

/** The same, sealed by the current secret, be it that already; undefined when none opens it. */
export function reseal(ctx: Context, place: string, sealed: string): string | undefined {
  if (open([purposeKey(ctx, "encryption")], place, sealed) !== undefined) return sealed;
  const text = decrypt(ctx, place, sealed);
  return text === undefined ? undefined : encrypt(ctx, place, text);
}

function open(keys: readonly KeyObject[], place: string, sealed: string): string | undefined {
  const bytes = sealed.startsWith("v1.") ? fromBase64Url(sealed.slice(3)) : undefined;
  if (!bytes || bytes.length < 28) return undefined;
  for (const key of keys) {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(place))
      .setAuthTag(bytes.subarray(-16));
    try {
      return decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8");
    } catch {
      // Another secret sealed it, or somebody changed it: the next key tells.
    }
  }
  return undefined;
}
