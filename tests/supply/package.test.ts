/** What people find in the package once it is installed. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "packages/server");
const read = (...path: string[]) => readFileSync(join(...path), "utf8");

describe("the package", () => {
  it("brings its licence and its README along", () => {
    const packed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
    for (const file of ["LICENSE", "README.md", "package.json", "bin/imagaine-auth.mjs"])
      assert.ok(packed.includes(`"${file}"`), file);
    assert.equal(read(folder, "LICENSE"), read(root, "LICENSE"));
  });

  it("has a README that leads nowhere outside of it", () => {
    const links = [...read(folder, "README.md").matchAll(/\]\(([^)]*)\)/g)].map(([, to = ""]) => to);
    assert.deepEqual(
      links.filter((to) => !/^https?:/.test(to)),
      [],
    );
  });
});
