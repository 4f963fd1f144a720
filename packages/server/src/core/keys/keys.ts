/** The keys that sign and verify tokens: HS256 with SECRET_KEY, as the original did. */

import { type Context, perSystem } from "../context.ts";
import type { SigningKey, VerifyingKey } from "../tokens/jws.ts";
import { rawSecretKeys } from "./secrets.ts";

/** What access tokens are signed with now. */
export async function accessSigningKey(ctx: Context): Promise<SigningKey> {
  return secretSigningKey(ctx);
}

/** What may have signed an access token that still works. */
export async function accessVerifyingKeys(ctx: Context): Promise<readonly VerifyingKey[]> {
  return secretVerifyingKeys(ctx);
}

/** What refresh tokens are signed with: only we read them, and the same session must give the same text again. */
export const secretSigningKey = perSystem(
  (ctx): SigningKey => ({ algorithm: "HS256", key: firstOf(rawSecretKeys(ctx)) }),
);

/** What may have signed a refresh token, or a token of the original. */
export const secretVerifyingKeys = perSystem((ctx): readonly VerifyingKey[] =>
  rawSecretKeys(ctx).map((key) => ({ algorithm: "HS256", key })),
);

function firstOf<T>(list: readonly T[]): T {
  const first = list[0];
  if (first === undefined) throw new Error("There is no secret key.");
  return first;
}
