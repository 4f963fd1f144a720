import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { hashQueue } from "../../core/passwords/passwords.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { verificationMail } from "../email-verification/mail.ts";
import { removeUnconfirmed, removingUnconfirmed } from "./expiry.ts";

const run = (t: TestAuth) => removingUnconfirmed.run(t.ctx);
const emails = async (t: TestAuth) => (await t.rows("accounts")).map(({ email }) => email);

describe("a registration that nobody verifies", () => {
  it("goes after seven days with all that hangs on it, and its username is free again", async () => {
    await using t = await testAuth();
    const eve = await t.person({ username: "ada", email: "eve@example.org", verified: false });
    await t.mailbox();
    t.clock.advance("7d");
    t.clock.advance(-1);
    await run(t);
    assert.deepEqual(await emails(t), [eve.email]);
    t.clock.advance(1);
    await run(t);
    assert.deepEqual(await emails(t), []);
    for (const table of ["registration_attempts", "one_time_tokens", "outbox"])
      assert.deepEqual(await t.rows(table), [], table);
    assert.deepEqual((await t.happened()).slice(-2), ["registration.expired", "account.deleted"]);
    const ada = await t.person({ username: "ada", email: "ada@example.org" });
    assert.equal((await ada.login()).status, 200);
  });

  it("stays while a link that was mailed later still works, and goes when that is over", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    await t.mailbox();
    t.clock.advance("6d");
    t.clock.advance("12h");
    await t.http.post("/api/auth/verify-email/resend/", { email: ada.email });
    const token = await t.linkToken("verify-email", ada.email);
    t.clock.advance("12h");
    await run(t);
    assert.equal((await t.http.post(`/api/auth/verify-email/${token}/`)).status, 200);
    t.clock.advance("30d");
    await run(t);
    assert.equal((await ada.login()).status, 200, "verified, it stays");
    const bob = await t.person({ verified: false });
    await t.mailbox();
    t.clock.advance("6d");
    t.clock.advance("12h");
    await t.http.post("/api/auth/verify-email/resend/", { email: bob.email });
    await t.mailbox();
    t.clock.advance("12h");
    await run(t);
    t.clock.advance("24h");
    await run(t);
    assert.deepEqual(await emails(t), [ada.email]);
  });

  it("stays while a link to a new password still works, which would verify it as well", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    await t.mailbox();
    t.clock.advance("7d");
    t.clock.advance(-60_000);
    await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
    const token = await t.linkToken("reset-password", ada.email);
    t.clock.advance(60_000);
    await run(t);
    const values = { token, new_password: "Quiet-Meadow-58", new_password_confirm: "Quiet-Meadow-58" };
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", values)).status, 200);
    t.clock.advance("30d");
    await run(t);
    assert.deepEqual(await emails(t), [ada.email]);
  });

  it("stays when an operator shut it: gone, the address could be registered anew", async () => {
    await using t = await testAuth();
    const eve = await t.person({ verified: false });
    await t.mailbox();
    const [row] = await t.rows("accounts");
    await t.auth.administration.disableUser(String(row?.id));
    t.clock.advance("30d");
    await run(t);
    assert.deepEqual(await emails(t), [eve.email]);
    await t.auth.administration.enableUser(String(row?.id));
    t.clock.advance("1d");
    await run(t);
    assert.deepEqual(await emails(t), []);
  });

  it("lets others have a turn between one and the next, however many are due", async () => {
    await using t = await testAuth();
    for (let n = 0; n < 4; n += 1) await t.person({ verified: false });
    await t.mailbox();
    t.clock.advance("8d");
    let turns = 0;
    let isOver = false;
    const countTurn = () => {
      turns += 1;
      if (!isOver) setImmediate(countTurn);
    };
    setImmediate(countTurn);
    await run(t);
    isOver = true;
    assert.ok(turns >= 4, `${turns} turns`);
  });

  it("is made anew by who registers its address again just as it goes", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    await t.mailbox();
    t.clock.advance("8d");
    const { started } = hashQueue(t.ctx);
    const again = t.person({ email: ada.email, username: "other", verified: false });
    while (hashQueue(t.ctx).started === started) await nextTurn();
    await run(t);
    await again;
    assert.deepEqual(await emails(t), [ada.email]);
    assert.ok(await t.linkToken("verify-email", ada.email));
  });

  it("stays while a mail with a link is being written at the same moment", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    await t.mailbox();
    t.clock.advance("8d");
    const order = { at: t.clock.now(), address: "", userAgent: "" };
    const begun = Promise.withResolvers<void>();
    const removing = begun.promise.then(() => run(t));
    await t.ctx.transaction(async (ctx) => {
      await verificationMail.compose(ctx, { to: ada.email, data: {}, language: "en", askedFrom: order });
      begun.resolve();
      // Time for it to come as far as it can: what is left must be the same, however far that is.
      for (let n = 0; n < 100; n += 1) await pause(1);
    });
    await removing;
    assert.deepEqual(await emails(t), [ada.email]);
  });

  it("begins its seven days anew when the address is registered again", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    t.clock.advance("6d");
    await t.person({ email: ada.email, username: "other", verified: false });
    t.clock.advance("6d");
    await run(t);
    assert.deepEqual(await emails(t), [ada.email]);
    t.clock.advance("1d");
    await run(t);
    assert.deepEqual(await emails(t), []);
  });

  it("stays for ever when it was no registration: an operator made it, or it came along", async () => {
    await using t = await testAuth();
    const values = { email: "ada@example.org", username: "ada", password: "Blue-Harbour-71" };
    const user = await t.auth.administration.readNewUser({ ...values, first_name: "", last_name: "" });
    await t.auth.administration.createUser(user, { isVerified: false });
    await t.person({ email: values.email, username: "other", verified: false });
    t.clock.advance("365d");
    await run(t);
    assert.deepEqual(await emails(t), [values.email]);
  });

  it("stays when it is verified just after it was found to be due", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const [row] = await t.rows("accounts");
    t.clock.advance("8d");
    await t.auth.administration.verifyUser(String(row?.id));
    await removeUnconfirmed(t.ctx, String(row?.id));
    assert.deepEqual(await emails(t), [ada.email]);
  });

  it("is removed once by two nodes that look at the same moment", async () => {
    await using t = await testAuth();
    for (let n = 0; n < 5; n += 1) await t.person({ verified: false });
    t.clock.advance("8d");
    await using other = await t.restart();
    await Promise.all([run(t), run(other), run(t)]);
    assert.deepEqual(await emails(t), []);
    assert.equal((await t.happened()).filter((name) => name === "registration.expired").length, 5);
  });

  it("is there or gone as a whole, whichever statement fails", async () => {
    await sweep(async (t) => {
      await t.person({ verified: false });
      await t.mailbox();
      t.clock.advance("8d");
      return () => run(t);
    });
  });
});
