import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sql } from "kysely";
import { announceStop } from "../../core/readiness.ts";
import { openDatabase } from "../../platform/database/open.ts";
import { createSchema, dropSchema } from "../../testing/postgres.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

/** A system whose database does what the test says, and that counts what it is asked. */
async function withDatabase() {
  const database = { asked: 0, answer: async (run: () => Promise<unknown>) => run() };
  const t = await testAuth({
    aroundStatement: async (_sql, run) => {
      database.asked += 1;
      return (await database.answer(run)) as Awaited<ReturnType<typeof run>>;
    },
  });
  database.asked = 0;
  return { t, database, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
}

const ready = (t: TestAuth) => t.http.get("/_/ready/");
const logged = (t: TestAuth) => t.log.map((line) => JSON.parse(line));

describe("health", () => {
  it("asks the database for nothing", async () => {
    await using system = await withDatabase();
    const { status, body } = await system.t.http.get("/_/health/");
    assert.deepEqual([status, body, system.database.asked], [200, { status: "ok" }, 0]);
  });

  it("answers, as readiness does, an address that has used up every limit", async () => {
    await using t = await testAuth();
    const verify = () => t.http.post("/api/auth/token/verify/", { token: "x" });
    for (let n = 0; n < 600; n += 1) await verify();
    assert.equal((await verify()).status, 429);
    for (let n = 0; n < 700; n += 1) {
      const { status } = await t.http.get(n % 2 ? "/_/health/" : "/_/ready/");
      assert.equal(status, 200, `call ${n}`);
    }
    assert.equal((await verify()).status, 429);
  });
});

describe("a flood of sign-ins", () => {
  it("keeps neither health nor readiness waiting for its end", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off", ARGON2: "19456,2,1" } });
    let over = 0;
    const signIn = async (n: number) => {
      const body = JSON.stringify({ email: `a${n}@example.org`, password: "Blue-Harbour-71" });
      const request = new Request("http://localhost:8000/api/auth/login/", {
        ...{ method: "POST", headers: { "content-type": "application/json" }, body },
      });
      // Some find the queue full, which is an answer too.
      const { status } = await t.auth.handler(request);
      over += 1;
      return status;
    };
    const flood = Promise.all(Array.from({ length: 60 }, (_, n) => signIn(n)));
    for (let n = 0; n < 5; n += 1) {
      t.clock.advance("1s");
      for (const path of ["/_/health/", "/_/ready/"])
        assert.equal((await t.http.get(path)).status, 200, path);
    }
    assert.ok(over < 60, "the flood was over before they answered");
    const statuses = new Set(await flood);
    assert.ok(statuses.has(400), [...statuses].join());
  });
});

describe("readiness", () => {
  it("looks once for all who ask within a second, together or one after another", async () => {
    await using system = await withDatabase();
    const { t, database } = system;
    const answers = await Promise.all(Array.from({ length: 50 }, () => ready(t)));
    for (const { status, body } of answers) assert.deepEqual([status, body], [200, { status: "ok" }]);
    const each = database.asked;
    assert.ok(each > 0);
    t.clock.advance(999);
    await ready(t);
    assert.equal(database.asked, each);
    t.clock.advance(1);
    await ready(t);
    assert.equal(database.asked, 2 * each);
    // A clock that is set back does not make what was seen last for longer.
    t.clock.advance(-3_600_000);
    await ready(t);
    assert.equal(database.asked, 3 * each);
  });

  it("is over while the database fails, and back within a second of its recovery; the log says so once each", async () => {
    await using system = await withDatabase();
    const { t, database } = system;
    assert.equal((await ready(t)).status, 200);
    database.answer = async () => {
      throw new Error("a fault", { cause: new Error("connect ECONNREFUSED db.internal:5432") });
    };
    for (let n = 0; n < 3; n += 1) {
      t.clock.advance("1s");
      const { status, body, headers, text } = await ready(t);
      assert.deepEqual([status, headers.get("retry-after")], [503, "1"]);
      assert.deepEqual(body, {
        ...{ status: "unavailable", failed: ["database"] },
        detail: "This server takes no calls just now.",
      });
      assert.doesNotMatch(text, /fault|db\.internal/);
    }
    database.answer = async (run) => run();
    t.clock.advance("1s");
    assert.equal((await ready(t)).status, 200);
    const said = logged(t).filter(({ msg }) => /ready/.test(msg));
    assert.deepEqual(
      said.map(({ level, msg, failed, error }) => [level, msg, failed, error]),
      [
        ["warn", "not ready", "database", "a fault <- connect ECONNREFUSED db.internal:5432"],
        ["info", "ready again", undefined, undefined],
      ],
    );
  });

  it("is over when the database says nothing, which it is not asked again meanwhile", async () => {
    await using system = await withDatabase();
    const { t, database } = system;
    const gate = Promise.withResolvers<void>();
    database.answer = async (run) => {
      await gate.promise;
      return run();
    };
    for (let n = 0; n < 2; n += 1) {
      const answers = await Promise.all([ready(t), ready(t), ready(t)]);
      for (const { status, body } of answers) {
        assert.deepEqual([status, body.status, body.failed], [503, "unavailable", ["database"]]);
      }
      t.clock.advance("1s");
    }
    assert.equal(database.asked, 1);
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await ready(t)).status, 200);
  });

  it("says that the node is stopping, which is still alive and asks for nothing", async () => {
    await using system = await withDatabase();
    const { t, database } = system;
    announceStop(t.ctx);
    const { status, body } = await ready(t);
    assert.deepEqual([status, body.status, body.failed], [503, "stopping", undefined]);
    assert.equal((await t.http.get("/_/health/")).status, 200);
    assert.equal(database.asked, 0);
  });

  const url = process.env.TEST_DATABASE_URL;
  it("is over where the database takes no writes", { skip: url ? false : "PostgreSQL only" }, async () => {
    const schema = await createSchema(url ?? "");
    const database = await openDatabase(url ?? "", { schema, poolSize: 1 });
    // It may answer with an error of its own; what is asked is left as it is.
    await using t = await testAuth({ database, aroundStatement: (_sql, run) => run() });
    assert.equal((await ready(t)).status, 200);
    // As a primary is that became a standby: it is read, and refuses to write.
    await sql`set session characteristics as transaction read only`.execute(database.kysely);
    t.clock.advance("1s");
    const { status, body } = await ready(t);
    assert.deepEqual([status, body.failed], [503, ["database"]]);
    await sql`set session characteristics as transaction read write`.execute(database.kysely);
    t.clock.advance("1s");
    assert.equal((await ready(t)).status, 200);
    await database.close();
    await dropSchema(url ?? "", schema);
  });
});

describe("the log", () => {
  it("has no line for a supervisor's question, unless its answer is bad", async () => {
    await using system = await withDatabase();
    const { t } = system;
    const lines = () => logged(t).filter(({ msg }) => msg === "request");
    for (const path of ["/_/health/", "/_/health", "/_/ready/", "/_/ready"]) {
      await t.http.get(path);
      await t.http.send(new Request(`http://localhost:8000${path}`, { method: "HEAD" }));
    }
    assert.deepEqual(lines(), []);
    announceStop(t.ctx);
    await ready(t);
    await t.http.post("/_/health/");
    await t.http.get("/_/healthy/");
    assert.deepEqual(
      lines().map(({ level, path, status }) => [level, path, status]),
      [
        ["info", "/_/ready/", 503],
        ["info", "/_/health/", 405],
        ["info", "/_/healthy/", 404],
      ],
    );
  });
});
