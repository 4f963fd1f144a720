/** Keeps the package as it would be published now, for the next release to be tried beside it: tests/releases/*.tgz. */

import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Releases that are kept: the one before, and while a new one is being made, that one too. */
const kept = 2;

const root = join(import.meta.dirname, "..");
const folder = process.argv[2] ?? join(root, "../../tests/releases");
execFileSync(process.execPath, [join(import.meta.dirname, "build.ts")], { stdio: "inherit" });
mkdirSync(folder, { recursive: true });
execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: root, stdio: "inherit" });
const older = globSync("*.tgz", { cwd: folder })
  .toSorted((one, other) => one.localeCompare(other, "en", { numeric: true }))
  .slice(0, -kept);
for (const file of older) rmSync(join(folder, file));
