/** An upgrade of a hash is nobody's business but its own: whoever knows the password goes on beside it. */

import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Person } from "../testing/people.ts";
import { rounds } from "../testing/rounds.ts";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";

const openRates = { environment: { RATE_LIMITS: "off" } };
const next = "From-The-Change-2";
const chosen = { new_password: next, new_password_confirm: next };

/** As Django writes one, of few iterations. */
const djangoHash = (password: string, salt = "salt") =>
  `pbkdf2_sha256$1000$${salt}$${pbkdf2Sync(password, salt, 1000, 32, "sha256").toString("base64")}`;

async function setHash(t: TestAuth, { email }: Person, hash: string): Promise<void> {
  await t.database.kysely
    .$extendTables<{ accounts: { email: string; password_hash: string } }>()
    .updateTable("accounts")
    .set({ password_hash: hash })
    .where("email", "=", email)
    .execute();
}

async function rehash(t: TestAuth, from: string, to: string): Promise<void> {
  await t.database.kysely
    .$extendTables<{ accounts: { password_hash: string } }>()
    .updateTable("accounts")
    .set({ password_hash: to })
    .where("password_hash", "=", from)
    .execute();
}

async function hashOf(t: TestAuth, { email }: Person): Promise<string> {
  return String((await t.rows("accounts")).find((row) => row.email === email)?.password_hash);
}

/** Somebody who is signed in, and whose hash then came from Django. */
async function imported(t: TestAuth) {
  const ada = await t.person();
  const { access } = await ada.signIn();
  await t.auth.passwordReset.request(ada.email);
  const token = await t.linkToken("reset-password", ada.email);
  await setHash(t, ada, djangoHash(ada.password));
  return { ada, access, token };
}

describe("beside the upgrade of a hash", () => {
  for (const many of [3, 10])
    it(`${many} right sign-ins at once all get in`, async () => {
      await using t = await testAuth();
      const { ada } = await imported(t);
      const answers = await Promise.all(Array.from({ length: many }, () => ada.login()));
      assert.deepEqual(
        answers.map(({ status }) => status),
        Array(many).fill(200),
      );
      assert.match(await hashOf(t, ada), /^\$argon2id\$/);
      assert.ok(!(await t.happened()).includes("sign_in.failed"));
    });

  it("a change of the password is made, whichever of the two comes first", async () => {
    await using t = await testAuth(openRates);
    for (let n = 0; n < 6; n += 1) {
      const { ada, access } = await imported(t);
      const change = () =>
        t.http.post(
          "/api/auth/password/change/",
          { current_password: ada.password, ...chosen },
          { token: access },
        );
      const [, , changed] = await Promise.all([ada.login(), ada.login(), change()]);
      assert.deepEqual([changed.status, changed.body.detail], [200, "Password changed successfully."]);
      assert.deepEqual([(await ada.login()).status, (await ada.login(next)).status], [400, 200]);
    }
  });

  it("a deletion is made, whichever of the two comes first", async () => {
    await using t = await testAuth(openRates);
    for (let n = 0; n < 6; n += 1) {
      const { ada, access } = await imported(t);
      const [, , deleted] = await Promise.all([
        ada.login(),
        ada.login(),
        t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
      ]);
      assert.equal(deleted.status, 200, deleted.text);
    }
  });

  it("a change is made although another gave the account the same password in between", async () => {
    await using t = await testAuth(openRates);
    const ada = await t.person();
    const [here, there] = [await ada.signIn(), await ada.signIn()];
    const same = { new_password: ada.password, new_password_confirm: ada.password };
    const body = { current_password: ada.password, ...same };
    const answers = await Promise.all([
      t.http.post("/api/auth/password/change/", body, { token: here.access }),
      ada.login(),
      t.http.post("/api/auth/password/change/", body, { token: there.access }),
      ada.login(),
    ]);
    for (const { status } of answers) assert.ok([200, 401].includes(status), String(status));
    assert.equal((await ada.login()).status, 200);
  });
});

type Deed = "right" | "wrong" | "upgrade" | "change" | "reset" | "delete";
const deeds: readonly Deed[] = ["right", "wrong", "upgrade", "change", "reset", "delete"];

describe("of whatever happens to an account at once", () => {
  it("the right password is refused only by what made it the wrong one, and no session of that one lives on", async () => {
    await using t = await testAuth(openRates);
    const step = fc.record({ deed: fc.constantFrom(...deeds), turns: fc.integer({ min: 0, max: 12 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
        const { ada, access, token } = await imported(t);
        const play: Record<Deed, () => Promise<{ status: number; body?: { access?: string } }>> = {
          right: () => ada.login(),
          wrong: () => ada.login("Wrong-Harbour-1"),
          // Somebody who writes the same password's hash anew, as a node that hashes otherwise does.
          upgrade: async () => {
            await rehash(t, djangoHash(ada.password), djangoHash(ada.password, "pepper"));
            return { status: 200 };
          },
          change: () =>
            t.http.post(
              "/api/auth/password/change/",
              { current_password: ada.password, ...chosen },
              { token: access },
            ),
          reset: () => t.http.post("/api/auth/password/reset/confirm/", { token, ...chosen }),
          delete: () => t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
        };
        const answers = await Promise.all(
          steps.map(async ({ deed, turns }) => {
            for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
            return { deed, ...(await play[deed]()) };
          }),
        );
        const replaced = answers.filter(
          ({ deed, status }) => ["change", "reset", "delete"].includes(deed) && status === 200,
        );
        for (const { deed, status, body } of answers) {
          assert.ok(status < 500, `${deed}: ${status}`);
          if (deed === "wrong") assert.equal(status, 400);
          if (replaced.length === 0 && deed !== "wrong") assert.equal(status, 200, deed);
          if (replaced.length > 0 && deed === "right" && status === 200) {
            const profile = await t.http.get("/api/auth/profile/", { token: body?.access ?? "" });
            assert.equal(profile.status, 401, "a session of the old password lives on");
          }
        }
      }),
      { numRuns: rounds(40, 400) },
    );
  });
});
