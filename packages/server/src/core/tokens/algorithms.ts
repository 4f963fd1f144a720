/** The four ways a token may be signed, and the keys that each takes. */

import { createHmac, type KeyObject, sign, timingSafeEqual, verify } from "node:crypto";

export type Algorithm = "HS256" | "ES256" | "EdDSA" | "RS256";

interface Primitive {
  /** Whether the key is of the kind and strength that the algorithm needs. */
  fits(key: KeyObject): boolean;
  sign(message: Buffer, key: KeyObject): Buffer;
  /** Whether the signature is the message's, in its one canonical form; of any bytes, without an exception. */
  verify(message: Buffer, key: KeyObject, signature: Buffer): boolean;
}

/** Order of P-256 (FIPS 186-5), and the largest s that is not the higher twin of another. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const largestS = order / 2n;

/** The allow-list: no algorithm outside this constant is ever looked at (RFC 8725, 3.1). */
export const algorithms: Readonly<Record<Algorithm, Primitive>> = {
  HS256: {
    fits: (key) => (key.symmetricKeySize ?? 0) > 0,
    sign: hmac,
    verify: (message, key, signature) =>
      signature.length === 32 && timingSafeEqual(hmac(message, key), signature),
  },
  ES256: {
    fits: (key) => key.asymmetricKeyDetails?.namedCurve === "prime256v1",
    sign: (message, key) => lowerS(sign("sha256", message, { key, dsaEncoding: "ieee-p1363" })),
    verify: (message, key, signature) =>
      signature.length === 64 &&
      readS(signature) <= largestS &&
      verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature),
  },
  EdDSA: {
    fits: (key) => key.asymmetricKeyType === "ed25519",
    sign: (message, key) => sign(null, message, key),
    verify: (message, key, signature) => verify(null, message, key, signature),
  },
  RS256: {
    fits: (key) => key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048,
    sign: (message, key) => sign("sha256", message, key),
    verify: (message, key, signature) => verify("sha256", message, key, signature),
  },
};

function hmac(message: Buffer, key: KeyObject): Buffer {
  return createHmac("sha256", key).update(message).digest();
}

function readS(signature: Buffer): bigint {
  return BigInt(`0x${signature.toString("hex", 32)}`);
}

/** The same signature with the lower s; both verify everywhere, only this one here. */
function lowerS(signature: Buffer): Buffer {
  const s = readS(signature);
  if (s <= largestS) return signature;
  return Buffer.from(signature.toString("hex", 0, 32) + (order - s).toString(16).padStart(64, "0"), "hex");
}
