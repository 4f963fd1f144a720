import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AroundStatement } from "../../platform/database/dialect.ts";
import { minutes, seconds } from "../../platform/duration.ts";
import { rounds } from "../../testing/rounds.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { isGood, keyIdOf, opens, payloadOf, refresh } from "../../testing/tokens.ts";
import { signCompact } from "../tokens/jws.ts";
import { getNextKey, listKeys, privateHalf, rotateKeys } from "./ring.ts";

const options = { environment: { JWT_ALGORITHM: "ES256" } };

async function published(t: TestAuth): Promise<string[]> {
  const { body } = await t.http.get("/.well-known/jwks.json");
  return body.keys.map((key: { kid: string }) => key.kid);
}

async function rotate(t: TestAuth): Promise<string> {
  const next = await getNextKey(t.ctx, "ES256");
  assert.ok(await rotateKeys(t.ctx, next));
  return next.keyId;
}

describe("a key of the ring", () => {
  it("is published before it signs, and the next one as soon as it is to sign", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const [first, second] = await published(t);
    assert.equal(keyIdOf((await ada.signIn()).access), first);
    assert.equal(await rotate(t), second);
    const three = await published(t);
    assert.deepEqual(three.slice(0, 2), [first, second]);
    assert.equal(three.length, 3);
    t.clock.advance(seconds(30) - 1);
    assert.equal(keyIdOf((await ada.signIn()).access), first, "every node has time to read it");
    t.clock.advance(1);
    assert.equal(keyIdOf((await ada.signIn()).access), second);
    assert.deepEqual(await published(t), three);
  });

  it("is believed until the last token it signed is over, and five minutes more, and not one millisecond longer", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    await ada.signIn();
    const [old] = await listKeys(t.ctx);
    await rotate(t);
    t.clock.advance(seconds(30) - 1);
    const last = await ada.signIn();
    assert.ok(old && keyIdOf(last.access) === old.keyId);
    const claims = { ...payloadOf(last.access), exp: payloadOf(last.access).exp + 86_400 };
    const longer = signCompact(claims, {
      algorithm: "ES256",
      keyId: old.keyId,
      key: privateHalf(t.ctx, old),
    });
    // A token ends on a whole second.
    t.clock.advance(minutes(15) - 1000);
    assert.equal(await opens(t, last.access), true);
    t.clock.advance(1000 + minutes(5));
    assert.deepEqual([await opens(t, longer), await isGood(t, longer)], [true, true]);
    assert.equal((await published(t)).includes(old.keyId), true);
    t.clock.advance(1);
    assert.deepEqual([await opens(t, longer), await isGood(t, longer)], [false, false]);
    assert.equal((await published(t)).includes(old.keyId), false);
  });

  it("takes its turn once, and none before its turn, though two nodes rotate at the same moment", async () => {
    await using t = await testAuth(options);
    const count = rounds(5, 50);
    for (let round = 1; round <= count; round += 1) {
      await using other = await t.restart();
      const [mine, theirs] = [await getNextKey(t.ctx, "ES256"), await getNextKey(other.ctx, "ES256")];
      assert.equal(mine.keyId, theirs.keyId);
      const begins = await Promise.all([rotateKeys(t.ctx, mine), rotateKeys(other.ctx, theirs)]);
      assert.equal(begins.filter(Boolean).length, 1);
      assert.equal(await rotateKeys(other.ctx, theirs), undefined, "nor a moment later");
      const waiting = (await t.rows("signing_keys")).filter((row) => row.signs_from === null);
      assert.equal(waiting.length, 1);
      assert.equal((await t.happened()).filter((name) => name === "key.rotated").length, round);
    }
    assert.equal((await t.rows("signing_keys")).length, count + 2);
  });

  it("takes its turn wholly or not at all, whichever statement fails, and a next one is made afterwards", async () => {
    await sweep(
      async (t) => {
        await getNextKey(t.ctx, "ES256");
        return async () => {
          const before = await getNextKey(t.ctx, "ES256");
          await rotateKeys(t.ctx, before);
          const keys = await t.rows("signing_keys");
          const heirs = keys.filter((key) => key.retires_at === null);
          const waiting = heirs.filter((key) => key.signs_from === null);
          assert.deepEqual([heirs.length, waiting.length], [2, 1], "one that signs or will, one that waits");
        };
      },
      { ...options, mayLeaveTraces: true },
    );
  });
});

