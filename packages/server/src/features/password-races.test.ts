import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFeatures } from "../features.ts";
import { type AroundStatement, TransactionConflict } from "../platform/database/dialect.ts";
import type { Person } from "../testing/people.ts";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";

const openRates = { environment: { RATE_LIMITS: "off" } };
const rounds = 8;
const confirmPath = "/api/auth/password/reset/confirm/";
const changePath = "/api/auth/password/change/";
const chosen = (password: string) => ({ new_password: password, new_password_confirm: password });

/** One person after another, each signed in and with a reset link, for calls that come at the same moment. */
async function eachRound(
  play: (t: TestAuth, ada: Person, has: { access: string; token: string; gap: number }) => Promise<void>,
  aroundStatement?: AroundStatement,
): Promise<void> {
  await using t = await testAuth({ ...openRates, ...(aroundStatement && { aroundStatement }) });
  for (let n = 0; n < rounds; n += 1) {
    const ada = await t.person();
    const { access } = await ada.signIn();
    await t.auth.passwordReset.request(ada.email);
    await play(t, ada, { access, token: await t.linkToken("reset-password", ada.email), gap: n });
  }
}

const works = async (t: TestAuth, token: string) =>
  (await t.http.get("/api/auth/profile/", { token })).status === 200;
/** Starts calls one after the other, so close together that each comes before those in front of it are done. */
async function overlapping<const Calls extends readonly (() => Promise<unknown>)[]>(
  gap: number,
  calls: Calls,
): Promise<{ [N in keyof Calls]: Awaited<ReturnType<Calls[N]>> }> {
  const started: Promise<unknown>[] = [];
  for (const call of calls) {
    started.push(call());
    for (let turn = 0; turn < gap; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return (await Promise.all(started)) as { [N in keyof Calls]: Awaited<ReturnType<Calls[N]>> };
}

/** Which of these passwords sign in now. */
const passwordsOf = async (ada: Person, passwords: readonly string[]) => {
  const answers = await Promise.all(passwords.map((password) => ada.login(password)));
  return passwords.filter((_, n) => answers[n]?.status === 200);
};

describe("at the same moment", () => {
  it("sign-ins and a reset: no session of the old password lives on", async () => {
    await eachRound(async (t, ada, { token, gap }) => {
      const login = () => ada.login();
      const reset = () => t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") });
      const [first, answer, ...later] = await overlapping(gap, [login, reset, login, login, login, login]);
      const logins = [first, ...later];
      assert.equal(answer.status, 200);
      for (const { status, body } of logins) {
        assert.ok(status === 400 || !(await works(t, body.access)), "an old password's session lives");
      }
      assert.deepEqual(await passwordsOf(ada, [ada.password, "From-The-Link-1"]), ["From-The-Link-1"]);
    });
  });

  it("a change and a reset: the account ends with one password, and the caller who was told so has it", async () => {
    const winners = new Set<string>();
    await eachRound(async (t, ada, { access, token, gap }) => {
      const body = { current_password: ada.password, ...chosen("From-The-Change-2") };
      const [change, reset] = await overlapping(gap >> 1, [
        () => t.http.post(changePath, body, { token: access }),
        () => t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
      ]);
      const [password, ...others] = await passwordsOf(ada, [
        ...[ada.password, "From-The-Link-1", "From-The-Change-2"],
      ]);
      assert.deepEqual(others, [], "two passwords sign in");
      winners.add(password ?? "none");
      // Whichever came second found its password or its link gone.
      assert.equal(reset.status === 200, password === "From-The-Link-1");
      assert.equal(change.status === 200, password === "From-The-Change-2");
      assert.equal(await works(t, access), change.status === 200);
    });
    assert.ok(!winners.has("none"));
  });

  it("many changes: one is made, and it is the one that was told so", async () => {
    await eachRound(async (t, ada, { access }) => {
      const passwords = ["Rival-Password-1x", "Rival-Password-2x", "Rival-Password-3x"];
      const answers = await Promise.all(
        passwords.map((password) =>
          t.http.post(changePath, { current_password: ada.password, ...chosen(password) }, { token: access }),
        ),
      );
      const told = passwords.filter((_, n) => answers[n]?.status === 200);
      assert.equal(told.length, 1);
      assert.deepEqual(await passwordsOf(ada, [ada.password, ...passwords]), told);
    });
  });

  it("a deletion and sign-ins: no session outlives the account", async () => {
    await eachRound(async (t, ada, { access, gap }) => {
      const login = () => ada.login();
      const remove = () => t.http.delete("/api/auth/account/", { password: ada.password }, { token: access });
      const [first, deletion, ...later] = await overlapping(gap, [login, remove, login, login, login]);
      const logins = [first, ...later];
      assert.equal(deletion.status, 200);
      for (const { status, body } of logins) {
        assert.ok(status === 400 || !(await works(t, body.access)), "a session outlives its account");
      }
      const email = ada.email;
      assert.ok(!(await t.rows("accounts")).some((row) => row.email === email));
    });
  });

  it("a deletion and a reset: the account is gone, or it has the new password", async () => {
    await eachRound(async (t, ada, { access, token }) => {
      const [deletion, reset] = await Promise.all([
        t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
        t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
      ]);
      // A deletion that comes last finds its password changed, or its session already ended.
      const refused = [deletion, reset].filter(({ status }) => status !== 200);
      assert.equal(refused.length, 1);
      assert.ok([400, 401].includes(refused[0]?.status ?? 0));
      const expected = reset.status === 200 ? ["From-The-Link-1"] : [];
      assert.deepEqual(await passwordsOf(ada, [ada.password, "From-The-Link-1"]), expected);
    });
  });

  it("a mail being written while its account is reset or deleted: each waits for the other, none for both", async () => {
    const conflicts: unknown[] = [];
    const aroundStatement: AroundStatement = (_sql, run) =>
      run().catch((error: unknown) => {
        if (error instanceof TransactionConflict) conflicts.push(error.cause);
        throw error;
      });
    await eachRound(async (t, ada, { access, token }) => {
      await t.auth.passwordReset.request(ada.email);
      await t.auth.emailVerification.resend(ada.email);
      const answers = await Promise.all([
        t.http.post(confirmPath, { token, ...chosen("From-The-Link-1") }),
        t.mailbox(),
        t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
      ]);
      for (const answer of [answers[0], answers[2]]) assert.ok([200, 400, 401].includes(answer.status));
    }, aroundStatement);
    assert.deepEqual(conflicts, []);
  });
});

describe("between the check of a password and the session it opens", () => {
  type Deed = (t: TestAuth, ada: Person) => Promise<unknown>;
  const setColumn = (t: TestAuth, values: Record<string, unknown>) =>
    t.database.kysely
      .$extendTables<{ accounts: Record<string, unknown> }>()
      .updateTable("accounts")
      .set(values)
      .execute();
  const deeds: Record<string, Deed> = {
    "a reset": async (t, ada) => {
      await t.auth.passwordReset.request(ada.email);
      await t.auth.passwordReset.complete(await t.linkToken("reset-password", ada.email), "From-The-Link-1");
    },
    "a deletion": (t) =>
      t.database.kysely
        .$extendTables<{ accounts: Record<string, unknown> }>()
        .deleteFrom("accounts")
        .execute(),
    "a disabling": (t) => setColumn(t, { disabled_at: 1 }),
    "the loss of the password": (t) => setColumn(t, { password_hash: null }),
  };

  for (const [name, deed] of Object.entries(deeds)) {
    it(`${name} leaves nobody in, and stays as it was made`, async () => {
      let meanwhile: (() => Promise<unknown>) | undefined;
      const pause = { name: "pause", gates: [async () => void (await meanwhile?.())] };
      await using t = await testAuth({ features: [...standardFeatures, pause] });
      const ada = await t.person();
      let after: unknown;
      meanwhile = async () => {
        meanwhile = undefined;
        await deed(t, ada);
        after = await t.rows("accounts");
      };
      const { status, body } = await ada.login();
      assert.deepEqual(
        [status, body],
        [400, { non_field_errors: ["Unable to log in with provided credentials."] }],
      );
      assert.deepEqual(await t.rows("sessions"), []);
      assert.deepEqual(await t.rows("accounts"), after);
      assert.equal((await t.happened()).at(-1), "sign_in.failed");
    });
  }
});
