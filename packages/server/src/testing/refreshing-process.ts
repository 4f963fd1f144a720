/** A process that refreshes as it is told by its parent: `node refreshing-process.ts DATABASE_URL [SCHEMA]`. */

import { createAuth } from "../auth.ts";
import { loadConfig } from "../config.ts";
import { openDatabase } from "../platform/database/open.ts";
import type { Order, Outcome } from "./processes.ts";
import { testSecret } from "./test-auth.ts";

const [url = "", schema = ""] = process.argv.slice(2);
let now = 0;
const database = await openDatabase(url, schema ? { schema, poolSize: 8 } : {});
const auth = await createAuth({
  config: loadConfig({ NODE_ENV: "test", SECRET_KEY: testSecret, RATE_LIMITS: "off" }).config,
  database,
  now: () => new Date(now),
});

process.on("message", (order: Order) => void obey(order));
process.on("disconnect", () => void database.close());
process.send?.("ready");

async function obey({ refresh, times, now: shown }: Order): Promise<void> {
  now = shown;
  process.send?.(await Promise.all(Array.from({ length: times }, () => callOnce(refresh))));
}

async function callOnce(refresh: string): Promise<Outcome> {
  const answer = await auth.handler(
    new Request("http://localhost:8000/api/auth/token/refresh/", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refresh }),
    }),
  );
  const body = (await answer.json()) as { refresh?: string };
  return { status: answer.status, refresh: body.refresh, outcome: answer.headers.get("x-refresh") };
}
