/** Tells a database whose secret is another one now, before anything is read or written with the wrong key. */

import { join } from "node:path";
import type { Context } from "../context.ts";
import { factsIn, readFact, writeFact } from "../facts.ts";
import { resealKeys } from "./ring.ts";
import { purposeKeys } from "./secrets.ts";

/** SECRET_KEY is not the one this database was made with, and no fallback is either. */
export class SecretMismatch extends Error {
  override readonly name = "SecretMismatch";

  /** `file` is where a development system keeps its key. */
  constructor(stored: string, configured: string, file: string | undefined) {
    super(
      `This database was made with secret ${stored}, the configured one is ${configured}. ` +
        `Restore SECRET_KEY${file === undefined ? "" : ` (or ${file})`}, or name the earlier one in ` +
        "SECRET_KEY_FALLBACKS. Nothing was changed.",
    );
  }
}

/** Throws SecretMismatch for a database that was made with another secret. Reads only. */
export async function refuseOtherSecret(ctx: Context): Promise<void> {
  await readSecretFact(ctx);
}

/**
 * Notes which secret a new database is made with; throws SecretMismatch for one that was made with another. Where there
 * are fallbacks, what they sealed for good is sealed anew, at every start: a node that had not started again yet may
 * have sealed more with the earlier secret.
 */
export async function checkSecret(ctx: Context): Promise<void> {
  const current = fingerprints(ctx)[0] ?? "";
  await factsIn(ctx)
    .insertInto("facts")
    .values({ name: "secret", value: current })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .execute();
  const stored = await readSecretFact(ctx);
  if (ctx.config.secretKeyFallbacks.length > 0) await resealKeys(ctx);
  if (stored === current) return;
  await writeFact(ctx, "secret", current);
}

function fingerprints(ctx: Context): string[] {
  return purposeKeys(ctx, "fingerprint").map((key) => key.export().toString("hex").slice(0, 8));
}

async function readSecretFact(ctx: Context): Promise<string | undefined> {
  const prints = fingerprints(ctx);
  const stored = await readFact(ctx, "secret");
  const { mode, dataDirectory } = ctx.config;
  const file = mode === "production" ? undefined : join(dataDirectory, "secret.key");
  if (stored !== undefined && !prints.includes(stored))
    throw new SecretMismatch(stored, prints[0] ?? "", file);
  return stored;
}
