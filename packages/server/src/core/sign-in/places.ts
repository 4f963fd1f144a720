/** Where an account was signed in to lately: a sign-in from there is no news to its owner. */

import { sql } from "kysely";
import { days } from "../../platform/duration.ts";
import { toBase64Url } from "../../platform/encoding.ts";
import { addressBlock, plainAddress } from "../../platform/http/client-address.ts";
import type { Context } from "../context.ts";
import { allMacsFor } from "../keys/secrets.ts";
import { clientKind } from "./user-agent.ts";

interface PlaceRow {
  /** A keyed fingerprint of account, network and client: the table tells nobody where somebody was. */
  place: string;
  account_id: string;
  /** Sessions opened there, since it was last so long unseen that it is new again. */
  sessions: number;
  seen_at: number;
}

const placesIn = (ctx: Context) => ctx.db.$extendTables<{ sign_in_places: PlaceRow }>();

/** How long a place is remembered after a session was last opened there. */
const placeTime = days(90);

/**
 * Notes that a session of an account is opened here: by this kind of client, from this network. Whether none was within
 * 90 days; of several at the same moment, one is told so.
 */
export async function notePlace(ctx: Context, accountId: string): Promise<boolean> {
  const [place = "", ...older] = placeNames(ctx, accountId);
  const now = ctx.now().getTime();
  const noted = await placesIn(ctx)
    .insertInto("sign_in_places")
    .values({ place, account_id: accountId, sessions: 1, seen_at: now })
    .onConflict((conflict) =>
      conflict.column("place").doUpdateSet({
        sessions: sql`case when sign_in_places.seen_at <= ${now - placeTime} then 1 else sign_in_places.sessions + 1 end`,
        seen_at: now,
      }),
    )
    .returning("sessions")
    .executeTakeFirstOrThrow();
  if (noted.sessions > 1) return false;
  return older.length === 0 || !(await isKnownAs(ctx, older));
}

/** Whether a place is remembered under a name that an earlier secret gave it. */
async function isKnownAs(ctx: Context, names: readonly string[]): Promise<boolean> {
  const known = await placesIn(ctx)
    .selectFrom("sign_in_places")
    .select("place")
    .where("place", "in", names)
    .where("seen_at", ">", ctx.now().getTime() - placeTime)
    .executeTakeFirst();
  return known !== undefined;
}

/** What this place is called for an account, under the current secret and its earlier values. */
function placeNames(ctx: Context, accountId: string): string[] {
  const { address, userAgent } = ctx.request;
  const text = JSON.stringify([accountId, networkOf(address), clientKind(userAgent)]);
  return allMacsFor(ctx, "sign-in-place", text).map((mac) => toBase64Url(mac.subarray(0, 18)));
}

/** The network that a home or an office has to itself, whose addresses come and go: an IPv4 /24, an IPv6 /64. */
function networkOf(address: string): string {
  const [, ipv4] = /^(\d+\.\d+\.\d+)\.\d+$/.exec(plainAddress(address) ?? "") ?? [];
  return ipv4 ?? addressBlock(address);
}

/** Removes some places that are new again anyway; how many. */
export async function removeOldPlaces(ctx: Context, most: number): Promise<number> {
  const old = placesIn(ctx)
    .selectFrom("sign_in_places")
    .select("place")
    .where("seen_at", "<=", ctx.now().getTime() - placeTime)
    .limit(most)
    .forUpdate()
    .skipLocked();
  const removed = await placesIn(ctx)
    .deleteFrom("sign_in_places")
    .where("place", "in", old)
    .executeTakeFirst();
  return Number(removed.numDeletedRows);
}
