import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { DatabaseBusy } from "../../platform/database/dialect.ts";
import { parseDuration } from "../../platform/duration.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { findOneTimeToken } from "../one-time-tokens/one-time-tokens.ts";
import { putBack, takeOne } from "./limits.ts";

const loginPath = "/api/auth/login/";
const wrong = (email: string) => ({ email, password: "Wrong-Harbour-1" });
const tooMany = /^Request was throttled\. Expected available in \d+ seconds?\.$/;
/** Another address block for every number. */
const block = (n: number) => `10.${n >> 8}.${n & 255}.1`;
const statusesOf = async (times: number, call: (n: number) => Promise<{ status: number }>) => {
  const statuses: number[] = [];
  for (let n = 0; n < times; n += 1) statuses.push((await call(n)).status);
  return statuses;
};

describe("guesses at one account", () => {
  it("are ten in a quarter of an hour, from wherever they come, and an unknown address is limited alike", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    for (const email of [ada.email, "nobody@example.org"]) {
      const guess = (n: number) => t.http.post(loginPath, wrong(email), { from: block(n) });
      assert.deepEqual(await statusesOf(60, guess), [...Array(10).fill(400), ...Array(50).fill(429)]);
      const { body, headers } = await guess(201);
      assert.match(body.detail, tooMany);
      assert.equal(headers.get("retry-after"), "900");
    }
    const before = t.hashes();
    assert.equal((await ada.login(ada.password, { from: block(300) })).status, 429, "an oracle");
    assert.equal(t.hashes(), before);
    t.clock.advance(15 * 60_000 - 1);
    assert.equal((await ada.login(ada.password, { from: block(301) })).status, 429);
    t.clock.advance(1);
    assert.equal((await ada.login()).status, 200);
  });

  it("reach the hasher ten times at the most, of a hundred at the same moment", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const before = t.hashes();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => t.http.post(loginPath, wrong(ada.email), { from: block(n) })),
    );
    assert.equal(answers.filter(({ status }) => status === 400).length, 10);
    assert.equal(answers.filter(({ status }) => status === 429).length, 90);
    assert.equal(t.hashes() - before, 10);
  });

  it("are counted together by two processes on one database, and outlive a restart", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await using other = await t.restart();
    const before = t.hashes() + other.hashes();
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        (n % 2 ? t : other).http.post(loginPath, wrong(ada.email), { from: block(n) }),
      ),
    );
    assert.equal(t.hashes() + other.hashes() - before, 10);
    await using later = await t.restart();
    assert.equal((await later.http.post(loginPath, wrong(ada.email))).status, 429);
  });

  it("count together for every spelling of an address", async () => {
    await using t = await testAuth();
    const spellings = [
      ...["ada@example.org", "ADA@example.org", "ada@EXAMPLE.ORG", " ada@example.org", "ada@example.org\t"],
      ...[
        "\u00a0ada@example.org",
        "ada@ｅxample.org",
        "ada@exam\u00adple.org",
        "ada@example。org",
        "Ada@Example.Org",
      ],
    ];
    const guess = (n: number) => t.http.post(loginPath, wrong(spellings[n % 10] ?? ""), { from: block(n) });
    assert.deepEqual(await statusesOf(12, guess), [...Array(10).fill(400), 429, 429]);
    const tagged = await t.http.post(loginPath, wrong("ada+x@example.org"));
    assert.equal(tagged.status, 400, "a tag makes another address, as everywhere");
  });

  it("count together for every spelling of the path, or are no guesses", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const same = [
      "/api/auth/login/",
      "/api/auth/login",
      "/api/auth/./login/",
      "/api/auth/%6cogin/",
      "/api/auth/login/?x",
    ];
    const guess = (n: number) => t.http.post(same[n % 5] ?? "", wrong(ada.email), { from: block(n) });
    assert.deepEqual(await statusesOf(12, guess), [...Array(10).fill(400), 429, 429]);
    const before = t.hashes();
    for (const path of [
      ...["/api/auth//login/", "/api/auth/LOGIN/", "/api/auth/login;x/", "/api/auth/login//"],
      ...["/api/auth%2flogin/", "/api/auth/login%00/", "/api/auth/login/x", "/api/auth/login%2f"],
    ]) {
      assert.equal((await t.http.post(path, wrong(ada.email))).status, 404, path);
    }
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"]) {
      const request = new Request("http://localhost:8000/api/auth/login/", { method });
      assert.equal((await t.http.send(request)).status, 405, method);
    }
    assert.equal(t.hashes(), before);
  });

  it("with a stolen access token are ten too, for change and deletion together", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const { access } = await ada.signIn();
    const change = (current: string) => ({
      ...{ current_password: current, new_password: "Green-Valley-82" },
      ...{ new_password_confirm: "Green-Valley-82" },
    });
    const guess = (n: number) => {
      const options = { token: access, from: block(n) };
      return n % 2
        ? t.http.post("/api/auth/password/change/", change("Wrong-Harbour-1"), options)
        : t.http.delete("/api/auth/account/", { password: "Wrong-Harbour-1" }, options);
    };
    assert.deepEqual(await statusesOf(12, guess), [...Array(10).fill(400), 429, 429]);
    const right = await t.http.post("/api/auth/password/change/", change(ada.password), { token: access });
    assert.equal(right.status, 429);
    assert.equal((await ada.login()).status, 200, "signing in is counted apart");
    t.clock.advance("14m");
    const { access: later } = await ada.signIn();
    t.clock.advance("1m");
    const again = await t.http.post("/api/auth/password/change/", change(ada.password), { token: later });
    assert.equal(again.status, 200);
  });

  it("begin no hash when they cannot be counted", async () => {
    for (const error of [new Error("Injected"), new DatabaseBusy(new Error("Injected"))]) {
      let isBroken = false;
      await using t = await testAuth({
        aroundStatement: async (sql, run) => {
          if (isBroken && /"limits"/.test(sql)) throw error;
          return run();
        },
      });
      const ada = await t.person();
      const { access } = await ada.signIn();
      isBroken = true;
      const before = t.hashes();
      const answers = [
        await ada.login(),
        await t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
        await t.http.post("/api/auth/verify-email/", { email: ada.email, code: "123456" }),
        await t.http.post("/api/auth/password/reset/request/", { email: ada.email }),
      ];
      const expected = error instanceof DatabaseBusy ? 503 : 500;
      for (const { status } of answers) assert.equal(status, expected);
      assert.equal(t.hashes(), before);
      isBroken = false;
      assert.equal((await ada.login()).status, 200, "it does not recover");
    }
  });
});

