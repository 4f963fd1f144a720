/** The keys that sign and verify tokens: HS256 with SECRET_KEY, as the original did, or a pair of the key ring. */

import type { JWK } from "jose";
import { type Context, perSystem } from "../context.ts";
import type { SigningKey, VerifyingKey } from "../tokens/jws.ts";
import { ensureKeys, findCurrentKey, listKeys, privateHalf, readKeys } from "./ring.ts";
import { rawSecretKeys } from "./secrets.ts";

/** What access tokens are signed with now. The first call of a new system makes the keys it lacks. */
export async function accessSigningKey(ctx: Context): Promise<SigningKey> {
  const { algorithm } = ctx.config.tokens;
  if (algorithm === "HS256") return secretSigningKey(ctx);
  // Asked of the database each time: a key that was ended a moment ago, on whichever node, signs nothing more.
  await readKeys(ctx);
  const key = findCurrentKey(await ensureKeys(ctx, algorithm), algorithm, ctx.now());
  if (!key) throw new Error(`There is no ${algorithm} key to sign with.`);
  return { algorithm: key.algorithm, keyId: key.keyId, key: privateHalf(ctx, key) };
}

/** What may have signed a token that still works: the ring's keys, and SECRET_KEY for tokens of the original. */
export async function accessVerifyingKeys(ctx: Context): Promise<readonly VerifyingKey[]> {
  const ring = await listKeys(ctx);
  const pairs = ring.map(({ algorithm, keyId, publicKey }) => ({ algorithm, keyId, key: publicKey }));
  return [...secretVerifyingKeys(ctx), ...pairs];
}

/** What refresh tokens are signed with: only we read them, and the same session must give the same text again. */
export const secretSigningKey = perSystem((ctx): SigningKey => {
  const [key] = rawSecretKeys(ctx);
  if (!key) throw new Error("There is no secret key.");
  return { algorithm: "HS256", key };
});

/** What may have signed a refresh token, or a token of the original. */
export const secretVerifyingKeys = perSystem((ctx): readonly VerifyingKey[] =>
  rawSecretKeys(ctx).map((key) => ({ algorithm: "HS256", key })),
);

/** The public halves as a JSON Web Key Set (RFC 7517, 5); SECRET_KEY is never among them. */
export async function publicKeySet(ctx: Context): Promise<{ readonly keys: readonly JWK[] }> {
  await ensureKeys(ctx, ctx.config.tokens.algorithm);
  const keys = (await listKeys(ctx)).map(({ publicKey, algorithm, keyId }) => ({
    ...(publicKey.export({ format: "jwk" }) as JWK),
    kid: keyId,
    use: "sig",
    alg: algorithm,
  }));
  return { keys };
}
