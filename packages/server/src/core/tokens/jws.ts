/**
 * Compact JSON Web Signatures, written and read in one canonical text: whatever deviates from it is no token.
 *
 * What the reader decides where RFC 7515 and simplejwt leave room:
 * - at most 4096 characters; three non-empty base64url segments, no padding, no stray bits, no other character;
 * - the header holds `alg`, `typ`, `kid` and nothing else, so no `crit`, `b64`, `zip`, `enc`, and no key or
 *   address of one (`jwk`, `jku`, `x5u`, `x5c`, `x5t`) ever gets as far as being ignored;
 * - the header's text is what JSON.stringify makes of it, in any order: no white space, no escapes, no member
 *   twice (RFC 8725bis: two readers may take two different ones). simplejwt and jose write it so;
 * - `alg` is one of four, exactly, and equals the algorithm that the key is for (RFC 8725, 3.1);
 * - `typ` is absent, "JWT", or "at+jwt" (simplejwt passes it; the kind is told by `token_type` in any case);
 * - `kid` is absent or 1 to 64 visible ASCII characters; a key that has an id answers to that id only, a key that
 *   has none to any (simplejwt's one secret);
 * - ES256 signatures have the lower of the two values of s: anyone can turn one into the other without a key;
 * - the payload is a JSON object in UTF-8. Its text may take any form, since Python escapes what we do not.
 */

import { isUtf8 } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { type Algorithm, algorithms } from "./algorithms.ts";

export type { Algorithm } from "./algorithms.ts";

/** A secret for HS256, else a private key: P-256 for ES256, Ed25519 for EdDSA, RSA of 2048 bits or more for RS256. */
export interface SigningKey {
  readonly algorithm: Algorithm;
  readonly keyId?: string | undefined;
  readonly key: KeyObject;
}

/** As a signing key, with the public half where there is one. */
export type VerifyingKey = SigningKey;

/** What a token says of its key before anything about it is proven. */
export interface ClaimedKey {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
}

/** The keys that may have signed: chosen by algorithm and id, for one purpose. */
export type FindKeys = (claimed: ClaimedKey) => readonly VerifyingKey[];

const longestToken = 4096;
const headerNames = ["alg", "typ", "kid"];
const headerTypes: readonly unknown[] = [undefined, "JWT", "at+jwt"];
const keyIdPattern = /^[\x21-\x7e]{1,64}$/;

/**
 * The token that carries `payload`, its members in the given order. Throws if the key is not one for its algorithm,
 * or if the token would be one that `readCompact` refuses (too long, or a key id that it does not take).
 */
export function signCompact(payload: Readonly<Record<string, unknown>>, key: SigningKey): string {
  const algorithm = algorithms[key.algorithm];
  if (!algorithm.fits(key.key)) throw new TypeError(`This key cannot sign with ${key.algorithm}.`);
  if (!isKeyId(key.keyId)) throw new RangeError("A key id has 1 to 64 visible ASCII characters.");
  const header = { alg: key.algorithm, typ: "JWT", kid: key.keyId };
  const message = `${encodeJson(header)}.${encodeJson(payload)}`;
  const token = `${message}.${algorithm.sign(Buffer.from(message), key.key).toString("base64url")}`;
  if (token.length > longestToken) throw new RangeError(`A token has at most ${longestToken} characters.`);
  return token;
}

/**
 * The payload of a token that one of the found keys signed; undefined for every other text, and never a reason why.
 * Nothing is thrown, whatever the text. `findKeys` is asked at most once, with an algorithm of ours and a key id that
 * is safe to log but chosen by a stranger: it must not fetch anything on its account.
 */
export function readCompact(token: string, findKeys: FindKeys): Record<string, unknown> | undefined {
  const payload = verifyCompact(token, findKeys);
  return payload && parseObject(decodeText(payload));
}

/** As `readCompact`, but the payload may be any bytes. */
export function verifyCompact(token: string, findKeys: FindKeys): Buffer | undefined {
  // Before any other work, so that a megabyte costs what a byte does (CVE-2025-27144, CVE-2025-30204).
  if (token.length > longestToken) return undefined;
  const segments = token.split(".");
  if (segments.length !== 3) return undefined;
  const [header, payload, signature] = segments.map(decodeSegment);
  if (!header || !payload || !signature) return undefined;
  const claimed = readHeader(header);
  if (!claimed) return undefined;
  const message = Buffer.from(token.slice(0, token.lastIndexOf(".")));
  const isGenuine = findKeys(claimed).some(
    (key) => answersTo(key, claimed) && algorithms[claimed.algorithm].verify(message, key.key, signature),
  );
  return isGenuine ? payload : undefined;
}

/** Whether the key may be tried: its own algorithm decides, never the token's word for it (CVE-2022-29217). */
function answersTo(key: VerifyingKey, claimed: ClaimedKey): boolean {
  return (
    key.algorithm === claimed.algorithm &&
    (key.keyId === undefined || key.keyId === claimed.keyId) &&
    algorithms[key.algorithm].fits(key.key)
  );
}

function readHeader(bytes: Buffer): ClaimedKey | undefined {
  const text = decodeText(bytes);
  const header = parseObject(text);
  if (!header || !Object.keys(header).every((name) => headerNames.includes(name))) return undefined;
  const { alg, typ, kid } = header;
  if (!isAlgorithm(alg) || !headerTypes.includes(typ) || !isKeyId(kid)) return undefined;
  // Last, since only now is it known to be flat and short. A member that stands twice does not survive it.
  if (JSON.stringify(header) !== text) return undefined;
  return { algorithm: alg, keyId: kid };
}

function isAlgorithm(value: unknown): value is Algorithm {
  return typeof value === "string" && Object.hasOwn(algorithms, value);
}

function isKeyId(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === "string" && keyIdPattern.test(value));
}

/** Bytes of canonical base64url; Node reads much more than that, so the text is made again and compared. */
function decodeSegment(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.length > 0 && bytes.toString("base64url") === text ? bytes : undefined;
}

function encodeJson(value: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodeText(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
