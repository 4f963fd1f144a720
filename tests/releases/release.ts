/** A release that was packed, unpacked again to run beside the code of today. */

import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Release extends AsyncDisposable {
  /** The name of its package's file. */
  readonly name: string;
  /** Its command. */
  readonly program: string;
}

const root = join(import.meta.dirname, "../..");

/** The packed releases; where there is none yet, today's code stands for it, and is packed for that. */
export async function unpackReleases(): Promise<Release[]> {
  const packed = globSync("*.tgz", { cwd: import.meta.dirname }).toSorted();
  if (packed.length > 0) return Promise.all(packed.map((file) => unpack(join(import.meta.dirname, file))));
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-packed-"));
  try {
    execFileSync(process.execPath, [join(root, "packages/server/scripts/pack-release.ts"), folder]);
    return await Promise.all(globSync("*.tgz", { cwd: folder }).map((file) => unpack(join(folder, file))));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function unpack(file: string): Promise<Release> {
  const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-release-"));
  execFileSync("tar", ["-xzf", file, "-C", folder]);
  // Its dependencies are today's: what is tried is our code on one database, not other versions of theirs.
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const program = join(folder, "package/bin/imagaine-auth.mjs");
  if (!existsSync(program)) throw new Error(`${file} holds no package of ours.`);
  return {
    name: file.split("/").at(-1) ?? file,
    program,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
