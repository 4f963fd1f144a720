/** A key that leaked: what its end ends, from when on, and who signs next. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rounds } from "../../testing/rounds.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { isGood, keyIdOf, opens, payloadOf, refresh } from "../../testing/tokens.ts";
import { signCompact } from "../tokens/jws.ts";
import { getNextKey, privateHalf, type RingKey, readKeys, retireKey, rotateKeys } from "./ring.ts";

const options = { environment: { JWT_ALGORITHM: "ES256" } };

/** The keys that are believed, the oldest first. */
const ring = async (t: TestAuth) => (await readKeys(t.ctx)).map((key) => key.keyId);

async function rotate(t: TestAuth): Promise<void> {
  assert.ok(await rotateKeys(t.ctx, await getNextKey(t.ctx, "ES256")));
}

/** Signs as whoever has the private half could. */
function forge(t: TestAuth, key: RingKey, claims: Readonly<Record<string, unknown>>): string {
  return signCompact(claims, { algorithm: key.algorithm, keyId: key.keyId, key: privateHalf(t.ctx, key) });
}

describe("the end of a key", () => {
  it("is the end of its tokens at once, also on a node that has just read the ring", async () => {
    await using t = await testAuth(options);
    const { access, refresh: token } = await (await t.person()).signIn();
    await using other = await t.restart();
    assert.equal(await opens(other, access), true);
    assert.equal(await retireKey(t.ctx, keyIdOf(access) ?? ""), true);
    for (const node of [t, other]) {
      assert.deepEqual([await opens(node, access), await isGood(node, access)], [false, false]);
      await node.http.post("/api/auth/logout/", {}, { token: access });
    }
    const renewed = await refresh(other, token);
    assert.equal(renewed.status, 200, "nobody has to sign in again, nor can the key sign anybody out");
    for (const node of [t, other]) assert.equal(await opens(node, renewed.body.access), true);
  });

  it("is the end of its tokens whose time is over, too: they sign nobody out any more", async () => {
    await using t = await testAuth(options);
    const { access, refresh: token } = await (await t.person()).signIn();
    await using other = await t.restart();
    t.clock.advance("895s");
    assert.equal(await opens(other, access), true);
    await retireKey(t.ctx, keyIdOf(access) ?? "");
    t.clock.advance("6s");
    await other.http.post("/api/auth/logout/", {}, { token: access });
    assert.equal((await refresh(other, token)).status, 200);
  });

  it("comes at once to a node whose clock is behind, and the next one's turn as well", async () => {
    await using t = await testAuth(options);
    await using behind = await testAuth({ ...options, database: t.database });
    const ada = await behind.person();
    const { access } = await ada.signIn();
    const [first = "", second] = await ring(t);
    t.clock.advance("5s");
    assert.equal(keyIdOf(access), first);
    await retireKey(t.ctx, first);
    await getNextKey(t.ctx, "ES256");
    assert.equal(await opens(behind, access), false);
    const again = await ada.signIn();
    assert.equal(keyIdOf(again.access), second);
    for (const node of [t, behind]) assert.equal(await opens(node, again.access), true);
  });

  it("lets the next one sign at once, on every node, which services know already", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const { access } = await ada.signIn();
    await using other = await t.restart();
    const [first, second] = await ring(other);
    assert.equal(await retireKey(t.ctx, first ?? ""), true);
    const body = { email: ada.email, password: ada.password };
    const again = (await other.http.post("/api/auth/login/", body)).body;
    assert.deepEqual([keyIdOf(access), keyIdOf(again.access)], [first, second]);
    assert.equal((await ring(t)).length, 2, "and another one is published");
  });

  it("while the next one waits for the half minute to pass leaves nobody without a token", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    await ada.signIn();
    const [first = "", second] = await ring(t);
    await rotate(t);
    await retireKey(t.ctx, first);
    assert.equal(keyIdOf((await ada.signIn()).access), second);
  });

  it("that was to sign in half a minute lets the one after it sign", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const before = await ada.signIn();
    await rotate(t);
    const [, second = "", third] = await ring(t);
    await retireKey(t.ctx, second);
    assert.equal(keyIdOf((await ada.signIn()).access), third);
    assert.equal(await opens(t, before.access), true, "the one before is believed until it is over");
    assert.equal((await ring(t)).length, 3);
  });

  it("that nothing signs with any more, or not yet, changes nothing of who signs", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    await ada.signIn();
    await rotate(t);
    t.clock.advance("30s");
    const [first = "", second, third = ""] = await ring(t);
    await retireKey(t.ctx, first);
    await retireKey(t.ctx, third);
    assert.equal(keyIdOf((await ada.signIn()).access), second);
    const next = await getNextKey(t.ctx, "ES256");
    assert.ok(![first, second, third].includes(next.keyId));
  });

  it("that is next is the end of its turn, though a rotation to it is under way", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const { access } = await ada.signIn();
    const next = await getNextKey(t.ctx, "ES256");
    await retireKey(t.ctx, next.keyId);
    assert.equal(await rotateKeys(t.ctx, next), undefined);
    t.clock.advance("30s");
    assert.equal(keyIdOf((await ada.signIn()).access), keyIdOf(access));
    assert.equal((await t.rows("signing_keys")).filter((key) => key.retires_at === null).length, 2);
  });

  it("leaves the ring in order: it rotates as before", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    for (let turn = 0; turn < 3; turn += 1) {
      const { access } = await ada.signIn();
      await retireKey(t.ctx, keyIdOf(access) ?? "");
      const next = await getNextKey(t.ctx, "ES256");
      await rotate(t);
      t.clock.advance("30s");
      assert.equal(keyIdOf((await ada.signIn()).access), next.keyId);
      t.clock.advance("21m");
      assert.deepEqual((await ring(t)).slice(0, 1), [next.keyId], "and those before are gone");
    }
  });

  it("of all of them at once is no end of signing", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const { access } = await ada.signIn();
    for (const id of await ring(t)) await retireKey(t.ctx, id);
    assert.deepEqual(await ring(t), []);
    await using other = await t.restart();
    const tokens = await Promise.all([ada.signIn(), ada.signIn(), ada.signIn()]);
    for (const one of tokens) assert.equal(await opens(other, one.access), true);
    assert.equal(await opens(other, access), false);
    assert.equal((await ring(t)).length, 2);
  });

  it("comes once, is recorded once, and an unknown key has none", async () => {
    await using t = await testAuth(options);
    await (await t.person()).signIn();
    const [first = ""] = await ring(t);
    const ended = await Promise.all([1, 2, 3].map(() => retireKey(t.ctx, first)));
    assert.equal(ended.filter(Boolean).length, 1);
    assert.equal(await retireKey(t.ctx, first), false);
    assert.equal(await retireKey(t.ctx, "unknown"), false);
    assert.equal((await t.happened()).filter((name) => name === "key.retired").length, 1);
  });

  it("at the same moment as a rotation leaves one key that signs, whichever comes first", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const count = rounds(5, 50);
    for (let round = 0; round < count; round += 1) {
      const { access } = await ada.signIn();
      await using other = await t.restart();
      const ending = keyIdOf(access) ?? "";
      const next = await getNextKey(t.ctx, "ES256");
      const acts = [() => rotateKeys(t.ctx, next), () => retireKey(other.ctx, ending)];
      await Promise.all((round % 2 === 0 ? acts : acts.toReversed()).map((act) => act()));
      assert.equal(await opens(t, access), false);
      for (const wait of [0, "31s"]) {
        t.clock.advance(wait);
        const again = await ada.signIn();
        assert.equal(keyIdOf(again.access), next.keyId);
        assert.equal(await opens(other, again.access), true);
      }
      const signing = (await t.rows("signing_keys")).filter((key) => key.retires_at === null);
      assert.equal(signing.length, 2);
      t.clock.advance("21m");
    }
  });

  it("leaves all or nothing, whichever statement fails", async () => {
    await sweep(
      async (t) => {
        await (await t.person()).signIn();
        const [first = ""] = await ring(t);
        return async () => {
          await retireKey(t.ctx, first);
          const keys = await t.rows("signing_keys");
          assert.equal(keys.filter((key) => key.signs_from !== null && key.retires_at === null).length, 1);
        };
      },
      { ...options, mayLeaveTraces: true },
    );
  });
});

describe("whoever has a private half", () => {
  it("makes no refresh token, no token of the original, and none for a session that is not", async () => {
    await using t = await testAuth(options);
    const { access, refresh: token } = await (await t.person()).signIn();
    const [key] = await readKeys(t.ctx);
    assert.ok(key);
    const { sid: _sid, ...without } = payloadOf(access);
    const sessionless = [forge(t, key, without), forge(t, key, { ...without, token_type: "refresh" })];
    const elsewhere = forge(t, key, { ...payloadOf(access), sid: "00000000-0000-4000-8000-000000000000" });
    for (const forged of [...sessionless, elsewhere, forge(t, key, payloadOf(token))]) {
      assert.deepEqual([await opens(t, forged), await isGood(t, forged)], [false, false]);
      assert.equal((await refresh(t, forged)).status, 401);
      await t.http.post("/api/auth/logout/", { refresh: forged, scope: "all" });
    }
    assert.equal(await opens(t, access), true, "nor signs anybody out");
    assert.equal(await opens(t, forge(t, key, payloadOf(access))), true, "the forger's hand is good");
  });
});
