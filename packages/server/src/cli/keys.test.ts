import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Box, openBox } from "../testing/command-line.ts";

describe("the keys that sign tokens", () => {
  const env = { JWT_ALGORITHM: "ES256" };
  let box: Box;
  before(async () => {
    box = await openBox();
    await box.run(["migrate"], { env });
  });
  after(() => box[Symbol.asyncDispose]());

  const list = async (): Promise<{ id: string; state: string; retires_at: string | null }[]> =>
    JSON.parse((await box.run(["keys", "list", "--json"], { env })).out).keys;

  it("are two from the start, and take turns when told", async () => {
    const [current, next] = await list();
    assert.deepEqual([current?.state, next?.state], ["signs", "next"]);
    const early = await box.run(["keys", "rotate"], { env });
    assert.equal(early.code, 4);
    assert.match(early.err, /services may not know it yet/);
    const rotated = await box.run(["keys", "rotate", "--now", "--quiet"], { env });
    assert.deepEqual([rotated.code, rotated.out.trim()], [0, next?.id]);
    const after = await list();
    assert.deepEqual(
      after.map(({ state }) => state),
      ["signs", "signs soon", "next"],
    );
    assert.notEqual(after[0]?.retires_at, null);
  });

  it("are retired only when that is meant, and then are gone", async () => {
    const [oldest] = await list();
    const id = oldest?.id ?? "";
    assert.equal((await box.run(["keys", "retire", id], { env })).code, 2);
    assert.equal((await list())[0]?.id, id);
    assert.equal((await box.run(["keys", "retire", id, "--yes"], { env })).code, 0);
    assert.equal(
      (await list()).some((key) => key.id === id),
      false,
    );
    assert.equal((await box.run(["keys", "retire", id, "--yes"], { env })).code, 3);
  });

  it("show no private half, in no way of asking", async () => {
    const shown = [
      await box.run(["keys", "list"], { env }),
      await box.run(["keys", "list", "--json"], { env }),
    ];
    for (const { out, err } of shown) assert.doesNotMatch(out + err, /PRIVATE|"d"|v1\./);
  });

  it("are none where SECRET_KEY signs", async () => {
    const refused = await box.run(["keys", "rotate"], { env: { JWT_ALGORITHM: "HS256" } });
    assert.equal(refused.code, 4);
    assert.match(refused.err, /SECRET_KEY_FALLBACKS/);
  });
});
