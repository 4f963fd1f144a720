/** Where the code is that the reference is written from. */

import { globSync } from "node:fs";
import { join } from "node:path";

export const source = join(import.meta.dirname, "../../src");

/** Product code, the command line aside. */
export function sourceFiles(): string[] {
  return globSync("{core,features,platform}/**/*.ts", { cwd: source })
    .filter((path) => !/\.test(?:ing)?\.ts$/.test(path))
    .toSorted();
}
