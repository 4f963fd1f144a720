/** Servers on one database that disagree say so by name: at a start after a change, and as long as both run. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";
import { opens, refresh } from "../testing/tokens.ts";
import { lookAround } from "./agreement.ts";

const production = { PUBLIC_URL: "https://auth.example.com", NODE_ENV: "production" };

/** What it said so far of what others have otherwise. */
const said = ({ log }: TestAuth) =>
  log
    .map((line) => JSON.parse(line) as { level: string; msg: string; fix?: string })
    .filter(({ msg }) => /JWT_|REFRESH_|This is http|any more$/.test(msg));

/** A node with other settings of tokens. */
const withTokens = (t: TestAuth, changes: Partial<TestAuth["ctx"]["config"]["tokens"]>) =>
  t.restart({ tokens: { ...t.ctx.config.tokens, ...changes } });

/** Both come round, a minute later each time. */
async function comeRound(times: number, ...nodes: readonly TestAuth[]): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    for (const node of nodes) await lookAround(node.ctx);
    nodes[0]?.clock.advance("1m");
  }
}

describe("a server that starts with another issuer than the one before", () => {
  it("says what it was and is, what ends, and how to keep it; and the next start says nothing", async () => {
    await using t = await testAuth({ environment: production });
    const { access, refresh: token } = await (await t.person()).signIn();
    await lookAround(t.ctx);
    await using moved = await t.restart({
      publicUrl: "https://login.example.com",
      tokens: { ...t.ctx.config.tokens, issuer: "https://login.example.com" },
    });
    t.clock.advance("1s");
    await lookAround(moved.ctx);
    const [first, ...more] = said(moved);
    assert.equal(first?.level, "warn");
    assert.match(first.msg, /JWT_ISSUER \(unset, so PUBLIC_URL\) is https:\/\/login\.example\.com here/);
    assert.match(first.msg, /was https:\/\/auth\.example\.com .*everybody has to sign in again/);
    assert.equal(first.fix, "JWT_ISSUER=https://auth.example.com");
    assert.deepEqual(more, []);
    assert.equal(await opens(moved, access), false, "it is true");
    await using kept = await moved.restart({
      tokens: { ...moved.ctx.config.tokens, issuer: "https://auth.example.com" },
    });
    assert.equal((await refresh(kept, token)).status, 200, "and so is what keeps them");
    await using again = await moved.restart();
    await lookAround(again.ctx);
    assert.deepEqual(said(again), []);
  });

  it("tells the same of JWT_ISSUER and JWT_AUDIENCE by their own names, and of what was unset", async () => {
    await using t = await testAuth({ environment: { ...production, JWT_ISSUER: "one" } });
    await lookAround(t.ctx);
    await using changed = await withTokens(t, { issuer: "two", audience: "shop" });
    await lookAround(changed.ctx);
    assert.deepEqual(
      said(changed).map(({ msg, fix }) => [msg.split(",")[0], fix]),
      [
        ["JWT_ISSUER is two here", "JWT_ISSUER=one"],
        ["JWT_AUDIENCE is shop here", "JWT_AUDIENCE="],
      ],
    );
  });

  it("says of another port, while developing, what is so, and calls it no mistake", async () => {
    await using t = await testAuth();
    await lookAround(t.ctx);
    const publicUrl = "http://localhost:8001";
    await using next = await t.restart({ publicUrl, tokens: { ...t.ctx.config.tokens, issuer: publicUrl } });
    await lookAround(next.ctx);
    const [first, ...more] = said(next);
    assert.match(
      first?.msg ?? "",
      /^This is http:\/\/localhost:8001: whoever signed in at http:\/\/localhost:8000 signs in again/,
    );
    assert.equal(first?.fix, "JWT_ISSUER=http://localhost:8000");
    assert.deepEqual(more, []);
  });

  it("says nothing where nothing changed, or nothing that tokens carry", async () => {
    await using t = await testAuth({ environment: production });
    await lookAround(t.ctx);
    await using same = await t.restart();
    await using other = await withTokens(t, { reuse: "converge" });
    for (const node of [same, other]) {
      await lookAround(node.ctx);
      assert.deepEqual(said(node), []);
    }
  });
});

describe("two servers that run at once", () => {
  it("both say by name what differs, now and again, and when it is over", async () => {
    await using one = await testAuth({ environment: production });
    await using other = await withTokens(one, {
      issuer: "https://other.example.com",
      algorithm: "ES256",
      reuse: "converge",
    });
    await comeRound(3, one, other);
    const names = (t: TestAuth) =>
      said(t)
        .filter(({ msg }) => msg.includes("another server"))
        .map(({ msg }) => msg.split(" ")[0]);
    const all = ["JWT_ISSUER", "JWT_ALGORITHM", "REFRESH_TOKEN_REUSE"];
    assert.deepEqual(names(one), all);
    assert.deepEqual(names(other), all);
    assert.match(
      said(one).find(({ msg }) => msg.startsWith("JWT_ISSUER"))?.msg ?? "",
      /is https:\/\/auth\.example\.com here, and https:\/\/other\.example\.com at another server/,
    );
    await comeRound(7, one, other);
    assert.deepEqual(names(one), all, "not every minute");
    await comeRound(5, one, other);
    assert.deepEqual(names(one), [...all, ...all]);
    await comeRound(6, one);
    assert.deepEqual(
      said(one)
        .filter(({ level }) => level === "info")
        .map(({ msg }) => msg),
      [
        "no other server on this database has JWT_ISSUER https://other.example.com any more",
        "no other server on this database has JWT_ALGORITHM ES256 any more",
        "no other server on this database has REFRESH_TOKEN_REUSE converge any more",
      ],
    );
  });

  it("say nothing where they agree, and nothing of one that is gone", async () => {
    await using one = await testAuth({ environment: production });
    await using same = await one.restart();
    await using gone = await withTokens(one, { reuse: "converge" });
    await lookAround(gone.ctx);
    await comeRound(5, one, same);
    assert.deepEqual([...said(one), ...said(same)], []);
  });

  it("do not compare what only one of two releases knows", async () => {
    await using t = await testAuth({ environment: production });
    const note = (seen: number) =>
      t.database.kysely
        .$extendTables<{ nodes: { id: string; settings: string; seen_at: number } }>()
        .insertInto("nodes")
        .values({
          id: "newer",
          settings: '{"NEW_SETTING":"x","JWT_ISSUER":"https://auth.example.com"}',
          seen_at: seen,
        })
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ seen_at: seen }))
        .execute();
    for (let n = 0; n < 3; n += 1) {
      await note(t.clock.now().getTime() + n);
      await lookAround(t.ctx);
    }
    assert.deepEqual(said(t), []);
  });

  it("leave nothing secret in the database, and no row for ever", async () => {
    await using t = await testAuth();
    await lookAround(t.ctx);
    const [row] = await t.rows("nodes");
    assert.deepEqual(Object.keys(JSON.parse(String(row?.settings)) as object).toSorted(), [
      ...["JWT_ALGORITHM", "JWT_AUDIENCE", "JWT_ISSUER", "REFRESH_TOKEN_REUSE"],
    ]);
    t.clock.advance("25h");
    await using later = await t.restart();
    await lookAround(later.ctx);
    assert.equal((await t.rows("nodes")).length, 1);
  });
});
