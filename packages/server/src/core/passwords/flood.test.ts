/** Holds a full hashing queue to letting owners in on their devices, and to telling nobody who has an account. */

import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type TestAuth, type TestOptions, testAuth } from "../../testing/test-auth.ts";
import { hashQueue } from "./passwords.ts";

/** A 503 is no fault here, as where statements are made to fail. */
const mayRefuse: TestOptions = { aroundStatement: (_sql, run) => run() };

/** Hashes on every core until told to let go; beside, so many wait, each from a block of his own. */
function takeEveryCore(t: TestAuth, waiting = 0): () => Promise<void> {
  const queue = hashQueue(t.ctx);
  const { promise, resolve } = Promise.withResolvers<void>();
  const works = Array.from({ length: availableParallelism() + waiting }, (_, n) =>
    queue.run(() => promise, { source: [`198.51.100.${n}`] }).catch(() => undefined),
  );
  return async () => {
    resolve();
    await Promise.all(works);
  };
}

/** Waits for what happens within some turns or not at all. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn += 1) {
    assert.ok(turn < 200_000, "it does not happen");
    await nextTurn();
  }
}

describe("while a flood fills the hashing queue", () => {
  it("an owner on a known device signs in and changes the password, and everybody else is told alike to come back", async () => {
    await using t = await testAuth(mayRefuse);
    const ada = await t.person();
    const { device, access } = await ada.signIn();
    const eve = await t.person();
    const { device: eves } = await eve.signIn();
    const letGo = takeEveryCore(t, 300);
    const full = hashQueue(t.ctx).waiting;
    const owner = ada.login(ada.password, { device, from: "198.51.100.1" });
    await until(() => hashQueue(t.ctx).waiting > full);
    const next = { new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
    const body = { current_password: ada.password, ...next };
    const change = t.http.post("/api/auth/password/change/", body, { token: access, device });
    await until(() => hashQueue(t.ctx).waiting > full + 1);
    const nobody = { email: "nobody@example.org", password: ada.password };
    const strangers = [
      await ada.login(ada.password, { from: "198.51.100.2" }),
      await ada.login("Wrong-Harbour-1", { device: eves, from: "198.51.100.2" }),
      await t.http.post("/api/auth/login/", nobody, { from: "198.51.100.2" }),
      await t.http.post("/api/auth/login/", nobody, { device: eves, from: "198.51.100.2" }),
    ];
    for (const { status, body: said, headers } of strangers) {
      assert.deepEqual([status, headers.get("retry-after")], [503, "1"]);
      assert.deepEqual(said, strangers[0]?.body);
    }
    await letGo();
    assert.equal((await owner).status, 200);
    assert.equal((await change).status, 200);
  });

  it("somebody from elsewhere who comes when it is full gets in, and one of the block that filled it does not", async () => {
    await using t = await testAuth(mayRefuse);
    const letGo = takeEveryCore(t);
    const guess = (name: string, from: string) =>
      t.http.post(
        "/api/auth/login/",
        { email: `${name}@example.org`, password: "Wrong-Harbour-1" },
        { from },
      );
    const ofOneBlock = Array.from({ length: 150 }, (_, n) =>
      guess(`block-${n}`, `2001:db8:0:${n.toString(16)}00::1`),
    );
    let refused = 0;
    for (const call of ofOneBlock) void call.then(({ status }) => (refused += status === 503 ? 1 : 0));
    await until(() => refused > 0);
    const full = hashQueue(t.ctx).waiting;
    const others = Array.from({ length: 5 }, (_, n) => guess(`other-${n}`, `192.0.2.${n}`));
    await until(() => refused === 150 - full + others.length);
    assert.equal((await guess("block-again", "2001:db8:0:ffff::1")).status, 503);
    await letGo();
    for (const { status } of await Promise.all(others)) assert.equal(status, 400);
    await Promise.all(ofOneBlock);
  });
});
