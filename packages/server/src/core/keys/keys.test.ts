import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { testAuth } from "../../testing/test-auth.ts";
import { listKeys, retireKey, rotateKeys } from "./ring.ts";

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
      const next = (await listKeys(t.ctx)).find((key) => key.signsFrom === null);
      const rotated = await rotateKeys(t.ctx, algorithm);
      assert.equal(rotated?.keyId, next?.keyId);
      assert.equal((await t.http.get(profile, { token: before.access })).status, 200);
      const meanwhile = await ada.signIn();
      assert.equal(decodeProtectedHeader(meanwhile.access).kid, decodeProtectedHeader(before.access).kid);
      t.clock.advance("30s");
      const after = await ada.signIn();
      assert.equal(decodeProtectedHeader(after.access).kid, next?.keyId);
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
  });

  it("disbelieves a retired key and its tokens at once", async () => {
    await using t = await testAuth({ environment: { JWT_ALGORITHM: "ES256" } });
    const { access } = await (await t.person()).signIn();
    assert.equal(await retireKey(t.ctx, String(decodeProtectedHeader(access).kid)), true);
    assert.equal((await t.http.get(profile, { token: access })).status, 401);
    assert.equal((await t.http.post("/api/auth/token/verify/", { token: access })).status, 401);
  });

  it("signs again after the only signing key was retired", async () => {
    await using t = await testAuth({ environment: { JWT_ALGORITHM: "ES256" } });
    const ada = await t.person();
    const { access } = await ada.signIn();
    await retireKey(t.ctx, String(decodeProtectedHeader(access).kid));
    const again = await ada.signIn();
    assert.equal((await t.http.get(profile, { token: again.access })).status, 200);
  });

  it("publishes no key for HS256", async () => {
    await using t = await testAuth();
    assert.deepEqual((await t.http.get("/.well-known/jwks.json")).body, { keys: [] });
  });
});

describe("changing SECRET_KEY", () => {
  it("keeps everything working while the old one is named as a fallback", async () => {
    await using t = await testAuth({ environment: { JWT_ALGORITHM: "ES256" } });
    const { access, refresh } = await (await t.person()).signIn();
    await t.auth.checkSecret();
    const secretKeyFallbacks = [t.ctx.config.secretKey];
    await using moved = await t.restart({
      secretKey: "another-secret-of-the-tests-0123456789-abcdef",
      secretKeyFallbacks,
    });
    await moved.auth.checkSecret();
    assert.equal((await moved.http.get(profile, { token: access })).status, 200);
    assert.equal((await moved.http.post("/api/auth/token/refresh/", { refresh })).status, 200);
  });

  it("seals the signing keys anew, so that the fallback can go once its tokens have expired", async () => {
    await using t = await testAuth({ environment: { JWT_ALGORITHM: "ES256" } });
    const { access } = await (await t.person()).signIn();
    await t.auth.checkSecret();
    const secretKey = "another-secret-of-the-tests-0123456789-abcdef";
    await using moved = await t.restart({ secretKey, secretKeyFallbacks: [t.ctx.config.secretKey] });
    await moved.auth.checkSecret();
    await using alone = await t.restart({ secretKey });
    await alone.auth.checkSecret();
    assert.equal((await alone.http.get(profile, { token: access })).status, 200);
    assert.equal((await (await alone.person({ username: "grace" })).login()).status, 200);
  });

  it("is told, and changes nothing, when the old one is not named", async () => {
    await using t = await testAuth();
    await t.auth.checkSecret();
    const before = await t.snapshot();
    await using moved = await t.restart({ secretKey: "another-secret-of-the-tests-0123456789-abcdef" });
    await assert.rejects(
      moved.auth.checkSecret(),
      /made with secret [0-9a-f]{8}, the configured one is [0-9a-f]{8}/,
    );
    assert.deepEqual(await t.snapshot(), before);
  });
});
