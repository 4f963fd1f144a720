import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFeatures } from "../../features.ts";
import { defineFormError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { findAccountByEmail } from "../accounts/accounts.ts";
import { disableAccount } from "../accounts/disabling.ts";
import type { Context } from "../context.ts";
import type { Feature } from "../feature.ts";
import type { SignInAttempt } from "./gates.ts";
import { signIn } from "./sign-in.ts";

class OneMoreStep extends defineFormError("one_more_step", sentence("One more step.", "Mais um passo.")) {}

/** A system with a gate that does what the test wants, and whether it was asked. */
async function gatedAuth(gate: (ctx: Context, attempt: SignInAttempt) => Promise<void>) {
  const asked: SignInAttempt[] = [];
  const gated: Feature = {
    name: "gated",
    gates: [
      async (ctx, attempt) => {
        asked.push(attempt);
        await gate(ctx, attempt);
      },
    ],
  };
  return { t: await testAuth({ features: [...standardFeatures, gated] }), asked };
}

const refused = { non_field_errors: ["Unable to log in with provided credentials."] };

async function accountOf(t: TestAuth, email: string) {
  const account = await findAccountByEmail(t.ctx, email);
  assert.ok(account);
  return account;
}

/** A proof by password, as the login feature brings it. */
const proof = (hash: string | null, newHash = hash) =>
  ({ method: "pwd", unchangedHash: hash, newHash: async () => newHash }) as const;

describe("the door", () => {
  it("lets nobody in whom a feature's gate refuses: no session, no event, no mail, no device token", async () => {
    const { t: system, asked } = await gatedAuth(async () => {
      throw new OneMoreStep();
    });
    await using t = system;
    const ada = await t.person();
    const before = await t.snapshot();
    const answer = await ada.login();
    assert.deepEqual([answer.status, answer.body], [400, { non_field_errors: ["One more step."] }]);
    assert.equal(answer.headers.get("device-token"), null);
    assert.deepEqual(answer.headers.getSetCookie(), []);
    const after = await t.snapshot();
    // The refused try counts as one against the allowance.
    for (const table of Object.keys(before).filter((name) => name !== "limits"))
      assert.deepEqual(after[table], before[table], table);
    assert.deepEqual(
      asked.map(({ account, method }) => [account.email, method]),
      [[ada.email, "pwd"]],
    );
  });

  it("asks no gate about a wrong password", async () => {
    const { t: system, asked } = await gatedAuth(async () => undefined);
    await using t = system;
    const ada = await t.person();
    await ada.login("A-Wrong-Harbour-1");
    assert.equal(asked.length, 0);
    assert.equal((await ada.login()).status, 200);
    assert.equal(asked.length, 1);
  });

  it("asks its own gates first: what a feature would say is not told of a disabled or unverified account", async () => {
    const { t: system, asked } = await gatedAuth(async () => {
      throw new OneMoreStep();
    });
    await using t = system;
    const [ada, bob] = [await t.person({ verified: false }), await t.person()];
    await disableAccount(t.ctx, (await accountOf(t, bob.email)).id);
    assert.deepEqual((await ada.login()).body, {
      non_field_errors: ["Please verify your email before logging in."],
    });
    assert.deepEqual((await bob.login()).body, refused);
    assert.equal(asked.length, 0);
  });

  it("is shut for an account that is disabled between the proof and the session", async () => {
    const { t: system } = await gatedAuth(async (ctx, { account }) => {
      await disableAccount(ctx, account.id);
    });
    await using t = system;
    const ada = await t.person();
    const answer = await ada.login();
    assert.deepEqual([answer.status, answer.body], [400, refused]);
    assert.equal((await t.rows("sessions")).length, 0);
    assert.ok(!(await t.happened()).includes("sign_in.succeeded"));
  });

  it("is shut for a proof by a password that was changed between, or an account that was deleted", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const account = await accountOf(t, ada.email);
    await t.auth.passwordReset.request(ada.email);
    const link = await t.linkToken("reset-password", ada.email);
    await t.auth.passwordReset.complete(link, "A-Newer-Harbour-9");
    assert.equal(await signIn(t.ctx, account, proof(account.passwordHash)), undefined);
    const { access } = (await ada.login("A-Newer-Harbour-9")).body;
    const changed = await accountOf(t, ada.email);
    await t.http.delete("/api/auth/account/", { password: "A-Newer-Harbour-9" }, { token: access });
    assert.equal(await signIn(t.ctx, changed, proof(changed.passwordHash)), undefined);
    assert.equal((await t.rows("sessions")).length, 0);
  });

  it("does not put an old password back when an upgraded hash comes late", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const account = await accountOf(t, ada.email);
    await t.auth.passwordReset.request(ada.email);
    const link = await t.linkToken("reset-password", ada.email);
    const late = {
      ...proof(account.passwordHash),
      newHash: async () => {
        await t.auth.passwordReset.complete(link, "A-Newer-Harbour-9");
        return account.passwordHash;
      },
    };
    assert.equal(await signIn(t.ctx, account, late), undefined);
    assert.equal((await ada.login()).status, 400);
    assert.equal((await ada.login("A-Newer-Harbour-9")).status, 200);
  });

  it("opens a session of its own each time, told of and recorded once", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const pairs = await Promise.all([ada.signIn(), ada.signIn(), ada.signIn()]);
    assert.equal(new Set(pairs.map(({ refresh }) => refresh)).size, 3);
    assert.equal((await t.rows("sessions")).length, 3);
    const events = (await t.rows("audit")).filter((row) => row.event === "sign_in.succeeded");
    assert.equal(events.length, 3);
    assert.equal(new Set(events.map((row) => JSON.parse(String(row.details)).session)).size, 3);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await ada.signIn();
      const account = await accountOf(t, ada.email);
      return () => signIn(t.ctx, account, proof(account.passwordHash));
    });
  });
});
