import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Environment } from "../platform/settings.ts";
import { createMeter } from "../testing/cost.ts";
import type { Answer } from "../testing/http.ts";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";

const password = "Blue-Harbour-71";
const otherPassword = "Red-Moon-5512";

/** Somebody in every state that an address can be in, under the name of that state. */
async function peopleIn(t: TestAuth): Promise<void> {
  for (const state of ["verified", "disabled", "no password", "imported"]) await add(t, state, true);
  for (const state of ["unverified", "disputed", "suspended"]) await add(t, state, false);
  const accounts = t.database.kysely.$extendTables<{ accounts: Record<string, unknown> }>();
  const set = (state: string, values: Record<string, unknown>) =>
    accounts.updateTable("accounts").set(values).where("email", "=", emailIn(state)).execute();
  for (const state of ["disabled", "suspended"]) {
    await set(state, { disabled_at: t.clock.now().getTime() });
  }
  await set("no password", { password_hash: null });
  await set("imported", {
    password_hash: `sha1$salt$${createHash("sha1").update(`salt${password}`).digest("hex")}`,
  });
  await t.auth.registration.register({
    ...{ email: emailIn("disputed"), username: "eve", password: otherPassword, fields: {} },
  });
  // What they did so far must not count, nor wait in the outbox.
  await t.mailbox();
  t.clock.advance("2h");
}

const emailIn = (state: string) => `${state.replace(" ", "-")}@example.org`;
const add = (t: TestAuth, state: string, verified: boolean) =>
  t.person({ email: emailIn(state), username: state.replace(" ", "-"), password, verified });

interface Comparison {
  /** What happens to each address first; it is not part of the cost. */
  readonly before?: (t: TestAuth, email: string) => Promise<void>;
  readonly writes?: "as many rows" | "what there is to write";
  readonly environment?: Environment;
}

/** Compares what a call costs for an address in each of these states with what it costs for one nobody has. */
async function compareCosts(
  states: readonly string[],
  call: (t: TestAuth, email: string, name: string) => Promise<Answer>,
  { before, writes = "as many rows", environment = {} }: Comparison = {},
): Promise<void> {
  const meter = createMeter();
  await using t = await testAuth({ aroundStatement: meter.aroundStatement, environment });
  await peopleIn(t);
  // The first call of all fills caches.
  await call(t, "first@example.org", "first");
  for (const state of ["unknown", ...states]) await before?.(t, emailIn(state));
  const unknown = await meter.measure(t, () => call(t, "unknown@example.org", "unknown"));
  for (const state of states) {
    const known = await meter.measure(t, () => call(t, emailIn(state), state.replace(" ", "-")));
    const { rowsWritten } = writes === "as many rows" ? unknown : known;
    assert.deepEqual(known, { ...unknown, rowsWritten }, state);
  }
}

