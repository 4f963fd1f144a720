/** A process that calls the system as its parent tells it: `node calling-process.ts SETTINGS DATABASE_URL [SCHEMA]`. */

import { createAuth } from "../auth.ts";
import { loadConfig } from "../config.ts";
import { openDatabase } from "../platform/database/open.ts";
import type { Environment } from "../platform/settings.ts";
import type { Order, ProcessAnswer, ProcessCall } from "./processes.ts";
import { testSecret } from "./test-auth.ts";

const [settings = "{}", url = "", schema = ""] = process.argv.slice(2);
let now = 0;
const database = await openDatabase(url, schema ? { schema, poolSize: 8 } : {});
const environment = JSON.parse(settings) as Environment;
const auth = await createAuth({
  config: loadConfig({ NODE_ENV: "test", SECRET_KEY: testSecret, ARGON2: "8,1,1", ...environment }).config,
  database,
  now: () => new Date(now),
});

process.on("message", (order: Order) => void obey(order));
process.on("disconnect", () => void database.close());
process.send?.("ready");

async function obey({ calls, now: shown }: Order): Promise<void> {
  now = shown;
  process.send?.(await Promise.all(calls.map(callOnce)));
}

async function callOnce({ method, path, body, token }: ProcessCall): Promise<ProcessAnswer> {
  const request = new Request(new URL(path, "http://localhost:8000"), {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await auth.handler(request);
  const outcome = answer.headers.get("x-refresh");
  return { status: answer.status, body: (await answer.json()) as ProcessAnswer["body"], outcome };
}
