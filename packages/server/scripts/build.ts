/** Writes the package as it is published: JavaScript and types in dist/, with the files that the code reads beside it. */

import { execFileSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
for (const file of globSync("src/**/*.{bin,md}", { cwd: root })) {
  cpSync(
    join(root, file),
    join(root, "dist", dirname(file.slice("src/".length)), file.split("/").at(-1) ?? ""),
  );
}
