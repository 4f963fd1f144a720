/**
 * Sign-outs that nobody asked for, per person and week: people with one, two or ten tabs, lost answers and closed
 * laptops, against the real refresh flow and, to compare, against strict rotation.
 *
 * `node bench/session-simulation.ts [PEOPLE] [DAYS]`
 */

import { testAuth } from "../packages/server/src/testing/test-auth.ts";

const people = Number(process.argv[2] ?? 6);
const days = Number(process.argv[3] ?? 7);

const minute = 60_000;
const accessTtl = 15 * minute;
const lostAnswers = 0.05;

/** A refresh token or, when the answer is a refusal, nothing. */
type Refresh = (token: string, key: string | undefined, now: number) => Promise<string | undefined>;

interface Service {
  readonly name: string;
  readonly signIn: (now: number) => Promise<string>;
  readonly refresh: Refresh;
}

/** How the pages of one browser keep their token. */
interface ClientKind {
  readonly name: string;
  /** All tabs read the newest token before they refresh; or each keeps a copy of its own, as the original's did. */
  readonly sharesToken: boolean;
  /** A request whose answer was lost is repeated with the same Idempotency-Key. */
  readonly repeatsWithKey: boolean;
}

const clients: readonly ClientKind[] = [
  { name: "shared token, repeats with a key", sharesToken: true, repeatsWithKey: true },
  { name: "shared token, no key", sharesToken: true, repeatsWithKey: false },
  { name: "a token per tab (the original's)", sharesToken: false, repeatsWithKey: false },
];

/** The same numbers in every run. */
function createDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** One person's week: eight to sixteen hours a day at the laptop, its lid closed now and then. */
async function liveOneWeek(
  service: Service,
  client: ClientKind,
  tabs: number,
  seed: number,
): Promise<number> {
  const dice = createDice(seed);
  const start = Date.parse("2026-11-24T08:00:00Z");
  const tokens: string[] = Array<string>(tabs).fill(await service.signIn(start));
  const keys: (string | undefined)[] = Array(tabs).fill(undefined);
  const dueAt = tokens.map((_, tab) => start + accessTtl * (0.7 + 0.1 * dice()) + tab * 200);
  let signOuts = 0;
  let now = start;
  let lidOpensAt = start;
  let nextLid = start + 2 * 60 * minute * (0.5 + dice());
  const end = start + days * 24 * 60 * minute;
  for (;;) {
    const tab = dueAt.indexOf(Math.min(...dueAt));
    now = Math.max(now, dueAt[tab] ?? end);
    if (now >= end) return signOuts;
    if (now >= nextLid) {
      // The lid closes: what is due wakes up together when it opens again; once a day that is a night.
      const isNight =
        Math.floor((now - start) / (24 * 60 * minute)) !==
        Math.floor((nextLid - 9 * 60 * minute - start) / (24 * 60 * minute));
      lidOpensAt = now + (isNight ? 8 * 60 * minute : 2 * 60 * minute * dice());
      nextLid = lidOpensAt + 3 * 60 * minute * (0.5 + dice());
      for (const [other, due] of dueAt.entries()) dueAt[other] = Math.max(due, lidOpensAt + dice() * 2000);
      continue;
    }
    const holder = client.sharesToken ? 0 : tab;
    const key = client.repeatsWithKey ? (keys[holder] ??= `key-${seed}-${now}-${tab}-${dice()}`) : undefined;
    const successor = await service.refresh(tokens[holder] ?? "", key, now);
    const isLost = successor !== undefined && dice() < lostAnswers;
    if (isLost) {
      // The page tries again after a moment; unless the lid closes first, and then hours later.
      dueAt[tab] = now + (dice() < 0.2 ? nextLid - now + 1 : 4000);
      continue;
    }
    keys[holder] = undefined;
    if (successor === undefined) {
      signOuts += 1;
      const fresh = await service.signIn(now);
      // Signing in again reaches every tab that shares the token; one with a copy of its own is reloaded by hand.
      tokens.fill(fresh);
    } else {
      tokens[holder] = successor;
    }
    const next = now + accessTtl * (0.75 + 0.1 * dice());
    if (client.sharesToken) dueAt.fill(next);
    dueAt[tab] = next;
    if (client.sharesToken) for (const [other] of dueAt.entries()) dueAt[other] = next + other * 50;
  }
}

/** Strict rotation: a token works once, and a second use ends the session. */
function createStrict(): Service {
  let sessions = 0;
  const current = new Map<number, number>();
  return {
    name: "strict rotation",
    signIn: async () => {
      sessions += 1;
      current.set(sessions, 0);
      return `${sessions}.0`;
    },
    refresh: async (token) => {
      const [session = 0, seq = 0] = token.split(".").map(Number);
      if (current.get(session) !== seq) {
        current.delete(session);
        return undefined;
      }
      current.set(session, seq + 1);
      return `${session}.${seq + 1}`;
    },
  };
}

async function createOurs(reuse: "revoke" | "converge"): Promise<Service & AsyncDisposable> {
  const t = await testAuth({
    environment: { REFRESH_TOKEN_REUSE: reuse, RATE_LIMITS: "off", LOG_LEVEL: "error" },
  });
  const person = await t.person();
  const turnTo = (now: number) => t.clock.advance(now - t.clock.now().getTime());
  return {
    name: `imagaine-auth, ${reuse}`,
    signIn: async (now) => {
      turnTo(now);
      return (await person.signIn()).refresh;
    },
    refresh: async (token, key, now) => {
      turnTo(now);
      const headers: Record<string, string> = key ? { "idempotency-key": key.padEnd(16, "x") } : {};
      const answer = await t.http.post("/api/auth/token/refresh/", { refresh: token }, { headers });
      return answer.status === 200 ? answer.body.refresh : undefined;
    },
    [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
  };
}

async function measure(
  makeService: () => Promise<Service>,
  client: ClientKind,
  tabs: number,
): Promise<number> {
  let signOuts = 0;
  for (let person = 1; person <= people; person += 1) {
    const service = await makeService();
    signOuts += await liveOneWeek(service, client, tabs, person);
    await (service as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
  }
  return (signOuts / people) * (7 / days);
}

const services: readonly (readonly [string, () => Promise<Service>])[] = [
  ["revoke", () => createOurs("revoke")],
  ["converge", () => createOurs("converge")],
  ["strict rotation", async () => createStrict()],
];

process.stdout.write(
  `sign-outs per person and week (${people} people, ${days} days, 5 % of answers lost)\n\n`,
);
process.stdout.write(
  `| client | tabs | ${services.map(([name]) => name).join(" | ")} |\n|---|---|---|---|---|\n`,
);
for (const client of clients) {
  for (const tabs of [1, 2, 10]) {
    const figures: string[] = [];
    for (const [, makeService] of services)
      figures.push((await measure(makeService, client, tabs)).toFixed(1));
    process.stdout.write(`| ${client.name} | ${tabs} | ${figures.join(" | ")} |\n`);
  }
}
