import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const form = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
const submit = (t: TestAuth, path: string, body = "") => t.http.post(path, body, { headers: form });

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
    const ada = await t.person({ verified: false });
    const rival = { ...{ email: ada.email, username: "rival", first_name: "", last_name: "" } };
    const password = "A-Strangers-Password-1";
    await t.http.post("/api/auth/register/", { ...rival, password, password2: password });
    const done = await submit(t, `/verify-email/${await t.linkToken("verify-email", ada.email)}/`);
    const next = /href="(\/reset-password\/[0-9a-f-]{36}\/)"/.exec(done.text)?.[1] ?? "";
    await t.mailbox();
    const chosen = "password=Chosen-By-Its-Owner-5&again=Chosen-By-Its-Owner-5";
    assert.match((await submit(t, next, chosen)).text, /Password changed/);
    assert.equal((await ada.login("Chosen-By-Its-Owner-5")).status, 200);
    for (const other of [ada.password, password]) assert.equal((await ada.login(other)).status, 400);
    assert.equal((await submit(t, next, chosen)).status, 400);
  });

  it("gives a used link's second press no way to a password", async () => {
    await using t = await testAuth();
    const ada = await t.person({ verified: false });
    const password = "A-Strangers-Password-1";
    const rival = {
      email: ada.email,
      username: "rival",
      first_name: "",
      last_name: "",
      password,
      password2: password,
    };
    await t.http.post("/api/auth/register/", rival);
    const path = `/verify-email/${await t.linkToken("verify-email", ada.email)}/`;
    await submit(t, path);
    const again = await submit(t, path);
    assert.equal(again.status, 200);
    assert.doesNotMatch(again.text, /reset-password/);
  });
});
