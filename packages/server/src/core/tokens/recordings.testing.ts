/** The tokens named in the recordings of the original, minted anew, and what the original said of each. */

import { createHash } from "node:crypto";
import { forgeToken, readTestFile } from "./forge.testing.ts";

interface Fixtures {
  readonly signing_key_utf8: string;
  readonly users: Readonly<Record<string, { readonly id: string }>>;
}

const fixtures = readTestFile<Fixtures>("contract/original/fixtures.json");

export const recordedSecret = fixtures.signing_key_utf8;

export interface Recipe {
  readonly header?: unknown;
  readonly claims?: unknown;
  readonly key?: "wrong";
  readonly sign?: "HS512";
  readonly mutate?: keyof typeof mutations;
  readonly literal?: string;
  readonly fixture?: string;
}

const mutations = {
  "flip-signature": (token: string) => replaceSignature(token, (bytes) => bytes.map((byte) => byte ^ 1)),
  "payload-changed": (token: string) => {
    const [header, payload = "", signature] = token.split(".");
    const text = Buffer.from(payload, "base64url").toString().replace("a11ce000", "b0b00000");
    return `${header}.${Buffer.from(text).toString("base64url")}.${signature}`;
  },
  "empty-signature": (token: string) => token.slice(0, token.lastIndexOf(".") + 1),
  "no-signature-segment": (token: string) => token.slice(0, token.lastIndexOf(".")),
  "four-segments": (token: string) => `${token}.x`,
  "junk-in-signature": (token: string) => `${token.slice(0, -4)}!*${token.slice(-4)}`,
  "signature-padded": (token: string) => `${token}=`,
  "noncanonical-last-char": (token: string) => token.slice(0, -1) + strayBit(token.slice(-1)),
  truncated: (token: string) => token.slice(0, -5),
  uppercase: (token: string) => token.toUpperCase(),
  "non-ascii": (token: string) => `${token}é`,
  doubled: (token: string) => `${token}${token}`,
} as const;

/** Recipes by name, `access:exp-null` and the like; those of tokens stored by the original are left out. */
export const recipes: ReadonlyMap<string, Recipe> = new Map(
  Object.entries(readTestFile<Record<string, Recipe>>("contract/original/tokens.json")).filter(
    ([, recipe]) => !recipe.fixture,
  ),
);

/** The token that a recipe makes at a moment; the id stands where the recipe leaves it open. */
export function mintRecipe(recipe: Recipe, nowSeconds: number, tokenId = defaultId(nowSeconds)): string {
  if (recipe.literal !== undefined) return recipe.literal;
  const header = recipe.header ?? { alg: "HS256", typ: "JWT" };
  const key = recipe.key === "wrong" ? "some-other-key-0123456789-abcdefghijklmnop" : recordedSecret;
  const token = forgeToken(
    header,
    fillIn(recipe.claims, nowSeconds, tokenId),
    key,
    recipe.sign ? "sha512" : "sha256",
  );
  return recipe.mutate ? mutations[recipe.mutate](token) : token;
}

export type Door = "access" | "refresh" | "any";

export interface Recorded {
  readonly id: string;
  readonly recipe: string;
  readonly door: Door;
  readonly status: number;
  /** What the original said of the token, where it refused it. */
  readonly said: string | undefined;
}

interface Exchange {
  readonly id: string;
  readonly group: string;
  readonly setup?: readonly unknown[];
  readonly request: unknown;
  readonly response: { readonly status: number; readonly json?: unknown };
}

const doors: Readonly<Record<string, Door>> = {
  authorization: "access",
  "token-refresh": "refresh",
  "token-verify": "any",
};

/** Every recorded exchange in which one minted token alone, without steps before, decided the answer. */
export function readRecorded(): Recorded[] {
  return readTestFile<Exchange[]>("contract/original/goldens.json").flatMap((exchange) => {
    const door = doors[exchange.group];
    const pattern = door === "access" ? /"Bearer <tok:([^>]+)>"/g : /"<tok:([^>]+)>"/g;
    const [found, another] = [...JSON.stringify(exchange.request).matchAll(pattern)];
    const recipe = found?.[1];
    if (!door || !recipe || another || exchange.setup?.length || !recipes.has(recipe)) return [];
    return [{ id: exchange.id, recipe, door, status: exchange.response.status, said: readSaid(exchange) }];
  });
}

function readSaid({ response }: Exchange): string | undefined {
  const body = response.json as { detail?: string; messages?: { message: string }[] } | undefined;
  return body?.messages?.[0]?.message ?? body?.detail;
}

const defaultId = (nowSeconds: number) => createHash("md5").update(String(nowSeconds)).digest("hex");

function fillIn(value: unknown, nowSeconds: number, tokenId: string): unknown {
  if (Array.isArray(value)) return value.map((item) => fillIn(item, nowSeconds, tokenId));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, fillIn(item, nowSeconds, tokenId)]),
    );
  }
  if (typeof value !== "string") return value;
  if (value === "$jti") return tokenId;
  if (value.startsWith("$uuid:")) return fixtures.users[value.slice("$uuid:".length)]?.id;
  const time = /^\$now([+-][\d.]+)?(:str)?$/.exec(value);
  if (!time) return value;
  const seconds = nowSeconds + Number(time[1] ?? 0);
  return time[2] ? String(seconds) : seconds;
}

export function replaceSignature(token: string, change: (bytes: Buffer) => Uint8Array): string {
  const start = token.lastIndexOf(".") + 1;
  return (
    token.slice(0, start) +
    Buffer.from(change(Buffer.from(token.slice(start), "base64url"))).toString("base64url")
  );
}

/** Another last character for the same bytes: 32 bytes leave two bits over. */
export function strayBit(character: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet.charAt(alphabet.indexOf(character) ^ 1);
}
