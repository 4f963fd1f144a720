import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const form = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
const submit = (t: TestAuth, path: string, body = "") => t.http.post(path, body, { headers: form });
const strange = "A-Strangers-Password-1";
const chosen = "Chosen-By-Its-Owner-5";
const choose = (t: TestAuth, path: string, password = chosen) =>
  submit(t, path, `password=${password}&again=${password}`);

/** Somebody whose address a stranger registered too, verified by the newer of two links; and where that leads. */
async function verifyDisputed(t: TestAuth) {
  const ada = await t.person({ verified: false });
  const link = async () => `/verify-email/${await t.linkToken("verify-email", ada.email)}/`;
  const older = await link();
  await t.auth.registration.register({
    ...{ email: ada.email, username: `not-${ada.username}`, password: strange, fields: {} },
  });
  const newer = await link();
  const { text } = await submit(t, newer);
  const next =
    /href="\.\.\/\.\.(\/reset-password\/[0-9a-f-]{36}\/)"/.exec(text)?.[1] ??
    assert.fail("no way to a password");
  return { ada, next, links: [newer, older] };
}

describe("the page behind a verification link", () => {
  it("changes nothing when it is opened, and verifies when its button is pressed", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const path = `/verify-email/${await t.linkToken("verify-email", ada.email)}/`;
    assert.equal((await t.http.get(path)).status, 200);
    assert.equal((await ada.login()).status, 400);
    const done = await submit(t, path);
    assert.match(done.text, /Email confirmed/);
    assert.equal((await ada.login()).status, 200);
  });

  it("asks for a password at once where a stranger had registered the address too", async () => {
    await using t = await testAuth();
    const { ada, next } = await verifyDisputed(t);
    await t.mailbox();
    assert.match((await choose(t, next)).text, /Password changed/);
    assert.equal((await ada.login(chosen)).status, 200);
    for (const other of [ada.password, strange]) assert.equal((await ada.login(other)).status, 400);
    assert.equal((await choose(t, next)).status, 400);
  });

  it("gives as much time for that password as a mailed link does, to the last millisecond", async () => {
    await using t = await testAuth();
    const [inTime, late] = [await verifyDisputed(t), await verifyDisputed(t)];
    t.clock.advance(3_600_000 - 1);
    assert.match((await choose(t, inTime.next)).text, /Password changed/);
    t.clock.advance(1);
    assert.equal((await choose(t, late.next)).status, 400);
    assert.equal((await late.ada.login(chosen)).status, 400);
  });

  it("leaves one way to a password of two: what was mailed and what was shown die together", async () => {
    await using t = await testAuth();
    for (const way of ["mailed", "shown"]) {
      const { ada, next } = await verifyDisputed(t);
      const mailed = `/reset-password/${await t.linkToken("reset-password", ada.email)}/`;
      const [first, second] = way === "mailed" ? [mailed, next] : [next, mailed];
      assert.match((await choose(t, first)).text, /Password changed/);
      assert.equal((await choose(t, second, "Another-Owners-Password-6")).status, 400, way);
      assert.equal((await ada.login(chosen)).status, 200);
    }
  });

  it("gives a second press no way to a password, be it of the used link or of an older one", async () => {
    await using t = await testAuth();
    const { links } = await verifyDisputed(t);
    for (const path of links) {
      const again = await submit(t, path);
      assert.match(again.text, /Email confirmed/);
      assert.doesNotMatch(again.text, /reset-password/);
    }
  });
});
