import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type TestAuth, testAuth } from "../testing/test-auth.ts";
import type { Context } from "./context.ts";
import { event, record } from "./events/events.ts";
import { keepHouse } from "./housekeeping.ts";
import { limitsIn, takeOne } from "./limits/limits.ts";
import { enqueueMail } from "./mail/outbox.ts";
import { MailRefused } from "./mail/transports/transport.ts";
import { sendNextMail } from "./mail/worker.ts";
import { issueOneTimeToken } from "./one-time-tokens/one-time-tokens.ts";
import { passwordChangedMail } from "./passwords/mail.ts";

const count = async (t: TestAuth, table: string) => (await t.rows(table)).length;
const hour = 3_600_000;

async function accountId(t: TestAuth): Promise<string> {
  return String((await t.rows("accounts"))[0]?.id);
}

/** So many counters, all of which begin anew in a second. */
async function fillLimits(t: TestAuth, size: number): Promise<void> {
  const resetsAt = t.clock.now().getTime() + 1000;
  const rows = Array.from({ length: size }, (_, n) => ({ key: `key ${n}`, count: 1, resets_at: resetsAt }));
  await limitsIn(t.ctx).insertInto("limits").values(rows).execute();
}

describe("housekeeping", () => {
  it("removes mailed tokens whose time is over, used or not, and keeps the others", async () => {
    await using t = await testAuth();
    await t.person();
    const id = await accountId(t);
    await keepHouse(t.ctx);
    const before = await count(t, "one_time_tokens");
    await issueOneTimeToken(t.ctx, "password-reset", id, hour);
    await issueOneTimeToken(t.ctx, "password-reset", id, 2 * hour);
    t.clock.advance(hour);
    await keepHouse(t.ctx);
    assert.equal(await count(t, "one_time_tokens"), before + 2, "one is over this very millisecond");
    t.clock.advance(1);
    await keepHouse(t.ctx);
    assert.equal(await count(t, "one_time_tokens"), before + 1);
    t.clock.advance("25h");
    await keepHouse(t.ctx);
    assert.equal(await count(t, "one_time_tokens"), 0);
  });

  it("removes sessions past their absolute end, ended or not, and keeps the others", async () => {
    await using t = await testAuth({ environment: { SESSION_LIFETIME: "10d" } });
    const ada = await t.person();
    const ended = await ada.signIn();
    await t.http.post("/api/auth/logout/", { refresh: ended.refresh });
    await ada.signIn();
    t.clock.advance("1d");
    const later = await ada.signIn();
    t.clock.advance("9d");
    await keepHouse(t.ctx);
    assert.equal(await count(t, "sessions"), 3, "two are over this very millisecond");
    t.clock.advance(1);
    await keepHouse(t.ctx);
    assert.equal(await count(t, "sessions"), 1);
    assert.equal((await t.http.post("/api/auth/token/refresh/", { refresh: later.refresh })).status, 401);
  });

  it("removes counters that begin anew anyway, and keeps those that count", async () => {
    await using t = await testAuth();
    await takeOne(t.ctx, "short", { most: 1, within: 1000 });
    await takeOne(t.ctx, "long", { most: 1, within: hour });
    t.clock.advance(999);
    await keepHouse(t.ctx);
    assert.equal(await count(t, "limits"), 2);
    t.clock.advance(1);
    await keepHouse(t.ctx);
    assert.equal(await count(t, "limits"), 1);
    assert.ok((await takeOne(t.ctx, "long", { most: 1, within: hour })).emptyUntil);
  });

  it("forgets mail a week after it was sent or given up, and what a failed one held once it is of no use", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await t.mailbox();
    await enqueueMail(t.ctx, passwordChangedMail, ada.email, {});
    const refusing = {
      name: "refusing",
      send: async () => {
        throw new MailRefused({ reply: "550 no such mailbox", permanent: true });
      },
      verify: async () => undefined,
      close: () => undefined,
    };
    while (await sendNextMail(t.ctx, refusing));
    const failed = async () => (await t.rows("outbox")).filter((row) => row.state === "failed");
    const [row] = await failed();
    assert.notEqual(row?.payload, null);
    t.clock.advance(Number(row?.expires_at) - t.clock.now().getTime());
    await keepHouse(t.ctx);
    assert.notEqual((await failed())[0]?.payload, null);
    t.clock.advance(1);
    await keepHouse(t.ctx);
    assert.deepEqual(
      (await failed()).map((one) => one.payload),
      [null],
    );
    const sinceStart = t.clock.now().getTime() - Number(row?.finished_at);
    t.clock.advance(7 * 24 * hour - sinceStart);
    await keepHouse(t.ctx);
    assert.equal(await count(t, "outbox"), 2, "finished exactly a week ago");
    t.clock.advance(1);
    await enqueueMail(t.ctx, passwordChangedMail, ada.email, {});
    await keepHouse(t.ctx);
    assert.deepEqual(
      (await t.rows("outbox")).map((one) => one.state),
      ["waiting"],
    );
  });

  it("forgets what happened once the trail has kept it for as long as AUDIT_RETENTION says, and not before", async () => {
    await using t = await testAuth({ environment: { AUDIT_RETENTION: "30d" } });
    await record(t.ctx, event("lamp.lit"), null, {});
    t.clock.advance("1d");
    await record(t.ctx, event("lamp.put_out"), null, {});
    t.clock.advance("29d");
    await keepHouse(t.ctx);
    assert.deepEqual(await t.happened(), ["lamp.lit", "lamp.put_out"], "exactly thirty days ago");
    t.clock.advance(1);
    await keepHouse(t.ctx);
    assert.deepEqual(await t.happened(), ["lamp.put_out"]);
  });

  it("takes at most 500 rows in a statement, and goes on until nothing is left", async () => {
    let [isWatching, statements] = [false, 0];
    await using t = await testAuth({
      aroundStatement: (sql, run) => {
        if (isWatching && sql.startsWith('delete from "limits"')) statements += 1;
        return run();
      },
    });
    await fillLimits(t, 1200);
    t.clock.advance(1000);
    isWatching = true;
    await keepHouse(t.ctx);
    assert.equal(await count(t, "limits"), 0);
    assert.equal(statements, 3);
  });

  it("may be done by several nodes at once", async () => {
    await using t = await testAuth();
    await t.person();
    const id = await accountId(t);
    for (let n = 0; n < 50; n += 1) await issueOneTimeToken(t.ctx, "password-reset", id, hour);
    await fillLimits(t, 1600);
    await using other = await t.restart();
    t.clock.advance("30d");
    const contexts: Context[] = [t.ctx, other.ctx, t.ctx];
    await Promise.all(contexts.map(keepHouse));
    assert.deepEqual([await count(t, "one_time_tokens"), await count(t, "limits")], [0, 0]);
    await keepHouse(t.ctx);
  });

  it("never takes a counter that has begun anew while it waited for it", async () => {
    await using t = await testAuth();
    const allowance = { most: 5, within: 1000 };
    await takeOne(t.ctx, "bucket", allowance);
    t.clock.advance(1000);
    const [begun, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const counting = t.ctx.transaction(async (ctx) => {
      await takeOne(ctx, "bucket", allowance);
      begun.resolve();
      await letGo.promise;
    });
    await begun.promise;
    const keeping = keepHouse(t.ctx);
    await pause(50);
    letGo.resolve();
    await Promise.all([counting, keeping]);
    assert.equal(await count(t, "limits"), 1);
  });
});
