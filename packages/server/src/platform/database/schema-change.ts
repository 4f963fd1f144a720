/** Changes tables alone and patiently: everybody else goes on in between. */

import { setTimeout as pause } from "node:timers/promises";
import type { Kysely } from "kysely";
import { type Database, LockTimeout, type NoTables, TransactionConflict } from "./dialect.ts";

const mostTries = 5;
/** Between two tries: who queued up behind ours goes first. */
const rest = 500;

/**
 * Runs `work` in a transaction that no other schema change runs beside. A table in use is waited for a moment only, since
 * everyone else queues up behind; then the transaction is begun anew, five times at the most.
 */
export async function changeSchema<Result>(
  database: Database,
  work: (db: Kysely<NoTables>) => Promise<Result>,
): Promise<Result> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await database.kysely.transaction().execute(async (db) => {
        await database.lockSchema(db);
        return work(db);
      });
    } catch (error) {
      const mayPass = error instanceof LockTimeout || error instanceof TransactionConflict;
      if (!mayPass || tried === mostTries) throw error;
      await pause(rest);
    }
  }
}
