/** Bytes as text, and text compared without telling how far it was right. */

import { createHash, timingSafeEqual } from "node:crypto";

export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** The bytes of canonical base64url text (RFC 4648, 5); undefined for padding, stray bits or anything else. */
export function fromBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/** SHA-256 in hex: how a random token is stored, since a fast hash suffices for 128 random bits. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Whether two texts are the same, in a time that depends on their lengths alone. */
export function isSameSecret(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
