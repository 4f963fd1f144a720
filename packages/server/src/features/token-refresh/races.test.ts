import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { disableAccount } from "../../core/accounts/disabling.ts";
import type { Person } from "../../testing/people.ts";
import { type Processes, refreshCall, startProcesses } from "../../testing/processes.ts";
import { rounds } from "../../testing/rounds.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, opens, payloadOf, refresh } from "../../testing/tokens.ts";

const noLimits = { RATE_LIMITS: "off" };

interface Got {
  readonly status: number;
  readonly refresh: string | undefined;
  readonly outcome: string | null;
}

/** Of calls with one token at the same moment, one moves the session on, and all get the same successor. */
function checkOneSuccessor(got: readonly Got[]): string {
  assert.deepEqual(new Set(got.map(({ status }) => status)), new Set([200]));
  const successors = new Set(got.map((one) => one.refresh));
  assert.equal(successors.size, 1);
  assert.equal(got.filter(({ outcome }) => outcome === "rotated").length, 1);
  assert.equal(got.filter(({ outcome }) => outcome === "replayed").length, got.length - 1);
  return [...successors][0] ?? "";
}

async function refreshAtOnce(t: TestAuth, token: string, times: number): Promise<Got[]> {
  const answers = await Promise.all(Array.from({ length: times }, () => refresh(t, token)));
  return answers.map(({ status, body, headers }) => ({
    status,
    refresh: body.refresh,
    outcome: headers.get("x-refresh"),
  }));
}

/** Has every process refresh with a token so many times. */
async function refreshEverywhere(processes: Processes, token: string, timesEach: number): Promise<Got[]> {
  const answers = await processes.call(() => Array.from({ length: timesEach }, () => refreshCall(token)));
  return answers.flat().map(({ status, body, outcome }) => ({ status, refresh: body.refresh, outcome }));
}

describe("forty refreshes of one token at the same moment", () => {
  it("give one successor, the same text for all, in one process", async () => {
    await using t = await testAuth({ environment: noLimits });
    let { refresh: token } = await (await t.person()).signIn();
    const count = rounds(10, 200);
    for (let round = 0; round < count; round += 1) {
      const next = checkOneSuccessor(await refreshAtOnce(t, token, 40));
      assert.equal(payloadOf(next).seq, round + 1);
      token = next;
    }
    assert.equal((await t.rows("sessions")).length, 1);
    assert.equal(await isGood(t, token), true);
  });
});

describe("refreshes of one token at the same moment, in four processes on one database,", () => {
  let processes: Processes;
  before(async () => {
    processes = await startProcesses(4);
  });
  after(() => processes[Symbol.asyncDispose]());

  it("give one successor, the same text for all forty", async () => {
    const { t } = processes;
    let { refresh: token } = await (await t.person()).signIn();
    const count = rounds(6, 200);
    for (let round = 0; round < count; round += 1) {
      const next = checkOneSuccessor(await refreshEverywhere(processes, token, 10));
      assert.equal(payloadOf(next).seq, round + 1);
      token = next;
    }
    assert.equal((await t.rows("sessions")).length, 1);
  });

  it("exchange it once, when it is one of simplejwt", async () => {
    const { t } = processes;
    const ada = await t.person();
    const id: string = (await ada.login()).body.user.id;
    const before = (await t.rows("sessions")).length;
    const count = rounds(4, 50);
    for (let round = 0; round < count; round += 1) {
      checkOneSuccessor(await refreshEverywhere(processes, foreignToken(t, "refresh", id), 5));
      assert.equal((await t.rows("sessions")).length, before + round + 1);
    }
  });
});

interface Ending {
  /** What has to be ready before the race. */
  readonly prepare?: (t: TestAuth, ada: Person) => Promise<string>;
  readonly end: (t: TestAuth, ada: Person, tokens: Tokens, prepared: string) => Promise<unknown>;
  /** The session that the ending is asked from stays. */
  readonly spares?: true;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

const newPassword = "A-Newer-Harbour-9";
const endings: Readonly<Record<string, Ending>> = {
  "signing out": {
    end: (t, _ada, { refresh: token }) => t.http.post("/api/auth/logout/", { refresh: token }),
  },
  "signing out everywhere": {
    end: (t, _ada, { access }) => t.http.post("/api/auth/logout/", { scope: "all" }, { token: access }),
  },
  "a password reset": {
    prepare: async (t, ada) => {
      await t.auth.passwordReset.request(ada.email);
      return t.linkToken("reset-password", ada.email);
    },
    end: (t, _ada, _tokens, link) => t.auth.passwordReset.complete(link, newPassword),
  },
  "a password change on another device": {
    prepare: async (_t, ada) => (await ada.signIn()).access,
    end: (t, ada, _tokens, access) =>
      t.http.post(
        "/api/auth/password/change/",
        {
          current_password: ada.password,
          new_password: newPassword,
          new_password_confirm: newPassword,
        },
        { token: access },
      ),
  },
  "disabling the account": {
    end: (t, _ada, { access }) => disableAccount(t.ctx, payloadOf(access).user_id),
  },
  "deleting the account": {
    end: (t, ada, { access }) =>
      t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
  },
};

describe("a refresh at the same moment as", () => {
  for (const [what, { prepare, end }] of Object.entries(endings)) {
    it(`${what} leaves no token that lives, whichever comes first`, async () => {
      await using t = await testAuth({ environment: noLimits });
      const count = rounds(5, 50);
      for (let round = 0; round < count; round += 1) {
        const ada = await t.person();
        const tokens = await ada.signIn();
        const prepared = (await prepare?.(t, ada)) ?? "";
        const refreshing = () => [refresh(t, tokens.refresh), refresh(t, tokens.refresh)];
        const before = round % 2 === 0 ? refreshing() : [];
        const ending = end(t, ada, tokens, prepared);
        const answers = await Promise.all([...before, ...refreshing(), ending.then(() => undefined)]);
        const given = answers.flatMap((answer) => (answer?.status === 200 ? [answer.body] : []));
        for (const pair of [tokens, ...given]) {
          assert.equal((await refresh(t, pair.refresh)).status, 401);
          assert.equal(await opens(t, pair.access), false);
          assert.equal(await isGood(t, pair.access), false);
        }
      }
    });
  }

  it("signing in opens one line more, and disturbs none", async () => {
    await using t = await testAuth({ environment: noLimits });
    const ada = await t.person();
    let { refresh: token } = await ada.signIn();
    for (let round = 0; round < rounds(5, 50); round += 1) {
      const [answer, other] = await Promise.all([refresh(t, token), ada.signIn()]);
      token = answer.body.refresh;
      assert.equal(await isGood(t, token), true);
      assert.equal(await isGood(t, other.refresh), true);
    }
  });
});
