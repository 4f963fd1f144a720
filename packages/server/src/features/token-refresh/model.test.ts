/** Any order of signing in, refreshing, losing answers, signing out and the like, held against a model of 70 lines. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { disableAccount, enableAccount } from "../../core/accounts/disabling.ts";
import { keepHouse } from "../../core/housekeeping.ts";
import { issueOneTimeToken } from "../../core/one-time-tokens/one-time-tokens.ts";
import { listSessions } from "../../core/sessions/sessions.ts";
import { hours, minutes } from "../../platform/duration.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { payloadOf, refresh } from "../../testing/tokens.ts";

const day = hours(24);
const runs = Number(process.env.MODEL_RUNS ?? (process.env.TEST_DATABASE_URL ? 60 : 150));

/** One session as it should be: the refresh tokens it had, of which the last may be current. */
interface Line {
  readonly tokens: string[];
  /** When each of them, as it says, is over. */
  readonly ends: number[];
  readonly startedAt: number;
  movedAt: number;
  key: string | undefined;
  /** How many tokens there were when the newest was last given again late, to somebody without a key. */
  recoveredAt: number;
  access: string;
  accessEnd: number;
  isEnded: boolean;
}

interface Model {
  now: number;
  readonly lines: Line[];
  isDisabled: boolean;
}

/** The system under test, and the person that all is about. */
interface Real {
  t: TestAuth;
  readonly id: string;
  readonly email: string;
  password: string;
}

const idleEnd = (line: Line) => Math.min(line.movedAt + 7 * day, line.startedAt + 30 * day);
const isAlive = (model: Model, line: Line) => !line.isEnded && !model.isDisabled && model.now < idleEnd(line);
const wholeSeconds = (time: number) => Math.floor(time / 1000) * 1000;

function take(model: Model, line: Line, pair: { access: string; refresh: string }): void {
  line.tokens.push(pair.refresh);
  line.ends.push(idleEnd(line));
  takeAccess(model, line, pair.access);
}

function takeAccess(model: Model, line: Line, access: string): void {
  line.access = access;
  line.accessEnd = wholeSeconds(Math.min(model.now + minutes(15), idleEnd(line)));
}

/** What should become of the token so many behind the current one. */
function foretell(model: Model, line: Line, behind: number, key: string | undefined): string {
  const end = line.ends.at(-1 - behind) ?? 0;
  if (model.now >= end || !isAlive(model, line)) return "dead";
  if (behind === 0) return "rotated";
  if (behind > 1) return "reused";
  if (!isLate(model, line)) return "replayed";
  const mayHave = line.key === undefined ? line.recoveredAt !== line.tokens.length - 1 : key === line.key;
  return mayHave ? "replayed" : "reused";
}

const isLate = (model: Model, line: Line) => model.now - line.movedAt > 30_000;

type Step = fc.AsyncCommand<Model, Real>;

