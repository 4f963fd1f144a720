/** The signing keys that are made here: one in use, the next one published beforehand, old ones until their last token dies. */

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { sql } from "kysely";
import { hours, minutes, seconds } from "../../platform/duration.ts";
import { toBase64Url } from "../../platform/encoding.ts";
import { type Context, perSystem } from "../context.ts";
import { event, record } from "../events/events.ts";
import type { Algorithm } from "../tokens/jws.ts";
import { decrypt, encrypt, reseal } from "./secrets.ts";

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

/** How long a node may go on with the keys it last read, to verify with. */
const knownFor = seconds(10);
/** Between two looks for keys that a node does not know, whatever key ids strangers make up. */
const lookPause = seconds(1);
/** Between the order to rotate and the first signature: every node has read the key by then. */
const handOver = seconds(30);
/** An old key believes tokens this much longer than they live: clocks differ, and caches of its public half. */
const afterLife = minutes(5);
/** How long a key should have been published before it signs, for services that cache the key set. */
export const publishedBefore = hours(24);

const never = Number.NEGATIVE_INFINITY;
const cache = perSystem(() => ({
  keys: [] as readonly RingKey[],
  readAt: never,
  lookedAt: never,
  looking: Promise.resolve<unknown>(undefined),
}));

/** The keys that may have signed a token that still works, and those that will; at most ten seconds old. */
export async function listKeys(ctx: Context): Promise<readonly RingKey[]> {
  const now = ctx.now();
  const known = cache(ctx);
  if (now.getTime() - known.readAt >= knownFor) return readKeys(ctx);
  return known.keys.filter((key) => key.retiresAt === null || key.retiresAt > now);
}

/** The same as the database says at this moment. */
export async function readKeys(ctx: Context): Promise<readonly RingKey[]> {
  const readAt = ctx.now().getTime();
  const rows = await livingIn(ctx).selectAll().orderBy("generation").execute();
  const keys = rows.map((row) => toKey(ctx, row));
  Object.assign(cache(ctx), { keys, readAt });
  return keys;
}

/** Reads them again for a token of an unknown key: another node may have made it a moment ago, and sign with it. */
export async function lookForKeys(ctx: Context): Promise<void> {
  const now = ctx.now().getTime();
  const known = cache(ctx);
  // Those who ask meanwhile wait for the same answer.
  if (now - known.lookedAt >= lookPause) Object.assign(known, { lookedAt: now, looking: readKeys(ctx) });
  await known.looking;
}

/** For a query that asks for more, and runs at every call: a key's id again if it is believed now, else null. */
export function selectLivingKey(ctx: Context, keyId: string) {
  const now = ctx.now().getTime();
  return sql<string | null>`(select kid from signing_keys
    where kid = ${keyId} and (retires_at is null or retires_at > ${now}))`;
}

const livingIn = (ctx: Context) =>
  keysIn(ctx)
    .selectFrom("signing_keys")
    .where((row) => row.or([row("retires_at", "is", null), row("retires_at", ">", ctx.now().getTime())]));

function toKey(ctx: Context, row: KeyRow): RingKey {
  const publicKey = publicHalves(ctx).get(row.kid) ?? createPublicKey(row.public_key);
  publicHalves(ctx).set(row.kid, publicKey);
  return {
    keyId: row.kid,
    algorithm: row.algorithm as PairAlgorithm,
    generation: row.generation,
    publicKey,
    createdAt: new Date(row.created_at),
    signsFrom: row.signs_from === null ? null : new Date(row.signs_from),
    retiresAt: row.retires_at === null ? null : new Date(row.retires_at),
    sealed: row.private_key,
  };
}

/** Read once: it takes longer than reading all the rest of the row. */
const publicHalves = perSystem(() => new Map<string, KeyObject>());

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
  const pem = decrypt(ctx, placeOf(key.keyId), key.sealed);
  if (pem === undefined) throw new Error(cannotOpen(key.keyId));
  const opened = createPrivateKey(pem);
  privateHalves(ctx).set(key.keyId, opened);
  return opened;
}

const privateHalves = perSystem(() => new Map<string, KeyObject>());
const placeOf = (keyId: string) => `signing key ${keyId}`;
const cannotOpen = (keyId: string) =>
  `The signing key ${keyId} was sealed with a SECRET_KEY that is not named here. ` +
  `Name it in SECRET_KEY_FALLBACKS, or give the key up: imagaine-auth keys retire ${keyId}`;

/**
 * The living keys of an algorithm, which has one that signs and a next one that is published; none for HS256. What is
 * missing is made, or brought on.
 */
export async function ensureKeys(ctx: Context, algorithm: Algorithm): Promise<readonly RingKey[]> {
  if (algorithm === "HS256") return [];
  const known = (await listKeys(ctx)).filter((key) => key.algorithm === algorithm);
  if (isComplete(known, ctx.now())) return known;
  await bringOn(ctx, algorithm);
  // Both questions are asked of one answer: who read an older one makes the same generation, and makes it once.
  const rows = await keysIn(ctx)
    .selectFrom("signing_keys")
    .selectAll()
    .where("algorithm", "=", algorithm)
    .execute();
  const heirs = rows.filter((row) => row.retires_at === null);
  let newest = Math.max(0, ...rows.map((row) => row.generation));
  if (heirs.length === 0) {
    newest += 1;
    await makeKey(ctx, algorithm, newest, ctx.now());
  }
  if (!heirs.some((row) => row.signs_from === null)) await makeKey(ctx, algorithm, newest + 1, null);
  return (await readKeys(ctx)).filter((key) => key.algorithm === algorithm);
}

