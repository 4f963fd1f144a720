/** What servers on one database must agree on: each leaves its settings there, and says where its neighbours' differ. */

import { sql } from "kysely";
import type { Config } from "../config.ts";
import { days, minutes } from "../platform/duration.ts";
import { parseJson } from "../platform/json.ts";
import { randomUuid } from "../platform/random.ts";
import { type Context, perSystem } from "./context.ts";
import type { Job } from "./feature.ts";

/** A setting that two servers cannot have differently without harm. Never a secret: the database has it in clear. */
interface Agreed {
  readonly name: string;
  readonly read: (config: Config) => string | undefined;
  /** What comes of it while both run. */
  readonly harm: string;
  /** Whether a token of a server that has it otherwise is refused. */
  readonly isInTokens?: boolean;
}

const agreed: readonly Agreed[] = [
  {
    name: "JWT_ISSUER",
    read: ({ tokens }) => tokens.issuer,
    harm: "each refuses the other's tokens",
    isInTokens: true,
  },
  {
    name: "JWT_AUDIENCE",
    read: ({ tokens }) => tokens.audience,
    harm: "each refuses the other's tokens",
    isInTokens: true,
  },
  {
    name: "JWT_ALGORITHM",
    read: ({ tokens }) => tokens.algorithm,
    harm: "whoever checks access tokens meets both, and may know one",
  },
  {
    name: "REFRESH_TOKEN_REUSE",
    read: ({ tokens }) => tokens.reuse,
    harm: "a refresh token that was used before ends its session at one, and is answered at the other",
  },
];

type Settings = Readonly<Record<string, string | null>>;

interface Node {
  readonly id: string;
  readonly settings: Settings;
  /** By the clock that all share. */
  readonly seenAt: number;
}

/** A neighbour that was not seen to move for so long is taken for gone. */
const goneAfter = minutes(3);
/** What goes on is said again. */
const saidAgainAfter = minutes(10);
/** How long it is kept where a server was: the last one says what it was changed from. */
const keptFor = days(1);

interface State {
  readonly id: string;
  hasLooked: boolean;
  /** Of each neighbour, when it was last seen to move, by our own clock; clocks that differ are no reason to miss it. */
  readonly moved: Map<string, { readonly seenAt: number; readonly at: number | undefined }>;
  /** The differences that go on, and when each was last said. */
  readonly said: Map<string, Difference & { readonly at: number }>;
}

const stateOf = perSystem(
  (ctx): State => ({ id: randomUuid(ctx.randomBytes), hasLooked: false, moved: new Map(), said: new Map() }),
);

/** Every node says what differs: at its start from whoever was here last, then from those it sees running. */
export const watchingNeighbours: Job = {
  name: "neighbours",
  every: minutes(1),
  startsAtOnce: true,
  run: lookAround,
};

/** One look; the first of a node tells it what was changed. */
export async function lookAround(ctx: Context): Promise<void> {
  const state = stateOf(ctx);
  const others = (await listNodes(ctx)).filter(({ id }) => id !== state.id);
  await appear(ctx, state);
  if (!state.hasLooked) tellChanges(ctx, others[0]);
  state.hasLooked = true;
  tellDifferences(ctx, state, findRunning(ctx, state, others));
}

const settingsOf = (config: Config): Settings =>
  Object.fromEntries(agreed.map(({ name, read }) => [name, read(config) ?? null]));

const nodesIn = (ctx: Context) =>
  ctx.db.$extendTables<{ nodes: { id: string; settings: string; seen_at: number } }>();

/** The one that was seen last comes first. */
async function listNodes(ctx: Context): Promise<Node[]> {
  const rows = await nodesIn(ctx).selectFrom("nodes").selectAll().orderBy("seen_at", "desc").execute();
  return rows.map((row) => ({
    id: row.id,
    settings: parseJson(row.settings) as Settings,
    seenAt: row.seen_at,
  }));
}

async function appear(ctx: Context, { id }: State): Promise<void> {
  const row = { settings: JSON.stringify(settingsOf(ctx.config)), seen_at: ctx.sharedNow() };
  await nodesIn(ctx)
    .insertInto("nodes")
    .values({ id, ...row })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
    .execute();
  await nodesIn(ctx)
    .deleteFrom("nodes")
    .where("seen_at", "<", sql<number>`${ctx.sharedNow()} - ${keptFor}`)
    .execute();
}

interface Difference extends Agreed {
  readonly here: string;
  readonly there: string;
}

const unset = "unset";

/** What only one of two releases knows is not compared. */
function compare(ctx: Context, { settings }: Node): Difference[] {
  const ours = settingsOf(ctx.config);
  const say = (value: string | null | undefined) => value ?? unset;
  return agreed
    .filter(({ name }) => name in settings && settings[name] !== ours[name])
    .map((one) => ({ ...one, here: say(ours[one.name]), there: say(settings[one.name]) }));
}

/** Of what tokens carry alone: the rest has no past that anybody need be told of. */
function tellChanges(ctx: Context, before: Node | undefined): void {
  const { publicUrl, isPublicUrlSaid, mode, tokens } = ctx.config;
  for (const { name, here, there, isInTokens } of before ? compare(ctx, before) : []) {
    if (!isInTokens) continue;
    const isWorkedOut = name === "JWT_ISSUER" && tokens.issuer === publicUrl;
    const fix = `${name}=${there === unset ? "" : there}`;
    // While developing, another port is another address: no mistake of anybody's.
    const message =
      isWorkedOut && !isPublicUrlSaid && mode !== "production"
        ? `This is ${here}: whoever signed in at ${there} signs in again here, unless that is kept`
        : `${name}${isWorkedOut ? " (unset, so PUBLIC_URL)" : ""} is ${here} here, and was ${there} where this database was last served: ` +
          "tokens given out there are refused here, and everybody has to sign in again, unless it is kept";
    ctx.log("warn", message, { fix });
  }
}

/** The neighbours that moved lately. */
function findRunning(ctx: Context, { moved }: State, others: readonly Node[]): Node[] {
  const now = ctx.now().getTime();
  const known = new Map(moved);
  moved.clear();
  for (const { id, seenAt } of others) {
    const before = known.get(id);
    moved.set(id, before?.seenAt === seenAt ? before : { seenAt, at: before && now });
  }
  return others.filter(({ id }) => {
    const at = moved.get(id)?.at;
    return at !== undefined && now - at < goneAfter;
  });
}

function tellDifferences(ctx: Context, { said }: State, running: readonly Node[]): void {
  const now = ctx.now().getTime();
  const found = new Map(
    running.flatMap((node) => compare(ctx, node)).map((one) => [`${one.name}=${one.there}`, one]),
  );
  for (const [key, one] of found) {
    const { name, here, there, harm } = one;
    if (now - (said.get(key)?.at ?? Number.NEGATIVE_INFINITY) < saidAgainAfter) continue;
    said.set(key, { ...one, at: now });
    ctx.log("warn", `${name} is ${here} here, and ${there} at another server on this database: ${harm}`);
  }
  for (const [key, { name, there }] of said) {
    if (found.has(key)) continue;
    said.delete(key);
    ctx.log("info", `no other server on this database has ${name} ${there} any more`);
  }
}
