/** imagaine-auth keys: which keys sign tokens, the next one's turn, and the end of one that leaked. */

import type { Command } from "commander";
import type { Context } from "../core/context.ts";
import {
  ensureKeys,
  findCurrentKey,
  getNextKey,
  listKeys,
  type PairAlgorithm,
  publishedBefore,
  type RingKey,
  retireKey,
  rotateKeys,
} from "../core/keys/ring.ts";
import { after } from "../platform/duration.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
import { confirm } from "./prompt.ts";
import { withSystem } from "./system.ts";

export function addKeys(program: Command): void {
  const keys = addCommand(program, {
    name: "keys",
    sentence: "See the keys that sign access tokens, let the next one sign, and end one that leaked",
    examples: [
      "imagaine-auth keys list",
      "imagaine-auth keys rotate",
      "imagaine-auth keys retire 3v9Qk2Lx7aBc --yes",
    ],
  });
  addCommand(keys, {
    name: "list",
    sentence: "List the keys whose tokens are believed, and the one that is published for next time",
    examples: [
      "imagaine-auth keys list",
      "imagaine-auth keys list --json",
      "imagaine-auth keys list --quiet",
    ],
  }).action((_options: unknown, command: Command) => list(callOf(command)));
  addCommand(keys, {
    name: "rotate",
    sentence: "Let the published key sign from now on; tokens of the one before work until they expire",
    examples: [
      "imagaine-auth keys rotate",
      "imagaine-auth keys rotate --now",
      "imagaine-auth keys rotate --json",
    ],
  })
    .option("--now", "even if services that cache the key set may not know the key yet", false)
    .action((options: { readonly now: boolean }, command: Command) => rotate(callOf(command), options.now));
  addCommand(keys, {
    name: "retire",
    sentence: "Stop believing a key and every token that it signed, at once: for one that leaked",
    examples: [
      "imagaine-auth keys retire 3v9Qk2Lx7aBc --yes",
      "imagaine-auth keys retire 3v9Qk2Lx7aBc --yes --json",
      "imagaine-auth keys list --quiet",
    ],
  })
    .argument("<key>", "its id, as `keys list` shows it")
    .action((id: string, _options: unknown, command: Command) => retire(callOf(command), id));
}

/** The algorithm whose keys are kept here; HS256 has none but SECRET_KEY. */
function pairAlgorithm(ctx: Context): PairAlgorithm {
  const { algorithm } = ctx.config.tokens;
  if (algorithm !== "HS256") return algorithm;
  throw new CommandFailed(
    "Tokens are signed with SECRET_KEY (JWT_ALGORITHM=HS256): there is no key to rotate.\n" +
      "  fix  a new SECRET_KEY, with the old one in SECRET_KEY_FALLBACKS",
    exitCodes.conflict,
  );
}

function stateOf(key: RingKey, current: RingKey | undefined, now: Date): string {
  if (key.keyId === current?.keyId) return "signs";
  // Those of an algorithm that was changed are believed, and sign nothing any more.
  if (key.algorithm !== current?.algorithm) return "old";
  if (key.signsFrom === null) return "next";
  return key.signsFrom > now ? "signs soon" : "old";
}

async function list({ flags, out }: Call): Promise<void> {
  await withSystem(flags, async ({ ctx }) => {
    await ensureKeys(ctx, ctx.config.tokens.algorithm);
    const keys = await listKeys(ctx);
    const now = ctx.now();
    const current = findCurrentKey(keys, ctx.config.tokens.algorithm, now);
    if (out.isJson) {
      return out.document({
        algorithm: ctx.config.tokens.algorithm,
        keys: keys.map((key) => ({
          id: key.keyId,
          algorithm: key.algorithm,
          state: stateOf(key, current, now),
          created_at: key.createdAt.toISOString(),
          signs_from: key.signsFrom?.toISOString() ?? null,
          retires_at: key.retiresAt?.toISOString() ?? null,
        })),
      });
    }
    if (out.isQuiet) return keys.forEach(({ keyId }) => out.line(keyId));
    out.table<RingKey>(
      [
        { title: "ID", value: ({ keyId }) => keyId },
        { title: "ALGORITHM", value: ({ algorithm }) => algorithm },
        { title: "STATE", value: (key) => stateOf(key, current, now) },
        { title: "CREATED", value: ({ createdAt }) => out.time(createdAt) },
        { title: "SIGNS FROM", value: ({ signsFrom }) => out.time(signsFrom) },
        { title: "BELIEVED UNTIL", value: ({ retiresAt }) => out.time(retiresAt) },
      ],
      keys,
    );
    if (!current) out.note("Tokens are signed with SECRET_KEY (JWT_ALGORITHM=HS256).");
  });
}

async function rotate({ flags, out }: Call, isNow: boolean): Promise<void> {
  await withSystem(flags, async ({ ctx }) => {
    const next = await getNextKey(ctx, pairAlgorithm(ctx));
    if (!isNow) refuseEarly(next, ctx.now());
    const at = await rotateKeys(ctx, next);
    if (!at) throw new CommandFailed("Somebody else rotated the keys at this moment.", exitCodes.conflict);
    if (out.isJson) return out.document({ id: next.keyId, signs_from: at.toISOString() });
    if (out.isQuiet) return out.line(next.keyId);
    out.line(`${next.keyId} signs from ${at.toISOString()}; the next key is published.`);
  });
}

/** A service that cached the key set an hour ago must have the key when the first token comes that it signed. */
function refuseEarly({ createdAt }: RingKey, now: Date): void {
  const readyAt = after(createdAt, publishedBefore);
  if (readyAt <= now) return;
  throw new CommandFailed(
    `The next key is published since ${createdAt.toISOString()} only; services may not know it yet.\n` +
      `  wait  until ${readyAt.toISOString()}\n  or    imagaine-auth keys rotate --now`,
    exitCodes.conflict,
  );
}

async function retire({ flags, out }: Call, id: string): Promise<void> {
  await confirm("Every access token that it signed stops working at once. Go on?", flags.yes);
  await withSystem(flags, async ({ ctx }) => {
    if (!(await retireKey(ctx, id))) {
      throw new CommandFailed(`There is no key ${id}.\n  see  imagaine-auth keys list`, exitCodes.notFound);
    }
    if (out.isJson) return out.document({ id, retired: true });
    out.line(out.isQuiet ? id : `${id} and every token that it signed are believed no longer.`);
  });
}
