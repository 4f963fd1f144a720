/** Tokens as nobody honest would make them, for tests: any header, any payload, any signature. */

import { createHmac, createSecretKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FindKeys, SigningKey, VerifyingKey } from "./jws.ts";

/** A JSON file of the repository's `tests` folder. */
export function readTestFile<Content>(path: string): Content {
  const url = new URL(`../../../../../tests/${path}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Content;
}

/** One key for each algorithm, made anew for each run. */
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const secretText = "a-secret-for-tests-of-more-than-32-bytes";
const secret = createSecretKey(Buffer.from(secretText));

export const signingKeys: readonly SigningKey[] = [
  { algorithm: "HS256", key: secret },
  { algorithm: "ES256", keyId: "ec-1", key: ec.privateKey },
  { algorithm: "EdDSA", keyId: "ed-1", key: ed.privateKey },
  { algorithm: "RS256", keyId: "rsa-1", key: rsa.privateKey },
];

export const verifyingKeys: readonly VerifyingKey[] = [
  { algorithm: "HS256", key: secret },
  { algorithm: "ES256", keyId: "ec-1", key: ec.publicKey },
  { algorithm: "EdDSA", keyId: "ed-1", key: ed.publicKey },
  { algorithm: "RS256", keyId: "rsa-1", key: rsa.publicKey },
];

/** Offers every key for every token, so that the reader alone has to tell them apart. */
export const anyKey: FindKeys = () => verifyingKeys;

export function base64Url(value: unknown): string {
  const bytes =
    value instanceof Uint8Array ? value : typeof value === "string" ? value : JSON.stringify(value);
  return Buffer.from(bytes as string).toString("base64url");
}

/** Text or bytes are taken as they are, everything else becomes JSON. The HMAC is a good one by default. */
export function forgeToken(
  header: unknown,
  payload: unknown,
  key: string | Uint8Array = secretText,
  hash = "sha256",
): string {
  return signText(`${base64Url(header)}.${base64Url(payload)}`, key, hash);
}

/** Appends the HMAC of a text that need not be well-formed. */
export function signText(text: string, key: string | Uint8Array = secretText, hash = "sha256"): string {
  return `${text}.${createHmac(hash, key).update(text).digest("base64url")}`;
}
