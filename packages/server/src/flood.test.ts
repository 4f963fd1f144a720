import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keepHouse } from "./core/housekeeping.ts";
import { type TestAuth, testAuth } from "./testing/test-auth.ts";

const password = "Blue-Harbour-71";
const token = (n: number) => `0b57f3a6-5c1e-4d0e-9b1a-${String(n).padStart(12, "0")}`;
const newPassword = { new_password: password, new_password_confirm: password };

/** Something new each time for every call that anybody may make and that could leave a row behind. */
const floods: Readonly<Record<string, (n: number) => unknown>> = {
  "/api/auth/register/": (n) => ({
    ...{ email: `a${n}@example.org`, username: `a${n}`, password, password2: password },
    ...{ first_name: "", last_name: "" },
  }),
  "/api/auth/login/": (n) => ({ email: `b${n}@example.org`, password }),
  "/api/auth/verify-email/": (n) => ({ email: `c${n}@example.org`, code: "123456" }),
  "/api/auth/verify-email/:token/": () => ({}),
  "/api/auth/verify-email/resend/": (n) => ({ email: `d${n}@example.org` }),
  "/api/auth/password/reset/request/": (n) => ({ email: `e${n}@example.org` }),
  "/api/auth/password/reset/confirm/": (n) => ({ token: token(n), ...newPassword }),
  "/api/auth/token/refresh/": (n) => ({ refresh: token(n) }),
  "/api/auth/token/verify/": (n) => ({ token: token(n) }),
  "/api/auth/logout/": (n) => ({ refresh: token(n) }),
};

async function flood(t: TestAuth, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n += 1) {
    for (const [path, bodyOf] of Object.entries(floods)) {
      const { status } = await t.http.post(path.replace(":token", token(n)), bodyOf(n));
      statuses.push(status);
    }
  }
  return statuses;
}

async function countRows(t: TestAuth): Promise<Record<string, number>> {
  const tables = Object.entries(await t.snapshot()).map(([table, rows]) => [table, rows.length] as const);
  return Object.fromEntries(tables.filter(([table]) => !/^(?:facts|migrations)$/.test(table)));
}

describe("a flood of calls from one address", () => {
  it("tries everything that is open to anybody", async () => {
    await using t = await testAuth();
    const open = t.ctx.additions.endpoints.filter((one) => one.method !== "get" && !one.access.needsToken);
    const paths = new Set(open.map(({ path }) => path).filter((path) => !path.startsWith("/_/")));
    assert.deepEqual([...paths].toSorted(), Object.keys(floods).toSorted());
  });

  it("writes as much as its limits allow and not a row more, and of that all but accounts goes again", async () => {
    await using t = await testAuth();
    const first = await flood(t, 40);
    assert.ok(first.includes(201) && first.includes(429));
    const full = await countRows(t);
    const all = Object.values(full).reduce((sum, rows) => sum + rows, 0);
    assert.ok(all < 400, JSON.stringify(full));
    // Beyond the limits a call writes nothing, whatever it names.
    await flood(t, 5);
    assert.deepEqual(await countRows(t), full);
    await t.mailbox();
    for (const days of ["2d", "8d", "366d"] as const) {
      t.clock.advance(days);
      await keepHouse(t.ctx);
    }
    const left = Object.entries(await countRows(t)).filter(([, rows]) => rows > 0);
    assert.deepEqual(Object.fromEntries(left), { accounts: 20, registration_attempts: 20 });
  });
});
