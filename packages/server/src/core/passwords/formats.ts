/** Every form in which a password hash may be stored: ours, and those that a Django project may have left. */

import { createHash, pbkdf2, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import * as argon2 from "@node-rs/argon2";
import { compare as compareBcrypt } from "bcryptjs";
import { trimWhiteSpace } from "../../platform/white-space.ts";
import { desCrypt } from "./des-crypt.ts";

/** What one argon2id hash costs. */
export interface Argon2Parameters {
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/**
 * The dearest hashes we are willing to check, or make. A stored hash names its own cost, so whoever can write one
 * (an import, a careless script) could otherwise have the process killed or kept busy for hours.
 */
export const argon2Ceiling: Argon2Parameters = { memoryKib: 256 * 1024, passes: 10, parallelism: 16 };
const pbkdf2Ceiling = 5_000_000;
const bcryptCeiling = 14;
/** N·r·p: twice what OWASP's password storage sheet asks for, and no more than 256 MiB. */
const scryptCeiling = 2 ** 21;
const longestEncoded = 512;

interface Format {
  readonly pattern: RegExp;
  /** Only ours are of the NFKC form of a password (NIST SP 800-63B-4, 3.1.1.2). */
  readonly ours?: true;
  /** Whether the cost that the hash names is one we pay; the parts are the groups of the pattern. */
  readonly isAffordable?: (parts: string[]) => boolean;
  readonly matches: (password: string, parts: string[]) => Promise<boolean> | boolean;
  /** A hash of the same cost with the same text in place of every salt and key. */
  readonly blank: (parts: string[]) => string;
}

// Without a version it is of the first one, 16: so Django wrote before argon2 1.3.
const argon2Phc =
  /\$argon2(?:id|i|d)(?:\$v=(?:16|19))?\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,10})\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{14,86}/;
const bcryptText = /\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}/;

const formats: readonly Format[] = [
  {
    pattern: whole("(", argon2Phc, ")"),
    ours: true,
    isAffordable: isAffordableArgon2,
    matches: matchesArgon2,
    blank: ([phc = ""]) => blankArgon2(phc),
  },
  {
    pattern: whole("argon2(", argon2Phc, ")"),
    isAffordable: isAffordableArgon2,
    matches: matchesArgon2,
    blank: ([phc = ""]) => `argon2${blankArgon2(phc)}`,
  },
  pbkdf2Format("sha256", /^pbkdf2_sha256\$([1-9]\d{0,9})\$([^$]+)\$([A-Za-z0-9+/]{43}=)$/, 32),
  pbkdf2Format("sha1", /^pbkdf2_sha1\$([1-9]\d{0,9})\$([^$]+)\$([A-Za-z0-9+/]{27}=)$/, 20),
  {
    pattern: whole("bcrypt_sha256\\$(", bcryptText, ")"),
    isAffordable: isAffordableBcrypt,
    matches: (password, parts) => matchesBcrypt(digest("sha256", password), parts),
    blank: ([text = ""]) => `bcrypt_sha256$${blankBcrypt(text)}`,
  },
  {
    pattern: whole("(?:bcrypt\\$)?(", bcryptText, ")"),
    isAffordable: isAffordableBcrypt,
    matches: matchesBcrypt,
    blank: ([text = ""]) => blankBcrypt(text),
  },
  {
    // The salt stands between N and r.
    pattern: /^scrypt\$([1-9]\d{0,9})\$([^$]+)\$([1-9]\d{0,9})\$([1-9]\d{0,9})\$([A-Za-z0-9+/]{86}==)$/,
    isAffordable: isAffordableScrypt,
    matches: matchesScrypt,
    blank: ([n, , r, p]) => `scrypt$${n}$${blankSalt}$${r}$${p}$${"A".repeat(86)}==`,
  },
  digestFormat("sha1", /^sha1\$([^$]*)\$([0-9a-f]{40})$/),
  digestFormat("md5", /^md5\$([^$]*)\$([0-9a-f]{32})$/),
  digestFormat("md5", /^()([0-9a-f]{32})$/),
  {
    pattern: /^crypt\$\$([./0-9A-Za-z]{2})([./0-9A-Za-z]{11})$/,
    matches: matchesDesCrypt,
    blank: () => `crypt$$${".".repeat(13)}`,
  },
];

