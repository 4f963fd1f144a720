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

const hour = 60 * minute;
const beginning = Date.parse("2026-11-24T08:00:00Z");

/** One browser: what its tabs hold, and when each of them refreshes next. */
interface Browser {
  /** One token for all tabs, or one for each. */
  readonly tokens: string[];
  readonly keys: (string | undefined)[];
  readonly dueAt: number[];
  /** When the laptop is closed next. */
  lidClosesAt: number;
  signOuts: number;
}

/** Some days of one person, who closes the laptop every few hours and for every night. */
async function live(service: Service, client: ClientKind, tabs: number, seed: number): Promise<number> {
  const dice = createDice(seed);
  const holders = client.sharesToken ? 1 : tabs;
  const browser: Browser = {
    tokens: Array<string>(holders).fill(await service.signIn(beginning)),
    keys: Array<undefined>(holders).fill(undefined),
    dueAt: Array.from({ length: tabs }, (_, tab) => beginning + nextRefresh(dice) + tab * 50),
    lidClosesAt: beginning + 3 * hour * (0.5 + dice()),
    signOuts: 0,
  };
  for (let now = beginning; now < beginning + days * 24 * hour; ) {
    now = Math.min(...browser.dueAt);
    if (now >= browser.lidClosesAt) closeLid(browser, now, dice);
    else await refreshOneTab(service, client, browser, now, dice);
  }
  return browser.signOuts;
}

/** Pages refresh at about four fifths of an access token's life. */
const nextRefresh = (dice: () => number) => accessTtl * (0.75 + 0.1 * dice());

/** Whatever is due meanwhile happens when the lid opens, within two seconds: hours later, or the next morning. */
function closeLid(browser: Browser, now: number, dice: () => number): void {
  const isEvening = (now - beginning) % (24 * hour) > 12 * hour;
  const opensAt = now + (isEvening ? 10 * hour : 2 * hour * dice());
  browser.lidClosesAt = opensAt + 3 * hour * (0.5 + dice());
  for (const [tab, due] of browser.dueAt.entries())
    browser.dueAt[tab] = Math.max(due, opensAt + 2000 * dice());
}

async function refreshOneTab(
  service: Service,
  client: ClientKind,
  browser: Browser,
  now: number,
  dice: () => number,
): Promise<void> {
  const tab = browser.dueAt.indexOf(now);
  const holder = client.sharesToken ? 0 : tab;
  if (client.repeatsWithKey) browser.keys[holder] ??= `repeat-${now}-${dice()}`;
  const successor = await service.refresh(browser.tokens[holder] ?? "", browser.keys[holder], now);
  if (successor !== undefined && dice() < lostAnswers) {
    // The page asks again after four seconds; now and then the lid closes first, and it asks hours later.
    browser.dueAt[tab] = dice() < 0.2 ? browser.lidClosesAt : now + 4000;
    return;
  }
  browser.keys[holder] = undefined;
  if (successor === undefined) {
    browser.signOuts += 1;
    // Somebody who signs in again reloads the other tabs.
    browser.tokens.fill(await service.signIn(now));
  } else {
    browser.tokens[holder] = successor;
  }
  const next = now + nextRefresh(dice);
  if (client.sharesToken) for (const other of browser.dueAt.keys()) browser.dueAt[other] = next + other * 50;
  else browser.dueAt[tab] = next;
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
    signOuts += await live(service, client, tabs, person);
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
