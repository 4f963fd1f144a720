import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mailedCode } from "../../testing/mail-code.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { issueCode, tryCode } from "./codes.ts";
import {
  endOneTimeTokens,
  findOneTimeToken,
  issueOneTimeToken,
  removeExpiredTokens,
  takeOneTimeToken,
  useUp,
} from "./one-time-tokens.ts";

const hour = 3_600_000;

/** Uses up the token that a code stands for, as the flow does; whether it did. */
async function takeCode(t: TestAuth, purpose: string, accountId: string, code: string): Promise<boolean> {
  const holder = { email: "ada@example.org", accountId };
  const hash = await tryCode(t.ctx, purpose, holder, code, "anyone");
  return hash !== undefined && (await useUp(t.ctx, purpose, hash)) === accountId;
}

const countUnused = async (t: TestAuth, purpose: string, accountId: string) =>
  (await t.rows("one_time_tokens")).filter(
    (row) => row.purpose === purpose && row.account_id === accountId && row.used_at === null,
  ).length;

describe("one-time tokens", () => {
  it("are 128 random bits each, and stored as nothing that could be used", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    const id = String((await t.rows("accounts"))[0]?.id);
    const tokens = await t.ctx.transaction(async (ctx) => {
      const list: string[] = [];
      for (let n = 0; n < 500; n += 1) list.push(await issueOneTimeToken(ctx, "test", id, hour));
      return list;
    });
    assert.equal(new Set(tokens).size, tokens.length);
    const hex = tokens.map((token) => token.replaceAll("-", ""));
    for (const token of hex) assert.match(token, /^[0-9a-f]{32}$/);
    for (let digit = 0; digit < 32; digit += 1) {
      const values = new Set(hex.map((token) => token[digit]));
      assert.equal(values.size, 16, `digit ${digit} takes ${values.size} values: it is no random one`);
    }
    const code = await mailedCode(t, "person1@example.org");
    const stored = JSON.stringify(await t.snapshot());
    for (const token of tokens) assert.ok(!stored.includes(token));
    assert.ok(!stored.includes(`"${code}"`));
  });

  it("work for their purpose and account, until their time is up or they are ended", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    const id = String((await t.rows("accounts"))[0]?.id);
    const [used, late, ended] = [
      await issueOneTimeToken(t.ctx, "one", id, hour),
      await issueOneTimeToken(t.ctx, "three", id, hour),
      await issueOneTimeToken(t.ctx, "two", id, hour),
    ];
    assert.equal(await takeOneTimeToken(t.ctx, "two", used), undefined);
    assert.equal(await takeOneTimeToken(t.ctx, "one", used), id);
    assert.equal(await takeOneTimeToken(t.ctx, "one", used), undefined);
    assert.deepEqual(await findOneTimeToken(t.ctx, "one", used), { accountId: id, isUsed: true });
    await endOneTimeTokens(t.ctx, id, ["two"]);
    assert.equal(await takeOneTimeToken(t.ctx, "two", ended), undefined);
    t.clock.advance(hour);
    assert.equal(await takeOneTimeToken(t.ctx, "three", late), undefined);
    assert.equal(await findOneTimeToken(t.ctx, "three", late), undefined);
  });

  it("work side by side, the three newest of a purpose, until one is used: then all die", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    await t.person({ verified: false });
    const [id = "", otherId = ""] = (await t.rows("accounts")).map((row) => String(row.id));
    const others = await issueOneTimeToken(t.ctx, "one", otherId, hour);
    for (const chosen of [1, 2, 3]) {
      const tokens: string[] = [];
      for (let n = 0; n < 4; n += 1) {
        t.clock.advance(1);
        tokens.push(await issueOneTimeToken(t.ctx, "one", id, hour));
      }
      const another = await issueOneTimeToken(t.ctx, "two", id, hour);
      assert.equal(await countUnused(t, "one", id), 3);
      assert.equal(await takeOneTimeToken(t.ctx, "one", tokens[0] ?? ""), undefined, "the fourth newest");
      assert.equal(await takeOneTimeToken(t.ctx, "one", tokens[chosen] ?? ""), id);
      for (const token of tokens) assert.equal(await takeOneTimeToken(t.ctx, "one", token), undefined);
      assert.equal(await takeOneTimeToken(t.ctx, "two", another), id, "one of another purpose");
    }
    assert.equal(await takeOneTimeToken(t.ctx, "one", others), otherId, "one of another account");
  });

  it("are pushed out by nobody who asks from another network", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    const id = String((await t.rows("accounts"))[0]?.id);
    const own = await issueOneTimeToken(t.ctx, "one", id, hour, "203.0.113.7");
    for (let n = 0; n < 20; n += 1) await issueOneTimeToken(t.ctx, "one", id, hour, `2001:db8::${n}`);
    assert.equal(await countUnused(t, "one", id), 4, "that of the owner, and three of the stranger's /64");
    assert.doesNotMatch(JSON.stringify(await t.rows("one_time_tokens")), /203\.0\.113|2001/);
    assert.equal(await takeOneTimeToken(t.ctx, "one", own), id);
  });

  it("keep the newest though the clock was set back since the others were made", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    const id = String((await t.rows("accounts"))[0]?.id);
    for (let n = 0; n < 3; n += 1) await issueOneTimeToken(t.ctx, "one", id, hour);
    t.clock.advance(-hour / 2);
    const newest = await issueOneTimeToken(t.ctx, "one", id, hour);
    assert.equal(await countUnused(t, "one", id), 3);
    assert.equal(await takeOneTimeToken(t.ctx, "one", newest), id);
  });

  it("are used once, of three that were mailed and are used at the same moment, outside of any transaction", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    const id = String((await t.rows("accounts"))[0]?.id);
    for (let round = 0; round < 20; round += 1) {
      const tokens: string[] = [];
      for (let n = 0; n < 3; n += 1) tokens.push(await issueOneTimeToken(t.ctx, "one", id, hour));
      const uses = [...tokens, ...tokens].map((token) => takeOneTimeToken(t.ctx, "one", token));
      // PostgreSQL may undo one that stands in another's way: then it has not won either.
      const won = (await Promise.allSettled(uses)).filter((use) => use.status === "fulfilled" && use.value);
      assert.equal(won.length, 1);
      assert.equal(await countUnused(t, "one", id), 0);
    }
  });

  it("are removed once their time is up, so many at a time", async () => {
    await using t = await testAuth();
    await t.person();
    const id = String((await t.rows("accounts"))[0]?.id);
    for (let n = 0; n < 5; n += 1) await issueOneTimeToken(t.ctx, `test ${n}`, id, hour);
    const lasting = await issueOneTimeToken(t.ctx, "test", id, 48 * hour);
    t.clock.advance("25h");
    assert.equal(await removeExpiredTokens(t.ctx, 4), 4);
    assert.equal(await removeExpiredTokens(t.ctx, 4), 2, "the verification link of the person among them");
    assert.equal(await takeOneTimeToken(t.ctx, "test", lasting), id);
  });

  it("have codes that die with them, if that comes first", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    const id = String((await t.rows("accounts"))[0]?.id);
    const token = await issueOneTimeToken(t.ctx, "one", id, hour);
    const code = await issueCode(t.ctx, "one", id, token, 2 * hour);
    t.clock.advance(hour);
    assert.equal(await takeCode(t, "one", id, code), false);
  });

  it("have codes of six digits that are worth nothing for another purpose or account", async () => {
    await using t = await testAuth();
    await t.person({ verified: false });
    await t.person({ verified: false });
    const [id, otherId] = (await t.rows("accounts")).map((row) => String(row.id));
    const token = await issueOneTimeToken(t.ctx, "one", id ?? "", hour);
    const code = await issueCode(t.ctx, "one", id ?? "", token, hour);
    assert.match(code, /^\d{6}$/);
    assert.equal(await takeCode(t, "two", id ?? "", code), false);
    assert.equal(await takeCode(t, "one", otherId ?? "", code), false);
    assert.equal(await takeCode(t, "one", "", code), false);
    // Not even to somebody who can copy rows: what is stored of a code is bound to its account.
    const copied = (await t.rows("one_time_tokens")).find((row) => row.purpose === "one")?.code_mac;
    await issueOneTimeToken(t.ctx, "one", otherId ?? "", hour);
    await t.database.kysely
      .$extendTables<{ one_time_tokens: Record<string, unknown> }>()
      .updateTable("one_time_tokens")
      .set({ code_mac: copied, code_expires_at: t.clock.now().getTime() + hour })
      .where("account_id", "=", otherId)
      .execute();
    assert.equal(await takeCode(t, "one", otherId ?? "", code), false);
    assert.equal(await takeCode(t, "one", id ?? "", code), true);
    assert.equal(await takeOneTimeToken(t.ctx, "one", token), undefined, "the link is used up with its code");
  });
});