/** Whether of an algorithm's keys one signs, its heir is known, and the next one is published. */
function isComplete(keys: readonly RingKey[], now: Date): boolean {
  const heirs = keys.filter((key) => key.retiresAt === null);
  const signer = keys.findLast((key) => key.signsFrom !== null && key.signsFrom <= now);
  return signer !== undefined && heirs[0]?.signsFrom !== null && heirs.at(-1)?.signsFrom === null;
}

/**
 * Lets the oldest key that no rotation and no leak has ended sign from now on: if it still waits for its turn, or if
 * until its turn nothing would sign.
 */
async function bringOn(ctx: Context, algorithm: string): Promise<void> {
  const now = ctx.now().getTime();
  const ofAlgorithm = livingIn(ctx).where("algorithm", "=", algorithm);
  const firstHeir = ofAlgorithm
    .where("retires_at", "is", null)
    .select((key) => key.fn.min<number>("generation").as("first"));
  const signers = ofAlgorithm.where("signs_from", "<=", now).select("kid");
  await keysIn(ctx)
    .updateTable("signing_keys")
    .set({ signs_from: now })
    .where("algorithm", "=", algorithm)
    .where("generation", "=", firstHeir)
    .where((row) =>
      row.or([
        row("signs_from", "is", null),
        row.and([row("signs_from", ">", now), row.not(row.exists(signers))]),
      ]),
    )
    .execute();
}

/** Never begins with a hyphen: a command would take it for an option. */
function newKeyId(ctx: Context): string {
  const bytes = Buffer.from(ctx.randomBytes(9));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return toBase64Url(bytes);
}

/** Makes one key, unless another node was faster; slow for RSA, so outside the transaction. */
async function makeKey(
  ctx: Context,
  algorithm: PairAlgorithm,
  generation: number,
  signsFrom: Date | null,
): Promise<void> {
  const { privateKey, publicKey } = await generatePair(algorithm);
  const kid = newKeyId(ctx);
  await ctx.transaction(async (ctx) => {
    const made = await keysIn(ctx)
      .insertInto("signing_keys")
      .values({
        kid,
        algorithm,
        generation,
        private_key: encrypt(ctx, placeOf(kid), privateKey),
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

/**
 * Seals with the current secret what an earlier one sealed, so that the earlier one is needed no longer. A key that
 * none of them opens is told in the log and left as it is.
 */
export async function resealKeys(ctx: Context): Promise<void> {
  for (const { keyId, sealed } of await readKeys(ctx)) {
    const anew = reseal(ctx, placeOf(keyId), sealed);
    if (anew === undefined) ctx.log("error", "signing key", { error: cannotOpen(keyId) });
    if (anew === undefined || anew === sealed) continue;
    await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ private_key: anew })
      .where("kid", "=", keyId)
      .where("private_key", "=", sealed)
      .execute();
  }
  await readKeys(ctx);
}

/** The key that waits for its turn. */
export async function getNextKey(ctx: Context, algorithm: PairAlgorithm): Promise<RingKey> {
  await readKeys(ctx);
  const next = (await ensureKeys(ctx, algorithm)).find((key) => key.signsFrom === null);
  if (!next) throw new Error(`There is no ${algorithm} key that could be next.`);
  return next;
}

/**
 * Lets the key that waits sign, half a minute from now, and publishes another. Tokens of the one before go on working
 * until they expire. Gives the moment the key begins; undefined when somebody else had it rotated, or ended it.
 */
export async function rotateKeys(ctx: Context, next: RingKey): Promise<Date | undefined> {
  const at = new Date(ctx.now().getTime() + handOver);
  const retiresAt = at.getTime() + ctx.config.tokens.accessTtl + afterLife;
  const isMine = await ctx.transaction(async (ctx) => {
    const promoted = await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ signs_from: at.getTime() })
      .where("kid", "=", next.keyId)
      .where("signs_from", "is", null)
      .where("retires_at", "is", null)
      .returning("kid")
      .executeTakeFirst();
    if (!promoted) return false;
    await keysIn(ctx)
      .updateTable("signing_keys")
      .set({ retires_at: retiresAt })
      .where("algorithm", "=", next.algorithm)
      .where("generation", "<", next.generation)
      .where("retires_at", "is", null)
      .execute();
    await record(ctx, keysWereRotated, null, { kid: next.keyId });
    return true;
  });
  await readKeys(ctx);
  if (!isMine) return undefined;
  await ensureKeys(ctx, next.algorithm);
  return at;
}

/**
 * Disbelieves a key and everything it signed, now: for one that leaked. If it was its turn, the next one signs at once:
 * that one is published, so nobody has to learn of it first. Whether there was such a key.
 */
export async function retireKey(ctx: Context, keyId: string): Promise<boolean> {
  const isRetired = await ctx.transaction(async (ctx) => {
    const now = ctx.now().getTime();
    const retired = await keysIn(ctx)
      .updateTable("signing_keys")
      // Long ago: a node whose clock is behind must not go on believing it for as long.
      .set({ retires_at: 0 })
      .where("kid", "=", keyId)
      .where((row) => row.or([row("retires_at", "is", null), row("retires_at", ">", now)]))
      .returning("algorithm")
      .executeTakeFirst();
    if (!retired) return false;
    await bringOn(ctx, retired.algorithm);
    await record(ctx, keyWasRetired, null, { kid: keyId });
    return true;
  });
  await readKeys(ctx);
  return isRetired;
}
