import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const dead = "0b7e4c1a-6f0d-4a53-9d35-2f6a1c8e7b90";

async function resetLink(t: TestAuth): Promise<string> {
  const ada = await t.person();
  await t.auth.passwordReset.request(ada.email);
  return t.linkToken("reset-password", ada.email);
}

describe("the page behind a reset link", () => {
  it("says what a password must be before one is thought up, in as many characters as the operator asks for", async () => {
    await using t = await testAuth({ environment: { PASSWORD_MIN_LENGTH: "15" } });
    const token = await resetLink(t);
    const page = await t.http.get(`/reset-password/${token}/`);
    assert.equal(page.status, 200);
    assert.match(page.text, /<p class="soft" id="rules">At least 15 characters/);
    assert.match(page.text, /<input id="password"[^>]* aria-describedby="rules">/);
  });

  it("shows no form for a link that is unknown, used or too old", async () => {
    await using t = await testAuth();
    const [used, old] = [await resetLink(t), await resetLink(t)];
    await t.auth.passwordReset.complete(used, "Green-Valley-82");
    t.clock.advance("60m");
    for (const token of [dead, used, old, "x"]) {
      const page = await t.http.get(`/reset-password/${token}/`);
      assert.equal(page.status, 404, token);
      assert.match(page.text, /This link does not work any more/);
      assert.doesNotMatch(page.text, /<form/);
      const way = /href="[./]*(\/[a-z-]+\/)"/.exec(page.text)?.[1] ?? assert.fail("a dead end");
      assert.match((await t.http.get(way)).text, /<form method="post" action="\.\.\/forgot-password\/">/);
    }
  });

  it("has the focus on the field that is wrong, and says so in its title", async () => {
    await using t = await testAuth();
    const path = `/reset-password/${await resetLink(t)}/`;
    const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
    const invalid = async (body: string) => {
      const { status, text } = await t.http.post(path, body, { headers });
      assert.equal(status, 400);
      assert.match(text, /<title>Error: Choose a new password/);
      assert.equal(text.match(/autofocus/g)?.length, 1);
      return /<input id="(\w+)"[^>]* aria-invalid="true" aria-describedby="\w+-errors" autofocus>/.exec(
        text,
      )?.[1];
    };
    assert.equal(await invalid("password=password1&again=password1"), "password");
    assert.equal(await invalid("password=Green-Valley-82&again=Green-Valley-83"), "again");
    assert.doesNotMatch((await t.http.get(path)).text, /autofocus|Error/);
  });
});
