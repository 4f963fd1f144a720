import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FieldsInvalid, NotFound } from "../../platform/http/errors.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { ValuesTaken } from "./errors.ts";

const password = "A-Newer-Harbour-9";
const nobody = "00000000-0000-4000-8000-000000000000";

/** Makes an account as an operator does. */
async function create(t: TestAuth, values: Record<string, unknown> = {}, isVerified = true) {
  const given = { email: "ada@example.org", username: "ada", password, ...values };
  return t.auth.administration.createUser(await t.auth.administration.readNewUser(given), { isVerified });
}

async function idOf(t: TestAuth, name: string) {
  const account = await t.auth.administration.findUser(name);
  assert.ok(account, `no account ${name}`);
  return account.id;
}

const refusedWith =
  (expected: Record<string, string[]>, kind = FieldsInvalid) =>
  (error: unknown) => {
    assert.ok(error instanceof kind, String(error));
    assert.deepEqual(error.body("en"), expected);
    return true;
  };

const login = (t: TestAuth, given = password) =>
  t.http.post("/api/auth/login/", { email: "ada@example.org", password: given });

/** Verifies an address that two registered; gives the tokens, mailed and shown, with which its owner may set a password. */
async function waysToPassword(t: TestAuth, email: string): Promise<string[]> {
  await t.auth.registration.register({ email, username: "eve", password: "Red-Moon-5512", fields: {} });
  const { firstPassword } = await t.auth.emailVerification.verify(await t.linkToken("verify-email", email));
  return [await t.linkToken("reset-password", email), firstPassword ?? assert.fail("no way was shown")];
}

describe("creating an account for somebody", () => {
  it("lets a verified one sign in at once, and mails nothing", async () => {
    await using t = await testAuth();
    await create(t);
    assert.equal((await login(t)).status, 200);
    assert.deepEqual(await t.happened(), ["account.created", "sign_in.succeeded"]);
    assert.deepEqual(await t.mailbox(), []);
  });

  it("mails one that is not verified its link, and lets it in only after that", async () => {
    await using t = await testAuth();
    await create(t, {}, false);
    assert.equal((await login(t)).status, 400);
    const token = await t.linkToken("verify-email", "ada@example.org");
    assert.equal((await t.http.post(`/api/auth/verify-email/${token}/`)).status, 200);
    assert.equal((await login(t)).status, 200);
  });

  it("says everything that is wrong with the values, in the API's words", async () => {
    await using t = await testAuth({ fields: { age: { type: "integer", least: 0 } } });
    await assert.rejects(
      create(t, { email: "no address", username: "a b", password: "", age: -1 }),
      refusedWith({
        email: ["Enter a valid email address."],
        username: [
          "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
        ],
        password: ["This field may not be blank."],
        age: ["Ensure this value is greater than or equal to 0."],
      }),
    );
  });

  it("holds the password to the policy, the account's own names included", async () => {
    await using t = await testAuth();
    for (const [bad, sentence] of [
      ["password1234", "This password is too common."],
      ["ada@example.org", "The password is too similar to the email."],
      ["short1x", "This password is too short. It must contain at least 8 characters."],
    ] as const) {
      await assert.rejects(create(t, { password: bad }), refusedWith({ password: [sentence] }));
    }
    assert.deepEqual(await t.rows("accounts"), []);
  });

  it("writes fields that users may not, and none that do not exist", async () => {
    await using t = await testAuth({
      fields: { plan: { type: "text", default: "free", writableBy: "admin" } },
    });
    const made = await create(t, { plan: "pro", password_hash: "x", disabled_at: 1 });
    assert.equal(made.fields.plan, "pro");
    assert.equal(made.disabledAt, null);
  });

  it("refuses what another account has: the address in any spelling, the username, a unique value", async () => {
    await using t = await testAuth({ fields: { badge: { type: "text", unique: true, default: null } } });
    await create(t, { badge: "7" });
    await assert.rejects(
      create(t, { email: "ADA@Example.ORG", username: "Ada", badge: "7" }),
      refusedWith(
        {
          email: ["user with this email already exists."],
          username: ["A user with that username already exists."],
          badge: ["This field must be unique."],
        },
        ValuesTaken,
      ),
    );
  });

  it("of ten at the same moment makes one", async () => {
    await using t = await testAuth();
    const made = await Promise.allSettled(Array.from({ length: 10 }, () => create(t)));
    assert.equal(made.filter((one) => one.status === "fulfilled").length, 1);
    for (const one of made) if (one.status === "rejected") assert.ok(one.reason instanceof ValuesTaken);
    assert.equal((await t.rows("accounts")).length, 1);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => () => create(t, {}, false));
  });
});

