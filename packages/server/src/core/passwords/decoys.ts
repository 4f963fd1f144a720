/** Draws, for an address that has no password to check, the make of hash that an account of its would have. */

import { canonicalEmail } from "../../platform/http/email-address.ts";
import type { Context } from "../context.ts";
import { macFor } from "../keys/secrets.ts";
import { knownMakes, type MakeShare, todaysMake } from "./makes.ts";

/**
 * A hash that no password is known for, as dear as that of an account drawn at random: as many addresses without an
 * account are slow as there are accounts that are. The draw is by a keyed hash of the address, so that it is the same
 * every time and on every node, and nobody without the key can tell it from an account's.
 */
export async function drawDecoy(ctx: Context, email: string): Promise<string> {
  const mac = macFor(ctx, "password-decoy", canonicalEmail(email));
  const [room, place] = [mac.readUIntBE(0, 6) / 2 ** 48, mac.readUIntBE(6, 6) / 2 ** 48];
  return findMake(await knownMakes(ctx), room, place) ?? todaysMake(ctx);
}

/**
 * The make of an old hash that two numbers from 0 to 1 fall on; undefined for today's. Each make has a room that stays
 * as wide as it is, and fills less and less of it: so an address leaves its make for today's and for no other, just as
 * an account does when its hash is upgraded.
 */
function findMake(makes: readonly MakeShare[], room: number, place: number): string | undefined {
  let end = 0;
  for (const { make, share, width } of makes) {
    end += width;
    if (room < end) return place * width < share ? make : undefined;
  }
  return undefined;
}
