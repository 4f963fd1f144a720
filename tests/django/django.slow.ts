/** A Django service and ours take each other's tokens, and ours takes Django's hashes: what a move rests on. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { accountsIn } from "../../packages/server/src/core/accounts/accounts.ts";
import { testAuth, testSecret } from "../../packages/server/src/testing/test-auth.ts";
import { startDjango } from "./django.ts";

const profile = "/api/auth/profile/";
/** Django reads the real clock, so our test's must show the same time. */
const untilNow = (clock: { now: () => Date; advance: (by: number) => void }) =>
  clock.advance(Date.now() - clock.now().getTime());

describe("a Django service with the same SECRET_KEY", () => {
  it("takes our access tokens unchanged, and none of the others", async () => {
    await using t = await testAuth();
    untilNow(t.clock);
    const django = startDjango({ secret: testSecret });
    const { access, refresh } = await (await t.person()).signIn();
    const { body } = await t.http.get(profile, { token: access });
    assert.deepEqual(await django.ask({ do: "authenticate", token: access }), { user_id: body.id });
    assert.match((await django.ask({ do: "authenticate", token: refresh })).refused ?? "", /token/i);
    assert.ok((await django.ask({ do: "authenticate", token: `${access.slice(0, -8)}AAAAAAAA` })).refused);
    await django.stop();
  });

  it("has its own live tokens taken by us: access until it expires, refresh once", async () => {
    await using t = await testAuth();
    untilNow(t.clock);
    const django = startDjango({ secret: testSecret });
    const { access } = await (await t.person()).signIn();
    const { id } = (await t.http.get(profile, { token: access })).body;
    const theirs = await django.ask({ do: "issue", user_id: id });
    assert.equal((await t.http.get(profile, { token: theirs.access ?? "" })).body.id, id);
    const exchanged = await t.http.post("/api/auth/token/refresh/", { refresh: theirs.refresh });
    assert.equal(exchanged.status, 200, exchanged.text);
    t.clock.advance("1m");
    const refresh = (token: unknown) => t.http.post("/api/auth/token/refresh/", { refresh: token });
    // Its answer may have got lost: until the successor was used, it is the same one.
    const again = await refresh(theirs.refresh);
    assert.deepEqual([again.status, again.body.refresh], [200, exchanged.body.refresh]);
    assert.equal((await refresh(exchanged.body.refresh)).status, 200);
    assert.equal((await refresh(theirs.refresh)).status, 401);
    await django.stop();
  });
});

describe("a Django service that fetches our keys", () => {
  for (const algorithm of ["ES256", "RS256"] as const) {
    it(`takes access tokens signed with ${algorithm}`, async () => {
      await using t = await testAuth({ environment: { JWT_ALGORITHM: algorithm } });
      untilNow(t.clock);
      const keySet = createServer((_request, answer) => {
        void t.http.get("/.well-known/jwks.json").then(({ text }) => answer.end(text));
      }).listen(0, "127.0.0.1");
      await once(keySet, "listening");
      const { port } = keySet.address() as AddressInfo;
      const simple_jwt = {
        ALGORITHM: algorithm,
        JWK_URL: `http://127.0.0.1:${port}/.well-known/jwks.json`,
        ISSUER: "http://localhost:8000",
      };
      const django = startDjango({ secret: "not-the-secret-of-the-auth-server-0123456789", simple_jwt });
      const { access } = await (await t.person()).signIn();
      const { body } = await t.http.get(profile, { token: access });
      assert.deepEqual(await django.ask({ do: "authenticate", token: access }), { user_id: body.id });
      await django.stop();
      keySet.close();
    });
  }
});

describe("passwords hashed by Django", () => {
  for (const algorithm of ["pbkdf2_sha256", "argon2", "bcrypt_sha256", "pbkdf2_sha1"]) {
    it(`sign in with ${algorithm}, and are upgraded`, async () => {
      await using t = await testAuth();
      const ada = await t.person();
      const django = startDjango({ secret: testSecret });
      const { hash } = await django.ask({ do: "hash", password: ada.password, algorithm });
      await django.stop();
      await accountsIn(t.ctx)
        .updateTable("accounts")
        .set({ password_hash: hash ?? null })
        .execute();
      assert.equal((await ada.login("another password")).status, 400);
      await ada.signIn();
      const [row] = await t.rows("accounts");
      assert.match(String(row?.password_hash), /^\$argon2id\$v=19\$m=8,t=1,p=1\$/);
      assert.equal((await ada.login()).status, 200);
    });
  }
});