/**
 * A new hash, as `$argon2id$v=19$m=…,t=…,p=…$salt$key`, of the NFKC form of the password. Sixteen bytes of salt come
 * from the caller; without them the library asks the operating system. Throws a RangeError for parameters above
 * `argon2Ceiling` or below what argon2 takes, since no hash made with them could be checked again.
 */
export async function encodeArgon2id(
  password: string,
  parameters: Argon2Parameters,
  salt?: Uint8Array,
): Promise<string> {
  const { memoryKib, passes, parallelism } = parameters;
  if (!isWithinCeiling(parameters)) {
    throw new RangeError(`argon2id cannot run with m=${memoryKib}, t=${passes}, p=${parallelism}`);
  }
  const options = { memoryCost: memoryKib, timeCost: passes, parallelism };
  return argon2.hash(password.normalize("NFKC"), salt ? { ...options, salt } : options);
}

/**
 * Whether this is the password of that hash. Never throws: what is empty, unusable (`!…`), unknown, malformed or
 * absurdly dear does not verify. A hash that Django made is of the password as its forms had trimmed it, so such a
 * one is tried as typed first, then trimmed.
 */
export async function verifyEncoded(password: string, encoded: string | null | undefined): Promise<boolean> {
  const found = recognise(encoded);
  // A lone surrogate has no bytes of its own: encoded, it would be the same as any other.
  if (!found || !password.isWellFormed()) return false;
  const { format, parts } = found;
  if (format.ours) return format.matches(password.normalize("NFKC"), parts);
  if (await format.matches(password, parts)) return true;
  const trimmed = trimWhiteSpace(password);
  return trimmed !== password && format.matches(trimmed, parts);
}

/** Whether a hash is anything but argon2id with exactly these parameters, so that it should be made again. */
export function isOutdated(encoded: string, parameters: Argon2Parameters): boolean {
  const { memoryKib, passes, parallelism } = parameters;
  const current = `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$`;
  return !encoded.startsWith(current);
}

/**
 * Whether some password could verify against this: well formed, of a format we know, at a cost we pay.
 * An unusable one (`!…`, null, empty) is not, though it is a proper thing to import.
 */
export function isKnownFormat(encoded: string | null | undefined): boolean {
  return recognise(encoded) !== undefined;
}

/**
 * What a hash costs to check, as a hash of the same algorithm and parameters that no password is known for: the same
 * text for every hash of that cost. Undefined for one that `isKnownFormat` does not know.
 */
export function makeOf(encoded: string | null | undefined): string | undefined {
  const found = recognise(encoded);
  return found?.format.blank(found.parts);
}

/** The make of the hashes that `encodeArgon2id` gives for these parameters. */
export function makeOfArgon2id({ memoryKib, passes, parallelism }: Argon2Parameters): string {
  return blankArgon2(`$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$$`);
}

/** As long as Django's salts: their length costs nothing that could be measured. */
const blankSalt = "A".repeat(22);

function blankBase64(bytes: number): string {
  return Buffer.alloc(bytes).toString("base64");
}

function blankArgon2(phc: string): string {
  const beforeSalt = phc.split("$").slice(0, -2).join("$");
  return `${beforeSalt}$${blankSalt}$${"A".repeat(43)}`;
}

/** The prefix and the cost; `2a`, `2b` and `2y` cost the same. */
function blankBcrypt(text: string): string {
  return `$2b$${text.slice(4, 6)}$${".".repeat(53)}`;
}

function recognise(encoded: string | null | undefined): { format: Format; parts: string[] } | undefined {
  if (!encoded || encoded.length > longestEncoded) return undefined;
  for (const format of formats) {
    const parts = format.pattern.exec(encoded)?.slice(1);
    if (parts) return (format.isAffordable?.(parts) ?? true) ? { format, parts } : undefined;
  }
  return undefined;
}

