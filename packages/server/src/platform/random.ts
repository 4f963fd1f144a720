/** The one place that makes randomness: the operating system's, unpredictable (RFC 4086). */

import { randomBytes as secureBytes } from "node:crypto";

export type RandomBytes = (size: number) => Uint8Array;

export const systemRandomBytes: RandomBytes = (size) => secureBytes(size);

/** A random UUID of version 4 (RFC 9562, 5.4): what a row is known by. */
export function randomUuid(randomBytes: RandomBytes): string {
  const bytes = Uint8Array.from(randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

/** 128 random bits written as a UUID is, since clients of the original expect that shape of a link's token. */
export function randomUuidShapedToken(randomBytes: RandomBytes): string {
  return uuidText(randomBytes(16));
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A number of so many digits, each value equally likely: draws that would favour small ones are thrown away. */
export function randomDigits(randomBytes: RandomBytes, digits: number): string {
  const range = 10 ** digits;
  const limit = 2 ** 32 - (2 ** 32 % range);
  for (;;) {
    const draw = Buffer.from(randomBytes(4)).readUInt32BE();
    if (draw < limit) return String(draw % range).padStart(digits, "0");
  }
}