describe("calls from one address block", () => {
  it("are as many as the operator says, where many people share an address", async () => {
    const environment = { RATE_LIMIT_LOGIN: "3/2m", RATE_LIMIT_REGISTER: "2/1h", RATE_LIMIT_EMAIL: "1/5m" };
    await using t = await testAuth({ environment });
    const email = (n: number) => ({ email: `p${n}@example.org` });
    const rules: [number, string, string, (n: number) => unknown][] = [
      [3, "120", loginPath, (n) => wrong(`p${n}@example.org`)],
      [2, "3600", "/api/auth/register/", () => ({})],
      [1, "300", "/api/auth/verify-email/resend/", email],
      [1, "300", "/api/auth/password/reset/request/", email],
    ];
    for (const [most, retryAfter, path, bodyOf] of rules) {
      const statuses = await statusesOf(most, (n) => t.http.post(path, bodyOf(n)));
      assert.ok(!statuses.includes(429), `${path}: ${statuses}`);
      const refused = await t.http.post(path, bodyOf(most));
      assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, retryAfter], path);
    }
    const { body: document } = await t.http.get("/api/schema/");
    assert.match(document.paths[loginPath].post.description, /^Limit: 3 in 2 min by address;/m);
  });

  it("are limited for each endpoint, whatever account they name", async () => {
    await using t = await testAuth();
    const register = (n: number) => ({
      ...{ email: `p${n}@example.org`, username: `p${n}`, first_name: "", last_name: "" },
      ...{ password: "Blue-Harbour-71", password2: "Blue-Harbour-71" },
    });
    const code = (n: number) => ({ email: `p${n}@example.org`, code: "123456" });
    const confirm = { token: crypto.randomUUID(), new_password: "Green-Valley-82" };
    const rules: [number, number, string, (n: number) => unknown][] = [
      [30, 60_000, loginPath, (n) => wrong(`p${n}@example.org`)],
      [20, 3_600_000, "/api/auth/register/", register],
      [20, 3_600_000, "/api/auth/verify-email/resend/", (n) => ({ email: `p${n}@example.org` })],
      [20, 3_600_000, "/api/auth/password/reset/request/", (n) => ({ email: `p${n}@example.org` })],
      [30, 60_000, "/api/auth/verify-email/", code],
      [
        30,
        3_600_000,
        "/api/auth/password/reset/confirm/",
        () => ({ ...confirm, new_password_confirm: confirm.new_password }),
      ],
    ];
    for (const [most, within, path, bodyOf] of rules) {
      const call = (n: number, from = "192.0.2.1") => t.http.post(path, bodyOf(n), { from });
      const statuses = await statusesOf(most + 2, call);
      assert.ok(
        statuses.slice(0, most).every((status) => status !== 429),
        `${path}: ${statuses}`,
      );
      assert.deepEqual(statuses.slice(most), [429, 429], path);
      const before = t.hashes();
      assert.equal((await call(most + 3)).headers.get("retry-after"), String(within / 1000));
      assert.equal(t.hashes(), before);
      assert.notEqual((await call(most + 4, "192.0.2.2")).status, 429, path);
      t.clock.advance(within - 1);
      assert.equal((await call(most + 5)).status, 429, path);
      t.clock.advance(1);
      assert.notEqual((await call(most + 6)).status, 429, path);
    }
  });

  it("are counted by the /64 of an IPv6 address, however it is written", async () => {
    await using t = await testAuth();
    const spellings = [
      ...[
        "2001:db8::1",
        "2001:DB8:0:0:ffff::1",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "2001:db8::2%eth0",
      ],
      "2001:db8:0:0:a:b:c:d",
    ];
    const guess = (from: string, n: number) => t.http.post(loginPath, wrong(`p${n}@example.org`), { from });
    await statusesOf(30, (n) => guess(spellings[n % 5] ?? "", n));
    for (const from of spellings) assert.equal((await guess(from, 40)).status, 429, from);
    assert.equal((await guess("2001:db8:0:1::1", 41)).status, 400, "the neighbour");
    const mapped = ["192.0.2.9", "::ffff:192.0.2.9", "::FFFF:192.0.2.9", "0:0:0:0:0:ffff:c000:209"];
    await statusesOf(30, (n) => guess(mapped[n % 4] ?? "", 50 + n));
    for (const from of mapped) assert.equal((await guess(from, 90)).status, 429, from);
  });

  it("are the socket's, whatever a header claims", async () => {
    await using t = await testAuth();
    const names = [
      ...["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip"],
      ...["x-cluster-client-ip", "fastly-client-ip", "x_forwarded_for", "x-original-forwarded-for", "via"],
    ];
    const guess = (n: number) => {
      const name = names[n % names.length] ?? "";
      const value = name === "forwarded" ? `for=198.51.100.${n}` : `198.51.100.${n}, 203.0.113.${n}`;
      return t.http.post(loginPath, wrong(`p${n}@example.org`), {
        from: "192.0.2.1",
        headers: { [name]: value },
      });
    };
    assert.deepEqual(await statusesOf(33, guess), [...Array(30).fill(400), 429, 429, 429]);
    const stored = (await t.rows("audit")).map((row) => row.address);
    assert.deepEqual([...new Set(stored)], ["192.0.2.1"]);
  });

  it("are those a trusted proxy speaks for, and of what it passes on only what it added itself", async () => {
    await using t = await testAuth({ environment: { TRUSTED_PROXIES: "192.0.2.0/24" } });
    const guess = (from: string, forwarded: string, n: number) =>
      t.http.post(loginPath, wrong(`p${n}@example.org`), {
        ...{ from, headers: { "x-forwarded-for": forwarded } },
      });
    // The left part is the caller's invention; the right one is what the proxy saw.
    const statuses = await statusesOf(32, (n) => guess("192.0.2.1", `198.51.100.${n}, 203.0.113.5`, n));
    assert.deepEqual(statuses, [...Array(30).fill(400), 429, 429]);
    assert.equal((await guess("192.0.2.1", "203.0.113.6", 50)).status, 400, "another customer");
    assert.equal((await guess("192.0.2.77", "203.0.113.5, 192.0.2.1", 51)).status, 429, "by two proxies");
    assert.equal((await guess("198.51.100.1", "203.0.113.5", 52)).status, 400, "not by a proxy of ours");
  });

  it("that guess nothing are limited in memory, to six hundred a minute", async () => {
    await using t = await testAuth();
    const verify = (token: string) => t.http.post("/api/auth/token/verify/", { token });
    const answers = [await verify("x"), await verify("a.b.c"), await verify("eyJhbGciOiJub25lIn0.e30.")];
    assert.deepEqual(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1);
    const statuses = await statusesOf(598, () => verify("x"));
    assert.equal(statuses.filter((status) => status === 429).length, 1);
    assert.deepEqual(await t.rows("limits"), [], "a read costs a write");
    t.clock.advance("1m");
    assert.equal((await verify("x")).status, 401);
  });

  it("are without limit where an operator switched limits off", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    assert.deepEqual(
      new Set(await statusesOf(40, () => t.http.post(loginPath, wrong("ada@example.org")))),
      new Set([400]),
    );
  });
});