function whole(before: string, pattern: RegExp, after: string): RegExp {
  return new RegExp(`^${before}${pattern.source}${after}$`);
}

function isWithinCeiling({ memoryKib, passes, parallelism }: Argon2Parameters): boolean {
  return (
    [memoryKib, passes, parallelism].every((value) => Number.isInteger(value) && value >= 1) &&
    memoryKib >= 8 * parallelism && // RFC 9106, 3.1
    memoryKib <= argon2Ceiling.memoryKib &&
    passes <= argon2Ceiling.passes &&
    parallelism <= argon2Ceiling.parallelism
  );
}

function isAffordableArgon2([, memory, passes, parallelism]: string[]): boolean {
  return isWithinCeiling({
    memoryKib: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
}

async function matchesArgon2(password: string, [phc = ""]: string[]): Promise<boolean> {
  try {
    return await argon2.verify(phc, password);
  } catch {
    return false; // what the pattern cannot tell, such as stray bits at the end of a base64 text
  }
}

function pbkdf2Format(hash: "sha1" | "sha256", pattern: RegExp, bytes: number): Format {
  return {
    pattern,
    isAffordable: ([iterations]) => Number(iterations) <= pbkdf2Ceiling,
    blank: ([iterations]) => `pbkdf2_${hash}$${iterations}$${blankSalt}$${blankBase64(bytes)}`,
    matches: async (password, [iterations, salt = "", key = ""]) => {
      const derived = await promisify(pbkdf2)(password, salt, Number(iterations), bytes, hash);
      return isSameText(derived.toString("base64"), key);
    },
  };
}

function isAffordableBcrypt([, cost]: string[]): boolean {
  return Number(cost) >= 4 && Number(cost) <= bcryptCeiling;
}

async function matchesBcrypt(password: string, [text = ""]: string[]): Promise<boolean> {
  // bcrypt repeats its key with a NUL between, so that "abc\0abc" would open what "abc" closed.
  return !password.includes("\0") && (await compareBcrypt(password, text));
}

function isAffordableScrypt(parts: string[]): boolean {
  const [n, , r, p] = parts.map(Number) as [number, number, number, number];
  return n >= 2 && Number.isInteger(Math.log2(n)) && n * r * p <= scryptCeiling;
}

async function matchesScrypt(password: string, parts: string[]): Promise<boolean> {
  const [n, salt, r, p, key] = parts as [string, string, string, string, string];
  const options = { N: Number(n), r: Number(r), p: Number(p) };
  // RFC 7914, section 2: N + p blocks of 128·r bytes, and two for the work.
  const maxmem = 128 * options.r * (options.N + options.p + 2);
  const derived = await promisify<string, string, number, ScryptOptions, Buffer>(scrypt)(password, salt, 64, {
    ...options,
    maxmem,
  });
  return isSameText(derived.toString("base64"), key);
}

function digestFormat(hash: "md5" | "sha1", pattern: RegExp): Format {
  return {
    pattern,
    matches: (password, [salt = "", key = ""]) => isSameText(digest(hash, salt + password), key),
    blank: () => `${hash}$${blankSalt}$${"0".repeat(hash === "md5" ? 32 : 40)}`,
  };
}

function digest(hash: "md5" | "sha1" | "sha256", text: string): string {
  return createHash(hash).update(text, "utf8").digest("hex");
}

function matchesDesCrypt(password: string, [salt = "", key = ""]: string[]): boolean {
  // A short key is filled up with NULs, so that "abc\0" would open what "abc" closed.
  return !password.includes("\0") && isSameText(desCrypt(Buffer.from(password), salt), salt + key);
}

function isSameText(ours: string, theirs: string): boolean {
  const [a, b] = [Buffer.from(ours), Buffer.from(theirs)];
  return a.length === b.length && timingSafeEqual(a, b);
}
