/** A process that sends the mail it finds in a database, and reports each: `node mailing-process.ts URL [SCHEMA]`. */

import { setTimeout as pause } from "node:timers/promises";
import { createAuth } from "../auth.ts";
import { loadConfig } from "../config.ts";
import { startMailWorker } from "../core/mail/worker.ts";
import { standardFeatures } from "../features.ts";
import { openDatabase } from "../platform/database/open.ts";
import { noteMail, transportOf } from "./mail.ts";
import { testSecret } from "./test-auth.ts";

const [url = "", schema = ""] = process.argv.slice(2);
const database = await openDatabase(url, schema ? { schema, poolSize: 4 } : {});
const auth = await createAuth({
  config: loadConfig({ NODE_ENV: "test", SECRET_KEY: testSecret }).config,
  features: [...standardFeatures, noteMail().feature],
  database,
});
const transport = transportOf(async ({ to }) => {
  process.send?.(to);
  // As long as a mail server may take, so that the processes meet.
  await pause(5);
  return { reply: `250 taken by ${process.pid}` };
});
const worker = startMailWorker(auth.context("mail worker"), transport);
process.on("disconnect", () => void worker.stop().then(() => database.close()));
process.send?.("ready");
