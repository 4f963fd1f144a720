/** Another SECRET_KEY, with the earlier one named and without. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";
import { keyIdOf, opens, refresh } from "../../testing/tokens.ts";
import { refuseOtherSecret } from "./fingerprint.ts";
import { accessSigningKey } from "./keys.ts";
import { getNextKey, retireKey, rotateKeys } from "./ring.ts";
import { decrypt } from "./secrets.ts";

const options = { environment: { JWT_ALGORITHM: "ES256" } };
const secretKey = `${testSecret}-newer`;
/** What a node is started with at each step of replacing the key. */
const steps = {
  believing: { secretKeyFallbacks: [secretKey] },
  swapped: { secretKey, secretKeyFallbacks: [testSecret] },
  alone: { secretKey },
} as const;

async function canSignIn(t: TestAuth, username: string): Promise<boolean> {
  const person = await t.person({ username });
  return opens(t, (await person.signIn()).access);
}

async function changeKeys(t: TestAuth, values: { private_key: string }, kid?: string): Promise<void> {
  const db = t.database.kysely.$extendTables<{ signing_keys: { kid: string; private_key: string } }>();
  const update = db.updateTable("signing_keys").set(values);
  await (kid === undefined ? update : update.where("kid", "=", kid)).execute();
}

describe("another SECRET_KEY", () => {
  it("keeps everything working while the earlier one is a fallback, on new nodes and old ones", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const before = await ada.signIn();
    await using believing = await t.restart(steps.believing);
    await using swapped = await t.restart(steps.swapped);
    for (const node of [believing, swapped]) assert.equal(await opens(node, before.access), true);
    const moved = (await refresh(swapped, before.refresh)).body;
    const back = (await refresh(believing, moved.refresh)).body;
    for (const { access } of [moved, back])
      for (const node of [believing, swapped]) assert.equal(await opens(node, access), true);
  });

  it("is needed alone once every node was started with it, though one that was not made keys meanwhile", async () => {
    await using t = await testAuth(options);
    await (await t.person()).signIn();
    await using believing = await t.restart(steps.believing);
    await using first = await t.restart(steps.swapped);
    await rotateKeys(believing.ctx, await getNextKey(believing.ctx, "ES256"));
    await using second = await t.restart(steps.swapped);
    for (const node of [first, second]) await node.auth.checkSecret();
    await using alone = await t.restart(steps.alone);
    assert.equal(await canSignIn(alone, "grace"), true);
    t.clock.advance("30s");
    assert.equal(await canSignIn(alone, "hedy"), true);
    await rotateKeys(alone.ctx, await getNextKey(alone.ctx, "ES256"));
    t.clock.advance("30s");
    assert.equal(await canSignIn(alone, "joan"), true);
  });

  it("is needed alone too where a start with both broke off, whichever statement failed", async () => {
    await sweep(
      async (t) => {
        await (await t.person()).signIn();
        const swapped = await t.restart(steps.swapped);
        await t.restart(steps.believing);
        const alone = { ...swapped.ctx, config: { ...swapped.ctx.config, secretKeyFallbacks: [] } };
        return async () => {
          await swapped.auth.checkSecret();
          const keys = await t.rows("signing_keys");
          for (const { kid, private_key: sealed } of keys)
            assert.match(decrypt(alone, `signing key ${kid}`, String(sealed)) ?? "", /PRIVATE KEY/);
          await refuseOtherSecret(alone);
        };
      },
      { ...options, mayLeaveTraces: true },
    );
  });

  it("seals anew what an earlier one sealed, and leaves alone what is sealed by itself", async () => {
    await using t = await testAuth(options);
    await (await t.person()).signIn();
    const sealed = async () => (await t.rows("signing_keys")).map((row) => row.private_key);
    const before = await sealed();
    await t.restart(steps.swapped);
    const after = await sealed();
    for (const one of after) assert.ok(!before.includes(one));
    await t.restart(steps.swapped);
    assert.deepEqual(new Set(await sealed()), new Set(after));
  });

  it("is refused, and changes nothing, when the earlier one is not named", async () => {
    await using t = await testAuth(options);
    await (await t.person()).signIn();
    const before = await t.snapshot();
    const told = {
      name: "SecretMismatch",
      message: /made with secret [0-9a-f]{8}, the configured one is [0-9a-f]{8}.*Nothing was changed/,
    };
    for (const secretKeyFallbacks of [[], [`${testSecret}-neither`]])
      await assert.rejects(t.restart({ secretKey, secretKeyFallbacks }), told);
    const { database } = t;
    const environment = { SECRET_KEY: secretKey };
    await assert.rejects(
      testAuth({ database, environment, fields: { plan: { type: "text" } } }),
      told,
      "before a column is added, too",
    );
    assert.deepEqual(await t.snapshot(), before);
    assert.equal(await canSignIn(t, "grace"), true);
  });

  it("of one node alone is refused when two make a database at the same moment", async () => {
    await using t = await testAuth();
    const db = t.database.kysely.$extendTables<{ facts: { name: string } }>();
    await db.deleteFrom("facts").execute();
    const made = await Promise.allSettled([t.restart(), t.restart({ secretKey })]);
    const refused = made.filter((one) => one.status === "rejected");
    assert.equal(refused.length, 1);
    assert.match(String(refused[0]?.reason), /Nothing was changed/);
    assert.equal((await t.rows("facts")).length, 1);
  });
});

describe("a private half that no named secret opens", () => {
  it("is told, with what to do, when it should sign; nothing is destroyed, and the key can be given up", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const { access } = await ada.signIn();
    const before = await t.rows("signing_keys");
    await changeKeys(t, { private_key: "v1.bm9ib2R5IHNlYWxlZCB0aGlzIHdpdGggYSBrZXkgb2Ygb3Vycw" });
    await using later = await t.restart();
    const id = keyIdOf(access) ?? "";
    const told = new RegExp(`signing key ${id} was sealed with .* keys retire ${id}$`);
    await assert.rejects(accessSigningKey(later.ctx), told);
    assert.equal((await t.rows("signing_keys")).length, before.length);
    assert.equal(await opens(later, access), true, "to verify needs no private half");
    for (const { kid } of before) assert.equal(await retireKey(later.ctx, String(kid)), true);
    assert.equal(await canSignIn(later, "grace"), true);
  });

  it("is so too when it was sealed for another key: a row that was moved signs nothing", async () => {
    await using t = await testAuth(options);
    const { access } = await (await t.person()).signIn();
    const { sealed } = await getNextKey(t.ctx, "ES256");
    await changeKeys(t, { private_key: sealed }, keyIdOf(access));
    await using later = await t.restart();
    await assert.rejects(accessSigningKey(later.ctx), /was sealed with/);
  });

  it("is told in the log and kept when all others are sealed anew, and its turn comes once its secret is named", async () => {
    await using t = await testAuth(options);
    const ada = await t.person();
    const { access } = await ada.signIn();
    const kid = keyIdOf(access) ?? "";
    const sealed = async () => (await t.rows("signing_keys")).find((row) => row.kid === kid)?.private_key;
    const good = String(await sealed());
    const foreign = `v1.${good.slice(3).split("").toReversed().join("")}`;
    await changeKeys(t, { private_key: foreign }, kid);
    await using swapped = await t.restart(steps.swapped);
    assert.match(swapped.log.join("\n"), new RegExp(`signing key ${kid} was sealed with`));
    assert.equal(await sealed(), foreign);
    await changeKeys(t, { private_key: good }, kid);
    await t.restart(steps.swapped);
    await using alone = await t.restart(steps.alone);
    assert.equal(await canSignIn(alone, "grace"), true);
  });
});
