/** What may happen once happens once, though several processes on one database are asked at the same moment. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type ProcessAnswer,
  type ProcessCall,
  type Processes,
  startProcesses,
} from "../testing/processes.ts";
import { rounds } from "../testing/rounds.ts";

const count = rounds(2, 50);
const eachTime = 5;
const newPassword = "A-Newer-Harbour-9";

describe("in four processes at the same moment", () => {
  let processes: Processes;
  before(async () => {
    processes = await startProcesses(4);
  });
  after(() => processes[Symbol.asyncDispose]());

  /** Each process makes the call five times; gives what each of the twenty got. */
  async function callEverywhere(call: ProcessCall): Promise<ProcessAnswer[]> {
    return (await processes.call(() => Array(eachTime).fill(call))).flat();
  }

  const timesOf = (answers: readonly ProcessAnswer[], status: number) =>
    answers.filter((answer) => answer.status === status).length;

  const post = (path: string, body: unknown): ProcessCall => ({ method: "POST", path, body });

  async function recordedOf(event: string): Promise<number> {
    return (await processes.t.happened()).filter((name) => name === event).length;
  }

  it("a link verifies once, and every click is told so", async () => {
    const { t } = processes;
    const before = await recordedOf("email.verified");
    for (let round = 1; round <= count; round += 1) {
      const { email } = await t.person({ username: `verify${round}`, verified: false });
      const path = `/api/auth/verify-email/${await t.linkToken("verify-email", email)}/`;
      assert.equal(timesOf(await callEverywhere(post(path, {})), 200), 20);
      assert.equal(await recordedOf("email.verified"), before + round);
    }
  });

  it("a reset link sets one password, once", async () => {
    const { t } = processes;
    const before = await recordedOf("password.reset");
    for (let round = 1; round <= count; round += 1) {
      const ada = await t.person({ username: `reset${round}` });
      await t.auth.passwordReset.request(ada.email);
      const token = await t.linkToken("reset-password", ada.email);
      const path = "/api/auth/password/reset/confirm/";
      const body = { token, new_password: newPassword, new_password_confirm: newPassword };
      const answers = await callEverywhere(post(path, body));
      assert.deepEqual([timesOf(answers, 200), timesOf(answers, 400)], [1, 19]);
      assert.equal(await recordedOf("password.reset"), before + round);
      assert.equal((await ada.login(newPassword)).status, 200);
    }
  });

  it("a password is changed once", async () => {
    const { t } = processes;
    for (let round = 1; round <= count; round += 1) {
      const ada = await t.person({ username: `change${round}` });
      const { access } = await ada.signIn();
      const changed = { new_password: newPassword, new_password_confirm: newPassword };
      const body = { current_password: ada.password, ...changed };
      const answers = await callEverywhere({ ...post("/api/auth/password/change/", body), token: access });
      assert.deepEqual([timesOf(answers, 200), timesOf(answers, 400)], [1, 19]);
      assert.equal((await ada.login(newPassword)).status, 200);
    }
  });

  it("a session is ended once", async () => {
    const { t } = processes;
    for (let round = 1; round <= count; round += 1) {
      const ada = await t.person({ username: `session${round}` });
      const [here, there] = [await ada.signIn(), await ada.signIn()];
      const before = await recordedOf("session.signed_out");
      assert.equal(
        timesOf(await callEverywhere(post("/api/auth/logout/", { refresh: there.refresh })), 200),
        20,
        "and whoever wants to be signed out is told so",
      );
      assert.equal(await recordedOf("session.signed_out"), before + 1);
      assert.equal((await t.http.get("/api/auth/profile/", { token: here.access })).status, 200);
    }
  });

  it("an account is deleted once", async () => {
    const { t } = processes;
    for (let round = 1; round <= count; round += 1) {
      const ada = await t.person({ username: `delete${round}` });
      const { access } = await ada.signIn();
      const before = await recordedOf("account.deleted");
      const answers = await callEverywhere({
        ...{ method: "DELETE", path: "/api/auth/account/" },
        ...{ body: { password: ada.password }, token: access },
      });
      assert.equal(timesOf(answers, 200), 1);
      assert.equal(timesOf(answers, 401) + timesOf(answers, 400), 19);
      assert.equal(await recordedOf("account.deleted"), before + 1);
    }
  });

  it("one account is made of one address, and one address gets one username", async () => {
    const { t } = processes;
    for (let round = 1; round <= count; round += 1) {
      const names = { first_name: "", last_name: "", password: newPassword, password2: newPassword };
      const email = `new${round}@example.org`;
      const one = { ...names, email, username: `new${round}` };
      const answers = await callEverywhere(post("/api/auth/register/", one));
      assert.equal(timesOf(answers, 201), 20);
      const others = await processes.call((index) =>
        Array.from({ length: eachTime }, (_, n) =>
          post("/api/auth/register/", {
            ...{ ...names, email: `other${round}-${index}-${n}@example.org`, username: `taken${round}` },
          }),
        ),
      );
      assert.deepEqual([timesOf(others.flat(), 201), timesOf(others.flat(), 400)], [1, 19]);
      const accounts = await t.rows("accounts");
      assert.equal(accounts.filter((row) => row.email === email).length, 1);
      assert.equal(accounts.filter((row) => row.username === `taken${round}`).length, 1);
    }
  });
});
