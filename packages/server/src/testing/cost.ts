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
  readonly mails: number;
  readonly events: number;
}

export interface Meter {
  /** For `testAuth`, so that statements are counted. */
  readonly aroundStatement: AroundStatement;
  readonly measure: (t: TestAuth, call: () => Promise<Answer>) => Promise<Cost>;
}

export function createMeter(): Meter {
  let statements = 0;
  return {
    aroundStatement: (_sql, run) => {
      statements += 1;
      return run();
    },
    measure: async (t, call) => {
      const count = async (table: string) => (await t.rows(table)).length;
      const [mails, events, hashes] = [await count("outbox"), await count("audit"), t.hashes()];
      statements = 0;
      const { status, text, headers } = await call();
      const counted = statements;
      return {
        status,
        text,
        headers: [...headers.keys()].toSorted(),
        hashes: t.hashes() - hashes,
        statements: counted,
        mails: (await count("outbox")) - mails,
        events: (await count("audit")) - events,
      };
    },
  };
}
