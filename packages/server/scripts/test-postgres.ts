/** Runs test files on PostgreSQL: `node scripts/test-postgres.ts [options of node --test] FILES`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { startPostgres } from "../src/testing/postgres.ts";

const given = process.env.TEST_DATABASE_URL;
const server = given ? { url: given, stop: async () => {} } : await startPostgres();
try {
  const tests = spawn(process.execPath, ["--test", ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, TEST_DATABASE_URL: server.url },
  });
  const [code] = await once(tests, "exit");
  process.exitCode = code ?? 1;
} finally {
  await server.stop();
}