/** A step, after each of which everything is looked at. */
function step(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Step {
  return {
    check,
    run: async (model, real) => {
      await run(model, real);
      await checkEverything(model, real);
    },
    toString: () => name,
  };
}

const signIn = step("signIn", async (model, { t, email, password }) => {
  const answer = await t.http.post("/api/auth/login/", { email, password });
  assert.equal(answer.status, model.isDisabled ? 400 : 200);
  if (answer.status !== 200) return;
  const start = { startedAt: model.now, movedAt: model.now, key: undefined, recoveredAt: 0, isEnded: false };
  const line: Line = { ...start, tokens: [], ends: [], access: "", accessEnd: 0 };
  model.lines.push(line);
  take(model, line, answer.body);
});

/** The session that a number stands for, counted from the newest. */
function lineAt(model: Readonly<Model>, at: number): Line | undefined {
  return model.lines.at(-1 - (at % Math.max(1, model.lines.length)));
}

function refreshWith(at: number, behind: number, sent: string | undefined): Step {
  const run = async (model: Model, { t }: Real) => {
    const line = lineAt(model, at);
    const token = line?.tokens.at(-1 - behind);
    if (!line || token === undefined) return;
    const expected = foretell(model, line, behind, sent);
    const answer = await refresh(t, token, sent);
    const outcome = answer.headers.get("x-refresh") ?? "";
    assert.equal(["expired", "revoked"].includes(outcome) ? "dead" : outcome, expected);
    assert.equal(answer.status, ["rotated", "replayed"].includes(expected) ? 200 : 401);
    if (expected === "reused") line.isEnded = true;
    if (expected === "replayed") {
      assert.equal(answer.body.refresh, line.tokens.at(-1));
      takeAccess(model, line, answer.body.access);
      if (isLate(model, line) && line.key === undefined) line.recoveredAt = line.tokens.length;
    }
    if (expected !== "rotated") return;
    line.movedAt = model.now;
    line.key = sent;
    take(model, line, answer.body);
  };
  const name = `refresh(session ${at}, ${behind} behind, ${sent ? "with a key" : "no key"})`;
  return step(name, run, (model) => (lineAt(model, at)?.tokens.length ?? 0) > behind);
}

type Scope = "this" | "others" | "all";

function signOut(at: number, scope: Scope): Step {
  const run = async (model: Model, { t }: Real) => {
    const own = lineAt(model, at);
    const answer = await t.http.post("/api/auth/logout/", { refresh: own?.tokens.at(-1), scope });
    assert.equal(answer.status, 200);
    if (!own || !isAlive(model, own)) return;
    // A token that is over reaches its own session alone.
    const reach = model.now < (own.ends.at(-1) ?? 0) ? scope : "this";
    for (const line of model.lines) {
      if (reach === "all" || (line === own) === (reach === "this")) line.isEnded = true;
    }
  };
  return step(`signOut(session ${at}, ${scope})`, run, (model) => model.lines.length > 0);
}

function endAll(model: Model): void {
  for (const line of model.lines) line.isEnded = true;
}

const resetPassword = step("resetPassword", async (model, real) => {
  const token = await issueOneTimeToken(real.t.ctx, "password-reset", real.id, minutes(60));
  real.password = `Newer-Harbour-${model.now}-${model.lines.length}`;
  await real.t.auth.passwordReset.complete(token, real.password);
  endAll(model);
});

const disable = step("disable", async (model, { t, id }) => {
  assert.equal(await disableAccount(t.ctx, id), !model.isDisabled);
  model.isDisabled = true;
  endAll(model);
});

const enable = step("enable", async (model, { t, id }) => {
  assert.equal(await enableAccount(t.ctx, id), model.isDisabled);
  model.isDisabled = false;
});

const restart = step("restart", async (_model, real) => {
  real.t = await real.t.restart();
});

const cleanUp = step("cleanUp", (_model, { t }) => keepHouse(t.ctx));

function advance(milliseconds: number): Step {
  return step(`advance(${milliseconds})`, async (model, { t }) => {
    t.clock.advance(milliseconds);
    model.now += milliseconds;
  });
}

/** Each session has one token that lives, or none; none that was dead lives again. */
async function checkEverything(model: Model, { t, id }: Real): Promise<void> {
  for (const line of model.lines) {
    const alive = isAlive(model, line);
    const good = await Promise.all(line.tokens.map((token) => isGood(t, token)));
    // A token ends on a whole second, its session up to one later.
    const head = model.now < (line.ends.at(-1) ?? 0) ? line.tokens.length - 1 : -1;
    assert.deepEqual(
      good,
      line.tokens.map((_, index) => alive && index === head),
    );
    const accessLives = alive && model.now < line.accessEnd;
    assert.equal(await isGood(t, line.access), accessLives);
  }
  const listed = await listSessions(t.ctx, id);
  assert.equal(listed.length, model.lines.filter((line) => isAlive(model, line)).length);
}

async function isGood(t: TestAuth, token: string): Promise<boolean> {
  return t.auth.tokenRefresh.verify(token).then(
    () => true,
    () => false,
  );
}

const session = fc.nat(3);
const key = fc.constantFrom(undefined, "the-key-of-the-first-request", "the-key-of-another-request");
const older = fc.integer({ min: 2, max: 4 });
const scope = fc.constantFrom<Scope>("this", "others", "all");
const spans = [1, 29_999, 30_000, 30_001, minutes(16), day - 1, day, day + 1, 6 * day, 7 * day - 1, 7 * day];
const steps: fc.Arbitrary<Step>[] = [
  fc.constant(signIn),
  fc.tuple(session, key).map(([at, sent]) => refreshWith(at, 0, sent)),
  fc.tuple(session, key).map(([at, sent]) => refreshWith(at, 0, sent)),
  fc.tuple(session, key).map(([at, sent]) => refreshWith(at, 1, sent)),
  fc.tuple(session, older, key).map(([at, behind, sent]) => refreshWith(at, behind, sent)),
  fc.tuple(session, scope).map(([at, reach]) => signOut(at, reach)),
  fc.constantFrom(...spans).map(advance),
  fc.constantFrom(...spans).map(advance),
  fc.constantFrom(resetPassword, disable, enable, enable, restart, restart, cleanUp),
];

describe("sessions in any order of events", () => {
  it(`have one living line each and never come back to life (${runs} sequences)`, async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const property = fc.asyncProperty(fc.commands(steps, { maxCommands: 20 }), async (sequence) => {
      const ada = await t.person();
      const { access, refresh: token } = await ada.signIn();
      const id = payloadOf(access).user_id;
      await t.auth.tokenRefresh.signOut(token, "all");
      const model: Model = { now: t.clock.now().getTime(), lines: [], isDisabled: false };
      const real: Real = { t, id, email: ada.email, password: ada.password };
      await fc.asyncModelRun(() => ({ model, real }), sequence);
    });
    await fc.assert(property, { numRuns: runs });
  });
});