describe("finding an account", () => {
  it("takes an id, an address in any spelling, or a username", async () => {
    await using t = await testAuth();
    const { id } = await create(t);
    for (const name of [id, "Ada@EXAMPLE.org", "ADA"])
      assert.equal((await t.auth.administration.findUser(name))?.id, id);
    assert.equal(await t.auth.administration.findUser("bob"), undefined);
  });

  it("is not misled by a username that is another's id or address", async () => {
    await using t = await testAuth();
    const { id } = await create(t);
    await create(t, { email: "mallory@example.org", username: "ada@example.org" });
    await create(t, { email: "trudy@example.org", username: id });
    for (const name of [id, "ada@example.org"])
      assert.equal((await t.auth.administration.findUser(name))?.email, "ada@example.org");
  });

  it("gives pages that hold everybody once, the newest first, though some come and go meanwhile", async () => {
    await using t = await testAuth();
    const names = Array.from({ length: 7 }, (_, n) => `u${n}`);
    for (const [n, username] of names.entries()) {
      // Pairs are made at the same moment: then the id decides.
      if (n % 2 === 0) t.clock.advance("1s");
      await create(t, { email: `${username}@example.org`, username });
    }
    const seen: string[] = [];
    let after: Awaited<ReturnType<typeof t.auth.administration.listUsers>>["next"];
    do {
      const page = await t.auth.administration.listUsers({ limit: 2, after });
      seen.push(...page.users.map(({ username }) => username));
      after = page.next;
      if (after) await t.auth.administration.deleteUser(after.id);
      await create(t, { email: `late${seen.length}@example.org`, username: `late${seen.length}` });
    } while (after);
    assert.deepEqual(seen.toSorted(), names);
    assert.equal(seen[0], "u6");
  });

  it("searches addresses and usernames for a part, which is no pattern", async () => {
    await using t = await testAuth();
    await create(t, { email: "maria.silva@example.org", username: "maria_s" });
    await create(t, { email: "joao@example.org", username: "joao" });
    const search = async (text: string) =>
      (await t.auth.administration.listUsers({ limit: 9, search: text })).users.map((user) => user.username);
    assert.deepEqual(await search("SILVA"), ["maria_s"]);
    assert.deepEqual(await search("a_s"), ["maria_s"]);
    assert.deepEqual(await search("jo%"), []);
    assert.deepEqual(await search("a_o"), []);
    assert.equal((await t.auth.administration.listUsers({ limit: 1, search: "example" })).total, 2);
  });
});

describe("disabling an account", () => {
  it("signs it out everywhere at once and keeps it out until it is enabled", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access, refresh } = await ada.signIn();
    const id = await idOf(t, ada.email);
    assert.equal(await t.auth.administration.disableUser(id), true);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 401);
    assert.equal((await t.http.post("/api/auth/token/refresh/", { refresh })).status, 401);
    assert.equal((await ada.login()).status, 400);
    assert.equal(await t.auth.administration.enableUser(id), true);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 401);
    assert.equal((await ada.login()).status, 200);
    const happened = (await t.happened()).filter((name) => name.startsWith("account."));
    assert.deepEqual(happened, ["account.disabled", "account.enabled"]);
  });

  it("ends whatever was mailed or shown to verify it or to set its password, for good", async () => {
    await using t = await testAuth();
    const [bob, ada] = [await t.person({ verified: false }), await t.person({ verified: false })];
    const toVerify = await t.linkToken("verify-email", bob.email);
    const toReset = await waysToPassword(t, ada.email);
    for (const { email } of [ada, bob]) {
      await t.auth.administration.disableUser(await idOf(t, email));
      await t.auth.administration.enableUser(await idOf(t, email));
    }
    await assert.rejects(t.auth.emailVerification.verify(toVerify));
    for (const token of toReset) await assert.rejects(t.auth.passwordReset.complete(token, password));
  });

  it("twice changes nothing more, and says so", async () => {
    await using t = await testAuth();
    const { id } = await create(t);
    assert.equal(await t.auth.administration.disableUser(id), true);
    const before = await t.snapshot();
    assert.equal(await t.auth.administration.disableUser(id), false);
    assert.deepEqual(await t.snapshot(), before);
    assert.equal(await t.auth.administration.enableUser(id), true);
    assert.equal(await t.auth.administration.enableUser(id), false);
  });

  it("leaves no live session behind, however many sign-ins are under way", async () => {
    for (let round = 0; round < 5; round += 1) {
      await using t = await testAuth();
      const { id } = await create(t);
      const logins = Array.from({ length: 6 }, () => login(t));
      // Each round it comes at another moment of the sign-ins.
      for (let turn = 0; turn < round * 3; turn += 1) await new Promise(setImmediate);
      await t.auth.administration.disableUser(id);
      const answers = await Promise.all(logins);
      assert.ok(answers.every(({ status }) => status === 200 || status === 400));
      const live = (await t.rows("sessions")).filter((session) => session.ended_at === null);
      assert.deepEqual(live, []);
      assert.equal((await login(t)).status, 400);
    }
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await ada.signIn();
      const id = await idOf(t, ada.email);
      return () => t.auth.administration.disableUser(id);
    });
    await sweep(async (t) => {
      const { id } = await create(t);
      await t.auth.administration.disableUser(id);
      return () => t.auth.administration.enableUser(id);
    });
  });
});