describe("mail to one address", () => {
  const ask = {
    "reset-password": "/api/auth/password/reset/request/",
    "verify-email": "/api/auth/verify-email/resend/",
  };
  const countOf = async (t: TestAuth, name: string) =>
    (await t.mailbox()).filter(({ mail }) => mail === name).length;

  for (const [mail, path] of Object.entries(ask)) {
    it(`is five an hour and ten a day of ${mail}, a minute apart, and nobody is told when there is no more`, async () => {
      await using t = await testAuth();
      const { email } = await t.person({ verified: mail === "reset-password" });
      await t.mailbox();
      t.clock.advance("24h");
      const start = await countOf(t, mail);
      const texts = new Set<string>();
      let asked = 0;
      const askOften = async () => {
        for (let n = 0; n < 8; n += 1) {
          asked += 1;
          const to = asked % 2 ? email : email.toUpperCase();
          const { status, text } = await t.http.post(path, { email: to }, { from: block(asked) });
          texts.add(`${status} ${text}`);
          await t.mailbox();
          t.clock.advance("1m");
        }
        return (await countOf(t, mail)) - start;
      };
      assert.equal(await askOften(), 5);
      t.clock.advance("1h");
      assert.equal(await askOften(), 10);
      t.clock.advance("1h");
      const evenSo = mail === "reset-password" ? 1 : 0;
      assert.equal(await askOften(), 10 + evenSo);
      t.clock.advance("22h");
      assert.equal(await askOften(), 15 + evenSo);
      assert.equal(texts.size, 1);
      assert.deepEqual(
        (await t.rows("outbox")).filter((row) => row.state !== "sent"),
        [],
      );
    });
  }

  for (const time of ["5m", "60m", "24h"] as const) {
    it(`never runs out for a reset link of ${time}: however many a stranger asks for, its owner finds one that works`, async () => {
      await using t = await testAuth({ environment: { PASSWORD_RESET_TTL: time } });
      const { email } = await t.person();
      for (let round = 0; round < 30; round += 1) {
        const began = t.clock.now().getTime();
        for (let n = 0; n < 4; n += 1) {
          await t.http.post(ask["reset-password"], { email }, { from: block(round * 4 + n) });
          await t.mailbox();
          t.clock.advance("1m");
        }
        const token = await t.linkToken("reset-password", email);
        assert.ok(await findOneTimeToken(t.ctx, "password-reset", token), `after ${round} times ${time}`);
        t.clock.advance(began + (parseDuration(time) ?? 0) - t.clock.now().getTime());
      }
    });
  }

  it("is one reset link at a time once the budget of the day is used up", async () => {
    await using t = await testAuth();
    const { email } = await t.person();
    const began = t.clock.now().getTime();
    const hour = 3_600_000;
    const counts: number[] = [];
    for (const [moment, times] of [
      ...[[0, 6] as const, [hour, 6] as const, [2 * hour, 6] as const],
      ...[[3 * hour - 1, 1] as const, [3 * hour, 1] as const],
    ]) {
      t.clock.advance(began + moment - t.clock.now().getTime());
      for (let n = 0; n < times; n += 1) {
        if (n > 0) t.clock.advance("1m");
        await t.auth.passwordReset.request(email);
        await t.mailbox();
      }
      counts.push(await countOf(t, "reset-password"));
    }
    assert.deepEqual(counts, [5, 10, 11, 11, 12]);
  });

  it("leaves its owner the last reset link, still good, when a stranger asked for too many", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    for (let n = 0; n < 15; n += 1) {
      await t.http.post(ask["reset-password"], { email: ada.email }, { from: block(n) });
      await t.mailbox();
      t.clock.advance("1m");
    }
    const token = await t.linkToken("reset-password", ada.email);
    const chosen = { token, new_password: "Green-Valley-82", new_password_confirm: "Green-Valley-82" };
    assert.equal((await t.http.post("/api/auth/password/reset/confirm/", chosen)).status, 200);
  });

  it("tells an owner once a minute and five times an hour at most that somebody registers", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    const counts: number[] = [];
    for (let n = 0; n < 14; n += 1) {
      const registration = { email: ada.email, username: `eve${n}`, password: "Red-Moon-5512", fields: {} };
      await t.auth.registration.register(registration);
      counts.push(await countOf(t, "already-registered"));
      t.clock.advance("30s");
    }
    assert.deepEqual(counts, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5]);
  });
});

