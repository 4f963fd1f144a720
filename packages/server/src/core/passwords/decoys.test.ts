/** Holds decoys to the proportions of the accounts, to staying what they are, and to a key that nobody has. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth, testSecret } from "../../testing/test-auth.ts";
import { drawDecoy } from "./decoys.ts";
import { makeOf } from "./formats.ts";
import { countingMakes, countMakes, todaysMake } from "./makes.ts";
import { hashQueue } from "./passwords.ts";

const key = (bytes: number) => Buffer.alloc(bytes, 7).toString("base64");
const imported = {
  slow: `pbkdf2_sha256$2000$salt$${key(32)}`,
  middling: `pbkdf2_sha256$1000$otherSalt$${key(32)}`,
  old: `sha1$salt$${"7".repeat(40)}`,
};
const [slow, middling, old] = Object.values(imported).map((hash) => makeOf(hash) ?? "");

const accountsIn = (t: TestAuth) => t.database.kysely.$extendTables<{ accounts: Record<string, unknown> }>();

/** As an import leaves them: so many accounts with each of these hashes. */
async function importAccounts(t: TestAuth, ...groups: [hash: string | null, count: number][]): Promise<void> {
  const rows = groups.flatMap(([hash, count], group) =>
    Array.from({ length: count }, (_, n) => {
      const name = `imported-${group}-${n}`;
      return {
        ...{ id: name, email: `${name}@example.org`, email_canonical: `${name}@example.org` },
        ...{ username: name, username_canonical: name, password_hash: hash, verified_at: 1 },
        ...{ created_at: 1, updated_at: 1 },
      };
    }),
  );
  await accountsIn(t).insertInto("accounts").values(rows).execute();
}

const upgrade = (t: TestAuth, ...names: string[]) =>
  accountsIn(t)
    .updateTable("accounts")
    .set({ password_hash: todaysMake(t.ctx) })
    .where("id", "in", names)
    .execute();

const strangers = (count: number) => Array.from({ length: count }, (_, n) => `stranger-${n}@example.net`);
const drawAll = (t: TestAuth, emails: readonly string[]) =>
  Promise.all(emails.map((email) => drawDecoy(t.ctx, email)));

/** Counts anew, and lets the node forget what it knew. */
async function recount(t: TestAuth): Promise<void> {
  await countMakes(t.ctx);
  t.clock.advance("1m");
}

/** The makes that were hashed while something was done. */
async function hashedBy(t: TestAuth, work: () => Promise<unknown>): Promise<string[]> {
  const before = new Map(hashQueue(t.ctx).startedByMake);
  await work();
  return [...hashQueue(t.ctx).startedByMake]
    .flatMap(([make, count]) => Array<string>(count - (before.get(make) ?? 0)).fill(make))
    .toSorted();
}

const login = (t: TestAuth, email: string) =>
  t.http.post("/api/auth/login/", { email, password: "Wrong-Harbour-1" });

const register = (t: TestAuth, email: string, username: string) =>
  t.http.post("/api/auth/register/", {
    ...{ email, username, password: "Red-Moon-5512", password2: "Red-Moon-5512" },
    ...{ first_name: "", last_name: "" },
  });

const openRates = { environment: { RATE_LIMITS: "off" } };

