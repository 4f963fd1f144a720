/** What a call costs that a stranger could see or time: equal for addresses that we know and that we do not. */

import type { AroundStatement } from "../platform/database/dialect.ts";
import type { Answer } from "./http.ts";
import type { TestAuth } from "./test-auth.ts";

export interface Cost {
  readonly status: number;
  readonly text: string;
  readonly headers: readonly string[];
  readonly hashes: number;
  readonly statements: number;
  /** Rows that were written, and rows that were locked for it. */
  readonly rowsWritten: number;
  readonly mails: number;
  readonly events: number;
}

export interface Meter {
  /** For `testAuth`, so that statements are counted. */
  readonly aroundStatement: AroundStatement;
  readonly measure: (t: TestAuth, call: () => Promise<Answer>) => Promise<Cost>;
}

export function createMeter(): Meter {
  let [statements, rowsWritten] = [0, 0];
  return {
    aroundStatement: async (sql, run) => {
      statements += 1;
      const result = await run();
      if (/^(?:insert|update|delete)\b|\bfor (?:no key )?update\b/i.test(sql))
        rowsWritten += countRows(result);
      return result;
    },
    measure: async (t, call) => {
      const count = async (table: string) => (await t.rows(table)).length;
      const [mails, events, hashes] = [await count("outbox"), await count("audit"), t.hashes()];
      [statements, rowsWritten] = [0, 0];
      const { status, text, headers } = await call();
      const counted = { statements, rowsWritten };
      return {
        status,
        text,
        headers: [...headers.keys()].toSorted(),
        hashes: t.hashes() - hashes,
        ...counted,
        mails: (await count("outbox")) - mails,
        events: (await count("audit")) - events,
      };
    },
  };
}

/** However a driver says how many rows a statement gave or wrote. */
function countRows(result: unknown): number {
  const { rows, rowCount, numAffectedRows } = result as Readonly<Record<string, unknown>>;
  return Number(rowCount ?? numAffectedRows ?? (Array.isArray(rows) ? rows.length : 0));
}
