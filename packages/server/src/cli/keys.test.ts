import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Box, openBox } from "../testing/command-line.ts";
import { keyIdOf } from "../testing/tokens.ts";

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
    const rotated = await box.runAlone(["keys", "rotate", "--now", "--quiet"], { env });
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

  it("take turns unasked once the next one is published for a day, and not a minute before", async () => {
    const day = 24 * 3_600_000;
    const publishedSince = (span: number) =>
      box.sqlite((file) =>
        file
          .prepare("update signing_keys set created_at = ? where signs_from is null")
          .run(Date.now() - span),
      );
    publishedSince(day - 60_000);
    assert.equal((await box.run(["keys", "rotate"], { env })).code, 4);
    publishedSince(day);
    const rotated = await box.run(["keys", "rotate", "--json"], { env });
    assert.equal(rotated.code, 0, rotated.err);
    const { id, signs_from } = JSON.parse(rotated.out);
    assert.ok(Date.parse(signs_from) > Date.now());
    assert.equal((await list()).find((key) => key.id === id)?.state, "signs soon");
  });

  it("are ended at once in a server that runs beside, which goes on with the next one", async () => {
    const server = await box.serve([], { env });
    const [email, password] = ["ada@example.org", "Blue-Harbour-71"];
    await box.run(["user", "create", email, "--verified", "--password-stdin"], { env, input: password });
    const signIn = async () => {
      const answer = await server.post("/api/auth/login/", { email, password });
      return ((await answer.json()) as { access: string }).access;
    };
    const profile = async (access: string) => {
      const headers = { authorization: `Bearer ${access}` };
      return (await fetch(new URL("/api/auth/profile/", server.url), { headers })).status;
    };
    const access = await signIn();
    assert.equal(await profile(access), 200);
    // Whichever it is: the one that was rotated to may take over at any moment.
    const signs = keyIdOf(access) ?? "";
    assert.ok((await list()).some((key) => key.id === signs));
    assert.equal((await box.run(["keys", "retire", signs, "--yes", "--quiet"], { env })).out.trim(), signs);
    assert.equal(await profile(access), 401);
    const again = await signIn();
    assert.notEqual(keyIdOf(again), signs);
    assert.equal(await profile(again), 200);
    await server.stop();
  });

  it("of an algorithm that was changed are listed as old ones, to be ended by hand", async () => {
    const changed = { env: { JWT_ALGORITHM: "HS256" } };
    const listed = await box.run(["keys", "list"], changed);
    assert.match(listed.err, /Tokens are signed with SECRET_KEY/);
    const { keys } = JSON.parse((await box.run(["keys", "list", "--json"], changed)).out);
    assert.deepEqual(new Set(keys.map(({ state }: { state: string }) => state)), new Set(["old"]));
    for (const { id } of keys)
      assert.equal((await box.run(["keys", "retire", id, "--yes"], changed)).code, 0);
    assert.deepEqual(JSON.parse((await box.run(["keys", "list", "--json"], changed)).out).keys, []);
  });

  it("are none where SECRET_KEY signs", async () => {
    const refused = await box.run(["keys", "rotate"], { env: { JWT_ALGORITHM: "HS256" } });
    assert.equal(refused.code, 4);
    assert.match(refused.err, /SECRET_KEY_FALLBACKS/);
  });
});