describe("setting somebody's password", () => {
  it("signs the account out everywhere, ends its reset link, and tells its owner", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access } = await ada.signIn();
    await t.auth.passwordReset.request(ada.email);
    const token = await t.linkToken("reset-password", ada.email);
    await t.auth.administration.setUserPassword(await idOf(t, ada.email), password);
    assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 401);
    assert.equal((await ada.login()).status, 400);
    assert.equal((await ada.login(password)).status, 200);
    await assert.rejects(t.auth.passwordReset.complete(token, "Another-Harbour-10"));
    assert.ok((await t.happened()).includes("password.set"));
    assert.ok((await t.mailbox()).some(({ mail, to }) => mail === "password-changed" && to === ada.email));
  });

  it("ends every way to a first password that its owner was mailed or shown", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const ways = await waysToPassword(t, ada.email);
    await t.auth.administration.setUserPassword(await idOf(t, ada.email), password);
    for (const token of ways)
      await assert.rejects(t.auth.passwordReset.complete(token, "Another-Harbour-10"));
    assert.equal((await ada.login(password)).status, 200);
  });

  it("holds it to the policy and the account's own names, and changes nothing if it will not do", async () => {
    await using t = await testAuth();
    const { id } = await create(t);
    for (const bad of ["password1234", "ada@example.org", "x".repeat(300), "", "a\0b-Harbour-9"])
      await assert.rejects(t.auth.administration.setUserPassword(id, bad), FieldsInvalid);
    assert.equal((await login(t)).status, 200);
    assert.ok(!(await t.happened()).includes("password.set"));
  });

  it("leaves no live session behind, however many sign-ins with the old one are under way", async () => {
    for (let round = 0; round < 5; round += 1) {
      await using t = await testAuth();
      const { id } = await create(t);
      const logins = Array.from({ length: 6 }, () => login(t));
      for (let turn = 0; turn < round * 3; turn += 1) await new Promise(setImmediate);
      await t.auth.administration.setUserPassword(id, "Another-Harbour-10");
      await Promise.all(logins);
      assert.deepEqual(
        (await t.rows("sessions")).filter((session) => session.ended_at === null),
        [],
      );
    }
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await ada.signIn();
      await t.auth.passwordReset.request(ada.email);
      await t.mailbox();
      const id = await idOf(t, ada.email);
      return () => t.auth.administration.setUserPassword(id, password);
    });
  });
});

describe("verifying somebody's address", () => {
  it("lets the account in, and the second time changes nothing", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const id = await idOf(t, ada.email);
    assert.equal(await t.auth.administration.verifyUser(id), true);
    assert.equal((await ada.login()).status, 200);
    assert.ok((await t.happened()).includes("email.verified"));
    assert.equal(await t.auth.administration.verifyUser(id), false);
  });

  it("believes no password of an address that was registered with two", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    await t.person({ email: ada.email, verified: false });
    await t.auth.administration.verifyUser(await idOf(t, ada.email));
    assert.equal((await ada.login()).status, 400);
    await t.linkToken("reset-password", ada.email);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person({ verified: false });
      const id = await idOf(t, ada.email);
      return () => t.auth.administration.verifyUser(id);
    });
  });
});

describe("deleting somebody's account", () => {
  it("takes everything along that its owner's own deletion takes", async () => {
    const left = await Promise.all(
      [true, false].map(async (isByOwner) => {
        await using t = await testAuth();
        const ada = await t.person();
        const { access } = await ada.signIn();
        await t.auth.passwordReset.request(ada.email);
        const id = await idOf(t, ada.email);
        if (isByOwner)
          await t.http.delete("/api/auth/account/", { password: ada.password }, { token: access });
        else await t.auth.administration.deleteUser(id);
        const { accounts, sessions, one_time_tokens, outbox, registration_attempts } = await t.snapshot();
        const trail = await t.rows("audit");
        assert.ok(trail.every((row) => row.account_id !== id || row.address === ""));
        assert.ok((await t.happened()).includes("account.deleted"));
        return { accounts, sessions, one_time_tokens, outbox: outbox?.length, registration_attempts };
      }),
    );
    assert.deepEqual(left[1], left[0]);
    assert.deepEqual(left[1]?.accounts, []);
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(async (t) => {
      const ada = await t.person();
      await ada.signIn();
      const id = await idOf(t, ada.email);
      return async () => {
        await t.auth.administration.deleteUser(id);
      };
    });
  });

  it("is told of an account that does not exist, like every other change", async () => {
    await using t = await testAuth();
    const { disableUser, enableUser, setUserPassword, verifyUser, deleteUser } = t.auth.administration;
    for (const change of [disableUser, enableUser, verifyUser, deleteUser])
      await assert.rejects(change(nobody), NotFound);
    await assert.rejects(setUserPassword(nobody, password), NotFound);
    assert.deepEqual(await t.happened(), []);
  });
});
