import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { testAuth } from "../../testing/test-auth.ts";
import { getNextKey, listKeys, rotateKeys } from "./ring.ts";

const profile = "/api/auth/profile/";

for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
  describe(`signing access tokens with ${algorithm}`, () => {
    it("gives tokens that any library verifies with the published keys", async () => {
      await using t = await testAuth({ environment: { JWT_ALGORITHM: algorithm } });
      const { access } = await (await t.person()).signIn();
      const published = await t.http.get("/.well-known/jwks.json");
      assert.equal(published.headers.get("cache-control"), "public, max-age=300");
      const { payload } = await jwtVerify(access, createLocalJWKSet(published.body), {
        issuer: "http://localhost:8000",
        algorithms: [algorithm],
        currentDate: t.clock.now(),
      });
      assert.equal(payload.token_type, "access");
      assert.equal((await t.http.get(profile, { token: access })).status, 200);
    });

    it("publishes public halves only, and never SECRET_KEY", async () => {
      await using t = await testAuth({ environment: { JWT_ALGORITHM: algorithm } });
      const { body } = await t.http.get("/.well-known/jwks.json");
      assert.equal(body.keys.length, 2);
      for (const key of body.keys) {
        assert.deepEqual([key.use, key.alg, typeof key.kid], ["sig", algorithm, "string"]);
        for (const member of ["d", "p", "q", "dp", "dq", "qi", "k"]) assert.equal(key[member], undefined);
      }
      for (const row of await t.rows("signing_keys")) assert.doesNotMatch(String(row.private_key), /PRIVATE/);
    });

    it("rotates without one failed request: old tokens work until they expire, new ones carry the key published before", async () => {
      await using t = await testAuth({ environment: { JWT_ALGORITHM: algorithm } });
      const ada = await t.person();
      const before = await ada.signIn();
      const next = await getNextKey(t.ctx, algorithm);
      await rotateKeys(t.ctx, next);
      assert.equal((await t.http.get(profile, { token: before.access })).status, 200);
      const meanwhile = await ada.signIn();
      assert.equal(decodeProtectedHeader(meanwhile.access).kid, decodeProtectedHeader(before.access).kid);
      t.clock.advance("30s");
      const after = await ada.signIn();
      assert.equal(decodeProtectedHeader(after.access).kid, next.keyId);
      for (const { access } of [before, meanwhile, after]) {
        assert.equal((await t.http.get(profile, { token: access })).status, 200);
      }
      t.clock.advance("25m");
      assert.equal(
        (await listKeys(t.ctx)).some((key) => key.keyId === decodeProtectedHeader(before.access).kid),
        false,
      );
    });
  });
}

describe("the key ring", () => {
  it("makes two keys, however many ask for the first at once", async () => {
    await using t = await testAuth({ environment: { JWT_ALGORITHM: "ES256" } });
    await Promise.all(Array.from({ length: 20 }, () => t.http.get("/.well-known/jwks.json")));
    assert.equal((await t.rows("signing_keys")).length, 2);
    assert.deepEqual(await t.happened(), ["key.created", "key.created"]);
  });

  it("publishes no key for HS256", async () => {
    await using t = await testAuth();
    assert.deepEqual((await t.http.get("/.well-known/jwks.json")).body, { keys: [] });
  });
});