describe("an address without an account", () => {
  it("costs what an account does, for as many addresses as there are such accounts", async () => {
    await using t = await testAuth();
    await importAccounts(t, [imported.slow, 50], [imported.middling, 20], [imported.old, 10], [null, 40]);
    for (let n = 0; n < 4; n += 1) await t.person();
    await upgrade(t, ...Array.from({ length: 16 }, (_, n) => `imported-0-${n}`));
    await recount(t);
    const drawn = Map.groupBy(await drawAll(t, strangers(6000)), (make) => make);
    const shareOf = (make = "") => (drawn.get(make)?.length ?? 0) / 6000;
    const shares = [slow, middling, old, todaysMake(t.ctx)].map(shareOf);
    const expected = [34 / 84, 20 / 84, 10 / 84, 20 / 84];
    for (const [n, share] of shares.entries()) {
      assert.ok(Math.abs(share - (expected[n] ?? 0)) < 0.02, `${shares} instead of ${expected}`);
    }
    assert.equal(drawn.size, 4);
  });

  it("costs the same every time, on every node, however it is written", async () => {
    await using t = await testAuth();
    await importAccounts(t, [imported.slow, 1], [imported.middling, 1]);
    await recount(t);
    const emails = strangers(300);
    const first = await drawAll(t, emails);
    t.clock.advance("3h");
    await recount(t);
    assert.ok((await drawAll(t, emails)).join() === first.join());
    assert.deepEqual(
      await drawAll(
        t,
        emails.map((email) => email.toUpperCase()),
      ),
      first,
    );
    await using other = await t.restart();
    assert.deepEqual(await drawAll(other, emails), first);
    assert.equal(new Set(first).size, 2);
  });

  it("is drawn by a key: with another SECRET_KEY it is another half of them", async () => {
    const emails = strangers(2000);
    const drawWith = async (SECRET_KEY: string) => {
      await using t = await testAuth({ environment: { SECRET_KEY } });
      await importAccounts(t, [imported.slow, 10], [todaysMake(t.ctx), 10]);
      await recount(t);
      return drawAll(t, emails);
    };
    const first = await drawWith(testSecret);
    const second = await drawWith("another-secret-for-tests-0123456789-abcdefghij");
    const same = first.filter((make, n) => make === second[n]).length / emails.length;
    assert.ok(same > 0.45 && same < 0.55, `${same} drew the same`);
  });

  it("leaves its make only for today's, as accounts do, and at the pace at which they do", async () => {
    await using t = await testAuth();
    await importAccounts(t, [imported.slow, 40], [imported.middling, 30], [imported.old, 30]);
    const emails = strangers(1500);
    await recount(t);
    let before = await drawAll(t, emails);
    assert.ok(!before.includes(todaysMake(t.ctx)));
    const groupOf = (n: number) => (n < 40 ? `0-${n}` : n < 70 ? `1-${n - 40}` : `2-${n - 70}`);
    for (let step = 0; step < 10; step += 1) {
      // Every group loses some at most steps, never the same part.
      const upgraded = Array.from({ length: 10 }, (_, n) => groupOf(((10 * step + n) * 37) % 100));
      await upgrade(t, ...upgraded.map((group) => `imported-${group}`));
      await recount(t);
      const after = await drawAll(t, emails);
      const moved = after.filter((make, n) => make !== before[n]);
      assert.ok(moved.length > 0);
      assert.deepEqual([...new Set(moved)], [todaysMake(t.ctx)], `step ${step}`);
      const rows = (await t.rows("accounts")).filter((row) => row.password_hash === todaysMake(t.ctx));
      const share = after.filter((make) => make === todaysMake(t.ctx)).length / emails.length;
      assert.ok(Math.abs(share - rows.length / 100) < 0.03, `${share} instead of ${rows.length / 100}`);
      before = after;
    }
  });

  it("costs one of today's hashes where nothing was imported", async () => {
    await using t = await testAuth();
    await t.person();
    for (const isCounted of [false, true]) {
      if (isCounted) await recount(t);
      assert.deepEqual(new Set(await drawAll(t, strangers(200))), new Set([todaysMake(t.ctx)]));
    }
  });
});

describe("what is hashed for an address", () => {
  it("is of the account's make, or of the drawn one where no password can be right: the same at every door", async () => {
    await using t = await testAuth(openRates);
    await importAccounts(
      t,
      ...([imported.slow, imported.middling, null, "", "!unusable", "plain$secret"].map((hash) => [
        hash,
        1,
      ]) as [string, number][]),
      [`pbkdf2_sha256$4000000000$salt$${key(32)}`, 1],
      [imported.old, 2],
    );
    const taken = await t.person();
    await recount(t);
    const today = todaysMake(t.ctx);
    const own = new Map([
      ["imported-0-0@example.org", slow],
      ["imported-1-0@example.org", middling],
      ["imported-7-0@example.org", old],
      [taken.email, today],
    ]);
    const others = [2, 3, 4, 5, 6].map((group) => `imported-${group}-0@example.org`);
    const seen = new Set<string>();
    for (const email of [...own.keys(), ...others, ...strangers(12)]) {
      const make = own.get(email) ?? (await drawDecoy(t.ctx, email));
      if (!own.has(email)) seen.add(make);
      assert.deepEqual(await hashedBy(t, () => login(t, email)), [make], `signing in, ${email}`);
      const name = email.replace(/\W/g, "");
      assert.deepEqual(
        await hashedBy(t, () => register(t, email, taken.username)),
        [make],
        `registering with a username that is taken, ${email}`,
      );
      assert.deepEqual(
        await hashedBy(t, () => register(t, email, name)),
        [make, today].toSorted(),
        `registering, ${email}`,
      );
    }
    assert.ok(seen.size >= 3, "the drawn ones were all alike, so this proves little");
  });

  it("stays the account's own when it waits for its verification, and its password counts", async () => {
    await using t = await testAuth(openRates);
    await importAccounts(t, [imported.slow, 1]);
    await accountsIn(t).updateTable("accounts").set({ verified_at: null }).execute();
    await recount(t);
    const email = "imported-0-0@example.org";
    assert.deepEqual(await hashedBy(t, () => register(t, email, "imported-0-0")), [slow]);
    assert.deepEqual(
      await hashedBy(t, () => register(t, email, "another")),
      [slow ?? "", todaysMake(t.ctx)].toSorted(),
    );
  });
});

