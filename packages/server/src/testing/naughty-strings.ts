/** Texts that have broken somebody's software before. */

import { readFileSync } from "node:fs";

const corpus = new URL("../../../../tests/corpora/naughty-strings/blns.txt", import.meta.url);

export const naughtyStrings: readonly string[] = readFileSync(corpus, "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
