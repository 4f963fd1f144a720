/** The state of a database is told when it changes, and only then. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DatabaseBusy,
  DatabaseRefused,
  DatabaseUnreachable,
  DatabaseUnwritable,
  LockTimeout,
  TransactionConflict,
} from "./dialect.ts";
import { createWatch } from "./watch.ts";

function watchDatabase() {
  const told: string[] = [];
  let seconds = 0;
  const watch = createWatch({
    now: () => new Date(seconds * 1000),
    gone: (error) => told.push(`gone: ${error.message}`),
    back: (milliseconds) => told.push(`back after ${milliseconds} ms`),
  });
  const wait = (more: number) => {
    seconds += more;
  };
  return { ...watch, told, wait };
}

describe("the state of a database", () => {
  it("is told once when it goes, and once when it is back, with the time between", () => {
    const { failed, answered, wrote, wait, told } = watchDatabase();
    answered();
    wrote();
    for (let n = 0; n < 50; n += 1) failed(new DatabaseUnreachable(undefined, "nothing listens"));
    wait(21);
    for (let n = 0; n < 50; n += 1) answered();
    failed(new DatabaseUnreachable(undefined, "no answer"));
    wait(2);
    wrote();
    assert.deepEqual(told, [
      "gone: nothing listens",
      "back after 21000 ms",
      "gone: no answer",
      "back after 2000 ms",
    ]);
  });

  it("is told again when the reason is another, and the time counts from the first", () => {
    const { failed, answered, wait, told } = watchDatabase();
    answered();
    failed(new DatabaseUnreachable(undefined, "nothing listens"));
    wait(1);
    failed(new DatabaseRefused(undefined, "wrong password"));
    wait(1);
    answered();
    assert.deepEqual(told, ["gone: nothing listens", "gone: wrong password", "back after 2000 ms"]);
  });

  it("is not well while only reading works: a change that is written proves it", () => {
    const { failed, answered, wrote, wait, told } = watchDatabase();
    answered();
    failed(new DatabaseUnwritable(undefined, "disk full"));
    wait(5);
    answered();
    failed(new DatabaseUnwritable(undefined, "disk full"));
    assert.deepEqual(told, ["gone: disk full"]);
    wait(5);
    wrote();
    assert.deepEqual(told, ["gone: disk full", "back after 10000 ms"]);
  });

  it("is not told of one that was not there yet", () => {
    const { failed, answered, told } = watchDatabase();
    failed(new DatabaseUnreachable(undefined, "nothing listens"));
    answered();
    assert.deepEqual(told, []);
  });

  it("is not told by one call that was refused", () => {
    const { failed, answered, told } = watchDatabase();
    answered();
    for (const error of [
      new DatabaseBusy(undefined),
      new LockTimeout(undefined),
      new TransactionConflict(undefined),
    ])
      failed(error);
    assert.deepEqual(told, []);
  });
});
