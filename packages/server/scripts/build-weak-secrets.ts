/**
 * Compiles a list of published JWT secrets into the filter that the server ships:
 * `node scripts/build-weak-secrets.ts LIST`. The same list gives the same bytes.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { secretForm, secretMinBytes } from "../src/core/keys/weak-secrets.ts";
import { buildFilter } from "../src/core/passwords/common-filter.ts";

const [list] = process.argv.slice(2);
if (!list) {
  process.stderr.write("usage: node scripts/build-weak-secrets.ts LIST\n");
  process.exit(2);
}

// Shorter ones are refused for their length already.
const secrets = readFileSync(list, "utf8")
  .split(/\r?\n/)
  .filter((line) => Buffer.byteLength(line) >= secretMinBytes);
const members = new Set(secrets.map(secretForm));

const filter = buildFilter(members);
writeFileSync(new URL("../src/core/keys/weak-secrets.bin", import.meta.url), filter);
process.stdout.write(`${members.size} secrets in ${filter.length} bytes\n`);
