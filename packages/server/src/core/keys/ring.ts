/** The signing keys that are made here: one in use, the next one published beforehand, old ones until their last token dies. */

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { hours, minutes, seconds } from "../../platform/duration.ts";
import { toBase64Url } from "../../platform/encoding.ts";
import { type Context, perSystem } from "../context.ts";
import { event, record } from "../events/events.ts";
import type { Algorithm } from "../tokens/jws.ts";
import { decrypt, encrypt } from "./secrets.ts";

export type PairAlgorithm = Exclude<Algorithm, "HS256">;

interface KeyRow {
  kid: string;
  algorithm: string;
  /** Counts the keys of an algorithm: two nodes that make the same one make it once. */
  generation: number;
  /** PKCS #8, encrypted. */
  private_key: string;
  /** SPKI, PEM. */
  public_key: string;
  created_at: number;
  /** From when it signs; null while it is only published. */
  signs_from: number | null;
  /** From when nothing that it signed is believed. */
  retires_at: number | null;
}

export interface RingKey {
  readonly keyId: string;
  readonly algorithm: PairAlgorithm;
  readonly generation: number;
  readonly publicKey: KeyObject;
  readonly createdAt: Date;
  readonly signsFrom: Date | null;
  readonly retiresAt: Date | null;
  readonly sealed: string;
}

export const keyWasMade = event<{ kid: string; algorithm: string }>("key.created");
export const keysWereRotated = event<{ kid: string }>("key.rotated");
export const keyWasRetired = event<{ kid: string }>("key.retired");

const keysIn = (ctx: Context) => ctx.db.$extendTables<{ signing_keys: KeyRow }>();

/** How long a node may go on with the keys it last read. */
const knownFor = seconds(10);
/** Between the order to rotate and the first signature: every node has read the key by then. */
const handOver = seconds(30);
/** An old key believes tokens this much longer than they live: clocks differ, and caches of its public half. */
const afterLife = minutes(5);
/** How long a key should have been published before it signs, for services that cache the key set. */
export const publishedBefore = hours(24);

const cache = perSystem(() => ({ keys: [] as readonly RingKey[], readAt: Number.NEGATIVE_INFINITY }));

/** The keys that may have signed a token that still works, and those that will; at most ten seconds old. */
export async function listKeys(ctx: Context): Promise<readonly RingKey[]> {
  const known = cache(ctx);
  if (ctx.now().getTime() - known.readAt >= knownFor) await readKeys(ctx);
  const now = ctx.now();
  return cache(ctx).keys.filter((key) => key.retiresAt === null || key.retiresAt > now);
}

async function readKeys(ctx: Context): Promise<void> {
  const readAt = ctx.now().getTime();
  const rows = await keysIn(ctx)
    .selectFrom("signing_keys")
    .selectAll()
    .where((row) => row.or([row("retires_at", "is", null), row("retires_at", ">", readAt)]))
    .orderBy("generation")
    .execute();
  Object.assign(cache(ctx), { keys: rows.map(toKey), readAt });
}

function toKey(row: KeyRow): RingKey {
  return {
    keyId: row.kid,
    algorithm: row.algorithm as PairAlgorithm,
    generation: row.generation,
    publicKey: createPublicKey(row.public_key),
    createdAt: new Date(row.created_at),
    signsFrom: row.signs_from === null ? null : new Date(row.signs_from),
    retiresAt: row.retires_at === null ? null : new Date(row.retires_at),
    sealed: row.private_key,
  };
}

/** The key that signs now; undefined when there is none yet. */
export function findCurrentKey(keys: readonly RingKey[], algorithm: string, now: Date): RingKey | undefined {
  return keys.findLast(
    (key) => key.algorithm === algorithm && key.signsFrom !== null && key.signsFrom <= now,
  );
}

/** The private half of a key. Throws when SECRET_KEY and its fallbacks cannot open it. */
export function privateHalf(ctx: Context, key: RingKey): KeyObject {
  const known = privateHalves(ctx).get(key.keyId);
  if (known) return known;
  const pem = decrypt(ctx, `signing key ${key.keyId}`, key.sealed);
  if (pem === undefined)
    throw new Error(`The signing key ${key.keyId} cannot be opened with this SECRET_KEY.`);
  const opened = createPrivateKey(pem);
  privateHalves(ctx).set(key.keyId, opened);
  return opened;
}

const privateHalves = perSystem(() => new Map<string, KeyObject>());