describe("a bucket", () => {
  it("never gives more than it holds in one window, whatever the order of calls and clocks", async () => {
    await using t = await testAuth();
    let bucket = 0;
    const waits = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(waits, fc.integer({ min: 1, max: 4 }), async (list, most) => {
        bucket += 1;
        const given: number[] = [];
        for (const wait of list) {
          t.clock.advance(wait);
          const { emptyUntil } = await takeOne(t.ctx, `test ${bucket}`, { most, within: 1000 });
          const now = t.clock.now().getTime();
          if (!emptyUntil) given.push(now);
          else assert.ok(emptyUntil.getTime() > now && emptyUntil.getTime() <= now + 1000);
        }
        // Windows begin with the first call after the last one ended.
        for (let first = 0; first < given.length; ) {
          const end = (given[first] ?? 0) + 1000;
          const inWindow = given.filter((at, n) => n >= first && at < end).length;
          assert.ok(inWindow <= most);
          first += inWindow;
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gets nothing back in a window that began after it was taken", async () => {
    await using t = await testAuth();
    const rule = { most: 1, within: 60_000 };
    const early = await takeOne(t.ctx, "test", rule);
    t.clock.advance("1m");
    const late = await takeOne(t.ctx, "test", rule);
    await putBack(t.ctx, early);
    assert.ok((await takeOne(t.ctx, "test", rule)).emptyUntil);
    await putBack(t.ctx, late);
    assert.equal((await takeOne(t.ctx, "test", rule)).emptyUntil, undefined);
  });

  it("is not shut for a day when the clock is set back by one", async () => {
    await using t = await testAuth();
    const rule = { most: 1, within: 60_000 };
    await takeOne(t.ctx, "test", rule);
    t.clock.advance(-24 * 3_600_000);
    assert.equal((await takeOne(t.ctx, "test", rule)).emptyUntil, undefined);
    t.clock.advance(-1000);
    const { emptyUntil } = await takeOne(t.ctx, "test", rule);
    assert.equal(emptyUntil?.getTime(), t.clock.now().getTime() + 60_000, "a small step opens nothing");
  });

  it("is stored under a name that tells nobody whose it is", async () => {
    await using t = await testAuth();
    await t.http.post(loginPath, wrong("ada@example.org"), { from: "192.0.2.1" });
    const stored = JSON.stringify(await t.rows("limits"));
    assert.doesNotMatch(stored, /ada|192\.0/);
    assert.equal((await t.rows("limits")).length, 2);
  });
});
