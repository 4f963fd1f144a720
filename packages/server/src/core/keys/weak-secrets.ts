/** Tells why a secret key is one that a stranger could know or guess. */

import { readFileSync } from "node:fs";
import { filterHas } from "../passwords/common-filter.ts";

/** RFC 7518, 3.2: a key of HS256 has at least the 256 bits of its hash. */
export const secretMinBytes = 32;

const leastDistinct = 8;

/** Secrets that stand in our own documents and tests, for everybody to copy. */
const ownExamples: readonly string[] = [
  "a-secret-for-tests-only-0123456789-abcdefghijklm",
  "never-to-be-seen-0123456789-abcdefghij",
  "older-never-to-be-seen-0123456789-ab",
];

let published: Uint8Array | undefined;

/** What is wrong with a secret, completing "SECRET_KEY …"; undefined when nothing is. */
export function findSecretWeakness(secret: string): string | undefined {
  const bytes = Buffer.byteLength(secret);
  if (bytes < secretMinBytes) return `has ${bytes} bytes, and needs at least ${secretMinBytes} random ones`;
  if (new Set(secret).size < leastDistinct) return `has fewer than ${leastDistinct} different characters`;
  if (isPublished(secret)) return "is a published one, which attackers try first";
  if (isRepetition(secret)) return "repeats a shorter text";
  return undefined;
}

/** The form in which secrets are compared with the list, and in which the list is compiled. */
export function secretForm(secret: string): string {
  return secret.trim().toLowerCase();
}

/** Whether it is on the list of weak-secrets.md. One random secret in 40,000 is taken for one of them. */
function isPublished(secret: string): boolean {
  published ??= readFileSync(new URL("weak-secrets.bin", import.meta.url));
  const form = secretForm(secret);
  return ownExamples.some((example) => secretForm(example) === form) || filterHas(published, form);
}

/** Whether the text is a shorter one written twice or more, the last time perhaps not to its end. */
function isRepetition(text: string): boolean {
  const half = Math.floor(text.length / 2);
  return Array.from({ length: half }, (_, index) => index + 1).some((period) =>
    text.startsWith(text.slice(period)),
  );
}