/** Makes sure that the algorithm has a key that signs and a next one that is published; nothing for HS256. */
export async function ensureKeys(ctx: Context, algorithm: Algorithm): Promise<void> {
  if (algorithm === "HS256") return;
  const isNext = (key: RingKey) => key.algorithm === algorithm && key.signsFrom === null;
  const known = await listKeys(ctx);
  if (findCurrentKey(known, algorithm, ctx.now()) && known.some(isNext)) return;
  // Both questions are asked of one answer: who read an older one makes the same generation, and makes it once.
  const rows = await keysIn(ctx)
    .selectFrom("signing_keys")
    .selectAll()
    .where("algorithm", "=", algorithm)
    .execute();
  const living = rows.map(toKey).filter((key) => key.retiresAt === null || key.retiresAt > ctx.now());
  let newest = Math.max(0, ...rows.map((row) => row.generation));
  if (!living.some((key) => key.signsFrom !== null)) {
    newest += 1;
    await makeKey(ctx, algorithm, newest, ctx.now());
  }
  if (!living.some(isNext)) await makeKey(ctx, algorithm, newest + 1, null);
  await readKeys(ctx);
}

/** Makes one key, unless another node was faster; slow for RSA, so outside the transaction. */
async function makeKey(
  ctx: Context,
  algorithm: PairAlgorithm,
  generation: number,
  signsFrom: Date | null,
): Promise<void> {
  const { privateKey, publicKey } = await generatePair(algorithm);
  const kid = toBase64Url(ctx.randomBytes(9));
  await ctx.transaction(async (ctx) => {
    const made = await keysIn(ctx)
      .insertInto("signing_keys")
      .values({
        kid,
        algorithm,
        generation,
        private_key: encrypt(ctx, `signing key ${kid}`, privateKey),
        public_key: publicKey,
        created_at: ctx.now().getTime(),
        signs_from: signsFrom?.getTime() ?? null,
        retires_at: null,
      })
      .onConflict((conflict) => conflict.columns(["algorithm", "generation"]).doNothing())
      .returning("kid")
      .executeTakeFirst();
    if (made) await record(ctx, keyWasMade, null, { kid, algorithm });
  });
}

/** Made off the main thread: an RSA pair takes long enough to hold everybody up. */
async function generatePair(algorithm: PairAlgorithm): Promise<{ privateKey: string; publicKey: string }> {
  const { privateKey, publicKey } = await generators[algorithm]();
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicKey: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

const generate = promisify(generateKeyPair);
const generators = {
  ES256: () => generate("ec", { namedCurve: "P-256" }),
  EdDSA: () => generate("ed25519", {}),
  RS256: () => generate("rsa", { modulusLength: 3072 }),
} as const;

/** Seals every private half with the current secret, so that the earlier one is needed no longer. */
export async function resealKeys(ctx: Context): Promise<void> {
  for (const { kid, private_key: sealed } of await keysIn(ctx)
    .selectFrom("signing_keys")
    .selectAll()
    .execute()) {
    const pem = decrypt(ctx, `signing key ${kid}`, sealed);
    if (pem === undefined) throw new Error(`The signing key ${kid} cannot be opened with this SECRET_KEY.`);
    await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ private_key: encrypt(ctx, `signing key ${kid}`, pem) })
      .where("kid", "=", kid)
      .where("private_key", "=", sealed)
      .execute();
  }
  await readKeys(ctx);
}

/**
 * Lets the published key sign, half a minute from now, and publishes another. Tokens of the one before go on working
 * until they expire. `at` is when the new key begins; undefined when there was none to rotate to.
 */
export async function rotateKeys(
  ctx: Context,
  algorithm: PairAlgorithm,
): Promise<{ readonly keyId: string; readonly at: Date } | undefined> {
  await ensureKeys(ctx, algorithm);
  await readKeys(ctx);
  const next = (await listKeys(ctx)).find((key) => key.algorithm === algorithm && key.signsFrom === null);
  if (!next) return undefined;
  const at = new Date(ctx.now().getTime() + handOver);
  const retiresAt = at.getTime() + ctx.config.tokens.accessTtl + afterLife;
  const isMine = await ctx.transaction(async (ctx) => {
    const promoted = await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ signs_from: at.getTime() })
      .where("kid", "=", next.keyId)
      .where("signs_from", "is", null)
      .returning("kid")
      .executeTakeFirst();
    if (!promoted) return false;
    await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ retires_at: retiresAt })
      .where("algorithm", "=", algorithm)
      .where("generation", "<", next.generation)
      .where("retires_at", "is", null)
      .execute();
    await record(ctx, keysWereRotated, null, { kid: next.keyId });
    return true;
  });
  await readKeys(ctx);
  if (!isMine) return undefined;
  await makeKey(ctx, algorithm, next.generation + 1, null);
  await readKeys(ctx);
  return { keyId: next.keyId, at };
}

/** Disbelieves a key and everything it signed, now: for one that leaked. Whether there was such a key. */
export async function retireKey(ctx: Context, keyId: string): Promise<boolean> {
  const isRetired = await ctx.transaction(async (ctx) => {
    const now = ctx.now().getTime();
    const retired = await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ retires_at: now })
      .where("kid", "=", keyId)
      .where((row) => row.or([row("retires_at", "is", null), row("retires_at", ">", now)]))
      .returning("kid")
      .executeTakeFirst();
    if (retired) await record(ctx, keyWasRetired, null, { kid: keyId });
    return retired !== undefined;
  });
  await readKeys(ctx);
  return isRetired;
}