describe("one answer, and one cost, whoever's address it is", () => {
  it("signing in with a wrong password", async () => {
    const states = ["verified", "disabled", "no password", "imported", "unverified", "disputed"];
    await compareCosts(states, async (t, email) => {
      const answer = await t.http.post("/api/auth/login/", { email, password: "Wrong-Harbour-1" });
      assert.deepEqual(answer.body, { non_field_errors: ["Unable to log in with provided credentials."] });
      return answer;
    });
  });

  it("the guess that uses up what strangers have, and the first that is refused", async () => {
    const states = ["verified", "disabled", "no password", "imported", "unverified", "disputed"];
    for (const guesses of [10, 11]) {
      await compareCosts(states, async (t, email) => {
        const wrong = (n: number) =>
          t.http.post("/api/auth/login/", { email, password: "Wrong-Harbour-1" }, { from: `10.0.${n}.1` });
        for (let n = 1; n < guesses; n += 1) await wrong(n);
        return wrong(guesses);
      });
    }
  });

  it("signing in with the right password of an account that is disabled or has lost its password", async () => {
    await compareCosts(["disabled", "suspended", "no password", "disputed"], (t, email) =>
      t.http.post("/api/auth/login/", { email, password }),
    );
  });

  it("registering, with the waiting password or with another", async () => {
    const states = ["verified", "disabled", "no password", "imported", "unverified", "disputed"];
    for (const chosen of [password, otherPassword]) {
      const call = async (t: TestAuth, email: string, name: string) => {
        const answer = await t.http.post("/api/auth/register/", {
          ...{ email, username: `another-${name}`, password: chosen, password2: chosen },
          ...{ first_name: "", last_name: "" },
        });
        assert.equal(answer.status, 201, answer.text);
        return answer;
      };
      // An account is made or not, in the one commit that there is either way.
      await compareCosts(states, call, { writes: "what there is to write" });
    }
  });

  it("registering with a username that somebody has, be it this very address' own", async () => {
    for (const username of ["verified", "unverified"]) {
      await compareCosts(["verified", "disabled", "imported", "unverified"], async (t, email) => {
        const answer = await t.http.post("/api/auth/register/", {
          ...{ email, username, password: otherPassword, password2: otherPassword },
          ...{ first_name: "", last_name: "" },
        });
        assert.deepEqual(answer.body, { username: ["A user with that username already exists."] });
        return answer;
      });
    }
  });

  it("asking for the verification mail again", async () => {
    await compareCosts(["verified", "disabled", "unverified", "disputed"], async (t, email) => {
      const answer = await t.http.post("/api/auth/verify-email/resend/", { email });
      assert.equal(answer.status, 200);
      return answer;
    });
  });

  it("typing a wrong code, be it the first or one for a code that is dead by then, limits or not", async () => {
    const states = ["verified", "disabled", "no password", "unverified", "disputed", "suspended"];
    let calls = 0;
    const nextAddress = () => `2001:db8:${(calls += 1)}::1`;
    for (const environment of [{}, { RATE_LIMITS: "off" }]) {
      for (const tries of [1, 6]) {
        const type = (t: TestAuth, email: string) =>
          t.http.post("/api/auth/verify-email/", { email, code: "not it" }, { from: nextAddress() });
        const call = async (t: TestAuth, email: string) => {
          const answer = await type(t, email);
          assert.deepEqual(answer.body, { code: ["Invalid or expired verification code."] });
          return answer;
        };
        // Tried before a new code is mailed, and after: where there is none, nothing begins anew.
        const before = async (t: TestAuth, email: string) => {
          for (let n = 1; n < 4; n += 1) await type(t, email);
          await t.http.post("/api/auth/verify-email/resend/", { email });
          await t.mailbox();
          for (let n = 1; n < tries; n += 1) await type(t, email);
        };
        await compareCosts(states, call, { before, environment });
      }
    }
  });

  it("asking for a reset link", async () => {
    const states = ["verified", "disabled", "no password", "unverified", "disputed"];
    await compareCosts(states, async (t, email) => {
      const answer = await t.http.post("/api/auth/password/reset/request/", { email });
      assert.equal(answer.status, 200);
      return answer;
    });
  });

  it("says that an address waits for verification only to who knows its password", async () => {
    await using t = await testAuth();
    await peopleIn(t);
    const right = await t.http.post("/api/auth/login/", { email: emailIn("unverified"), password });
    assert.deepEqual(
      [right.status, right.body],
      [400, { non_field_errors: ["Please verify your email before logging in."] }],
    );
    assert.deepEqual(await t.rows("sessions"), []);
  });

  it("mails nothing to an account that is disabled, whatever is asked for its address", async () => {
    await using t = await testAuth();
    await peopleIn(t);
    const before = (await t.mailbox()).length;
    for (const state of ["disabled", "suspended"]) {
      const email = emailIn(state);
      await t.auth.registration.register({ email, username: `not-${state}`, password, fields: {} });
      await t.auth.emailVerification.resend(email);
      await t.auth.passwordReset.request(email);
    }
    assert.equal((await t.mailbox()).length, before);
  });

  it("mails a reset link to whoever has an account that is not disabled, as its owner wrote the address", async () => {
    await using t = await testAuth();
    await t.person({ email: "Ada.L@example.org" });
    await peopleIn(t);
    const before = (await t.mailbox()).length;
    const asked = ["ADA.l@EXAMPLE.org", "nobody@example.org", ...["disabled", "unverified"].map(emailIn)];
    for (const email of asked) await t.http.post("/api/auth/password/reset/request/", { email });
    const sent = (await t.mailbox()).slice(before).map(({ mail, to }) => `${mail} to ${to}`);
    assert.deepEqual(sent, [
      "reset-password to Ada.L@example.org",
      "reset-password to unverified@example.org",
    ]);
    assert.deepEqual(
      (await t.rows("outbox")).filter((row) => row.state !== "sent"),
      [],
      "an address that somebody typed is kept",
    );
  });
});