describe("the count of makes", () => {
  const counted = async (t: TestAuth) => {
    const fact = (await t.rows("facts")).find((row) => row.name === "password makes");
    return fact && JSON.parse(String(fact.value));
  };
  const sharesIn = async (t: TestAuth) =>
    Object.fromEntries(
      (await counted(t)).makes.map(({ make, share }: { make: string; share: number }) => [make, share]),
    );

  it("is made by a job, once an hour for all nodes", async () => {
    await using t = await testAuth();
    await using other = await t.restart();
    assert.ok(t.ctx.additions.jobs.includes(countingMakes));
    await importAccounts(t, [imported.slow, 1], [todaysMake(t.ctx), 3]);
    await countingMakes.run(t.ctx);
    assert.deepEqual(await sharesIn(t), { [slow ?? ""]: 0.25 });
    await upgrade(t, "imported-0-0");
    t.clock.advance("59m");
    for (const node of [t, other]) await countingMakes.run(node.ctx);
    assert.deepEqual(await sharesIn(t), { [slow ?? ""]: 0.25 });
    t.clock.advance("1m");
    await countingMakes.run(other.ctx);
    assert.deepEqual(await sharesIn(t), { [slow ?? ""]: 0 });
  });

  it("goes over all accounts, more than are read at once", async () => {
    await using t = await testAuth();
    await importAccounts(t, [imported.slow, 401], [todaysMake(t.ctx), 401], [imported.old, 802]);
    await countMakes(t.ctx);
    assert.deepEqual(await sharesIn(t), { [slow ?? ""]: 0.25, [old ?? ""]: 0.5 });
  });

  it("is made once a day where it found nothing old, and at the next turn once an imported account was met", async () => {
    await using t = await testAuth();
    await t.person();
    await countingMakes.run(t.ctx);
    assert.deepEqual(await sharesIn(t), {});
    await importAccounts(t, [imported.slow, 3]);
    t.clock.advance("23h");
    await login(t, "nobody@example.org");
    await countingMakes.run(t.ctx);
    assert.deepEqual(await sharesIn(t), {});
    await login(t, "imported-0-0@example.org");
    await countingMakes.run(t.ctx);
    assert.deepEqual(await sharesIn(t), { [slow ?? ""]: 0.75 });
  });

  it("takes hashes of ours for old ones, once ARGON2 is another", async () => {
    await using t = await testAuth();
    await t.person();
    await countingMakes.run(t.ctx);
    const { passwords } = t.ctx.config;
    const dearer = { ...passwords, argon2: { ...passwords.argon2, passes: 2 } };
    await using later = await t.restart({ passwords: dearer });
    await countingMakes.run(later.ctx);
    assert.deepEqual(await sharesIn(t), { [todaysMake(t.ctx)]: 1 });
    assert.deepEqual(new Set(await drawAll(later, strangers(50))), new Set([todaysMake(t.ctx)]));
  });

  it("holds nothing of anybody's hash", async () => {
    await using t = await testAuth();
    await importAccounts(t, [imported.slow, 1], [imported.middling, 1], [imported.old, 1]);
    await countMakes(t.ctx);
    assert.doesNotMatch(JSON.stringify(await counted(t)), /salt|Salt|777|Bwc/);
  });
});
