/**
 * Stands for the release after today's: today's code with migrations that it does not have yet. A server on a free port,
 * with the settings of its environment; NEXT_BREAKS is the reason for which it breaks the release before, if it does.
 */

import type { AddressInfo } from "node:net";
import { createAuth } from "../../packages/server/src/auth.ts";
import { loadConfig } from "../../packages/server/src/config.ts";
import type { Feature } from "../../packages/server/src/core/feature.ts";
import { standardFeatures } from "../../packages/server/src/features.ts";
import { serve } from "../../packages/server/src/serve.ts";

const { NEXT_BREAKS: breaks, ...environment } = process.env;

/** All that an additive migration may bring. */
const additive: Feature = {
  name: "additive",
  migrations: {
    "2999-01-01-additive": {
      breaks: false,
      run: async ({ db, text, integer, time }) => {
        await db.schema
          .createTable("passkeys")
          .addColumn("id", text, (column) => column.primaryKey())
          .addColumn("account_id", text, (column) =>
            column.notNull().references("accounts.id").onDelete("cascade"),
          )
          .execute();
        for (const table of ["accounts", "sessions", "one_time_tokens", "outbox", "audit", "limits"]) {
          await db.schema.alterTable(table).addColumn("seen_by_next_at", time).execute();
          const count = (column: string) =>
            db.schema
              .alterTable(table)
              .addColumn(column, integer, (definition) => definition.notNull().defaultTo(0));
          await count("counted_by_next").execute();
        }
        await db.schema.createIndex("accounts_seen").on("accounts").column("seen_by_next_at").execute();
      },
    },
  },
};

const breaking: Feature = {
  name: "breaking",
  migrations: { "2999-01-02-breaking": { breaks: breaks ?? false, run: async () => undefined } },
};

const say = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const { config } = loadConfig(environment);
const auth = await createAuth({
  config,
  features: [...standardFeatures, additive, ...(breaks === undefined ? [] : [breaking])],
  log: (level, msg, fields) => say({ level, msg, ...fields }),
});
await auth.migrate();
const { server, stop } = await serve(auth, { host: config.host, port: 0 });
process.once("SIGTERM", () => void stop().then(() => process.exit(0)));
say({ msg: "ready", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