describe("a ring that two nodes left without an heir in turn", () => {
  it("is put in order before the next token is signed, long before the last key that signs is over", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const { access } = await ada.signIn();
    await rotate(t);
    const [, second, third] = await published(t);
    // One ended the key that was to sign, just before the other published the one after it.
    const db = t.database.kysely.$extendTables<{ signing_keys: { kid: string; retires_at: number } }>();
    await db
      .updateTable("signing_keys")
      .set({ retires_at: 0 })
      .where("kid", "=", second ?? "")
      .execute();
    assert.equal(keyIdOf((await ada.signIn()).access), third);
    assert.equal(await opens(t, access), true);
    assert.equal((await published(t)).length, 3);
  });
});

describe("a node that has not looked at the ring", () => {
  it("believes the first key at once, which another one made and signs with", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    await listKeys(other.ctx);
    assert.equal(await isGood(other, "x.y.z"), false, "it knows now that there is none");
    const { access } = await (await t.person()).signIn();
    const all = await Promise.all(Array.from({ length: 20 }, () => opens(other, access)));
    assert.deepEqual(new Set(all), new Set([true]));
  });

  it("signs with the key whose turn it is, whenever it last looked", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    await ada.signIn();
    await using other = await t.restart();
    await listKeys(other.ctx);
    const second = await rotate(t);
    t.clock.advance("30s");
    const body = { email: ada.email, password: ada.password };
    const { access } = (await other.http.post("/api/auth/login/", body)).body;
    assert.equal(keyIdOf(access), second);
    assert.equal(await opens(t, access), true);
  });

  it("publishes within ten seconds what another one rotated", async () => {
    await using t = await testAuth(options);
    await using other = await t.restart();
    const before = await published(other);
    await rotate(t);
    t.clock.advance(seconds(10) - 1);
    assert.deepEqual(await published(other), before, "from memory");
    t.clock.advance(1);
    const now = await published(other);
    assert.equal(now.length, 3);
    assert.deepEqual(now, await published(t));
  });

  it("looks once a second at the most, whatever key ids strangers make up", async () => {
    let looks = 0;
    const aroundStatement: AroundStatement = (sql, run) => {
      if (/from "signing_keys"/.test(sql)) looks += 1;
      return run();
    };
    await using t = await testAuth({ ...options, aroundStatement });
    const { access } = await (await t.person()).signIn();
    const [, payload, signature] = access.split(".");
    const strange = (n: number) => {
      const header = JSON.stringify({ alg: "ES256", typ: "JWT", kid: `strange-${n}` });
      return `${Buffer.from(header).toString("base64url")}.${payload}.${signature}`;
    };
    looks = 0;
    const flood = () => Promise.all(Array.from({ length: 100 }, (_, n) => isGood(t, strange(n))));
    assert.deepEqual(new Set(await flood()), new Set([false]));
    assert.equal(looks, 1);
    t.clock.advance(999);
    await flood();
    assert.equal(looks, 1);
    t.clock.advance(1);
    await flood();
    assert.equal(looks, 2);
  });
});

describe("changing JWT_ALGORITHM between starts", () => {
  it("ends no session and no token, there and back", async () => {
    await using hmac = await testAuth();
    const { tokens } = hmac.ctx.config;
    await using pair = await hmac.restart({ tokens: { ...tokens, algorithm: "ES256" } });
    await using other = await hmac.restart({ tokens: { ...tokens, algorithm: "EdDSA" } });
    const ada = await hmac.person();
    const begun = await ada.signIn();
    const living = [begun.access];
    let token = begun.refresh;
    for (const t of [hmac, pair, hmac, pair, other, pair, hmac]) {
      t.clock.advance("1s");
      const answer = await refresh(t, token);
      assert.equal(answer.status, 200);
      assert.equal(keyIdOf(answer.body.access) === undefined, t === hmac);
      living.push(answer.body.access);
      token = answer.body.refresh;
      for (const access of living) {
        for (const node of [hmac, pair, other]) assert.equal(await opens(node, access), true);
      }
    }
    assert.equal((await hmac.rows("signing_keys")).length, 4, "a key that is there is used again");
    await rotate(pair);
    const others = (await hmac.rows("signing_keys")).filter((key) => key.algorithm === "EdDSA");
    assert.deepEqual(new Set(others.map((key) => key.retires_at)), new Set([null]), "each has its own turns");
  });
});
