import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: true;
  readonly dev?: true;
  readonly hasInstallScript?: true;
}

const root = join(import.meta.dirname, "../..");
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));
const locked = Object.entries(readJson("package-lock.json").packages as Record<string, Locked>);
/** All that is installed, ours left out. */
const foreign = locked.filter(([path, { link }]) => /(?:^|\/)node_modules\//.test(path) && !link);
const runtime = foreign.filter(([, { dev }]) => !dev);

describe("the packages that are locked", () => {
  it("are each known by their bytes, and come from nowhere but the registry", () => {
    assert.ok(foreign.length > 100);
    for (const [path, { integrity, resolved, version }] of foreign) {
      assert.match(integrity ?? "", /^sha512-[A-Za-z0-9+/]{86}==$/, path);
      // Not said: the registry that npm is set up with. A package from git, a folder or plain http would be said.
      assert.equal(resolved, undefined, path);
      assert.match(version ?? "", /^\d+\.\d+\.\d+/, path);
    }
  });

  it("run nothing when the server's are installed", () => {
    assert.ok(runtime.length > 10);
    assert.deepEqual(
      runtime.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path),
      [],
    );
  });

  it("may be used and passed on by whoever uses ours", () => {
    const permissive = /^\(?(?:MIT|MIT-0|ISC|0BSD|Zlib|Apache-2\.0|BSD-[23]-Clause| AND | OR )+\)?$/;
    for (const [path, { license }] of foreign) assert.match(license ?? "none", permissive, path);
  });
});

describe("what our packages ask for", () => {
  it("is one exact version each, and not much", () => {
    const folders = locked.map(([path]) => path).filter((path) => /^packages\/[^/]+$/.test(path));
    const asked = folders.flatMap((folder) =>
      Object.entries((readJson(`${folder}/package.json`).dependencies ?? {}) as Record<string, string>),
    );
    assert.ok(asked.length > 0 && asked.length <= 15, String(asked.length));
    const { devDependencies, optionalDependencies } = readJson("package.json");
    for (const [name, range] of [
      ...asked,
      ...Object.entries({ ...devDependencies, ...optionalDependencies }),
    ])
      assert.match(String(range), /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
  });
});
