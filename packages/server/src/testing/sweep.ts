/** Fails the n-th statement of a flow, for every n, until it passes: each time all or nothing must have happened. */

import assert from "node:assert/strict";
import type { AroundStatement } from "../platform/database/dialect.ts";
import { type TestAuth, type TestOptions, testAuth } from "./test-auth.ts";

export interface SweepOptions extends TestOptions {
  /** Whether a failed call may have left something behind; by default nothing may have changed. */
  readonly mayLeaveTraces?: boolean;
}

class InjectedFault extends Error {}

/**
 * `prepare` sets a fresh system up and gives the call to be swept. After each failure the database must be as it was,
 * and the same call must then work.
 */
export async function sweep(
  prepare: (t: TestAuth) => Promise<() => Promise<unknown>>,
  options: SweepOptions = {},
): Promise<void> {
  for (let n = 1; n <= 200; n += 1) {
    let left = Number.POSITIVE_INFINITY;
    const aroundStatement: AroundStatement = async (sql, run) => {
      left -= 1;
      if (left === 0) throw new InjectedFault(`Injected instead of: ${sql}`);
      return run();
    };
    await using t = await testAuth({ ...options, aroundStatement });
    const call = await prepare(t);
    const before = await t.snapshot();
    left = n;
    const failure = await call().then(
      () => undefined,
      (error: unknown) => error,
    );
    const wasReached = left <= 0;
    left = Number.POSITIVE_INFINITY;
    if (!wasReached) {
      assert.equal(failure, undefined, "it fails without a fault");
      assert.ok(n > 1, "there was no statement to fail");
      return;
    }
    if (failure !== undefined && !options.mayLeaveTraces) {
      assert.deepEqual(await t.snapshot(), before, `statement ${n} failed, and something had changed`);
    }
    if (failure !== undefined) await call();
  }
  assert.fail("more than 200 statements");
}
