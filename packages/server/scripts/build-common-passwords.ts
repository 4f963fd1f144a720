/**
 * Compiles the lists of common passwords into the filter that the server ships:
 * `node scripts/build-common-passwords.ts DJANGO_LIST ZXCVBN_LIST`. The same lists give the same bytes.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { commonForm } from "../src/core/passwords/common.ts";
import { buildFilter } from "../src/core/passwords/common-filter.ts";

const [djangoList, zxcvbnList] = process.argv.slice(2);
if (!djangoList || !zxcvbnList) {
  process.stderr.write("usage: node scripts/build-common-passwords.ts DJANGO_LIST ZXCVBN_LIST\n");
  process.exit(2);
}

const members = new Set<string>();
for (const line of linesOf(djangoList)) members.add(commonForm(line));
// "password count", the password itself possibly with a space in it.
for (const line of linesOf(zxcvbnList)) members.add(commonForm(line.replace(/\s+\d+$/, "")));
members.delete("");

const filter = buildFilter(members);
writeFileSync(new URL("../src/core/passwords/common-passwords.bin", import.meta.url), filter);
process.stdout.write(`${members.size} passwords in ${filter.length} bytes\n`);

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").split(/\r?\n/);
}
