import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findReaders, findWriters, type Viewer } from "./file-trust.ts";

const uid = process.getuid?.() ?? -1;
const me: Viewer = { uid, sudoUid: undefined, isContained: false };
const onPosix = { skip: process.platform === "win32" };
const asRoot = { skip: uid !== 0 };

describe("a file that we believe", onPosix, () => {
  let folder = "";
  let file = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "trust-"));
    mkdirSync(join(folder, "inner"), 0o700);
    file = join(folder, "inner/file");
    writeFileSync(file, "");
  });
  after(() => rmSync(folder, { recursive: true }));

  const ofMode = (mode: number, path = file, of = file) => {
    chmodSync(path, mode);
    const found = findWriters(of, me)?.problem;
    chmodSync(path, path === file ? 0o600 : 0o700);
    return found;
  };

  it("may be changed by its owner alone, however it may be read", () => {
    for (const mode of [0o600, 0o644, 0o755, 0o444]) assert.equal(ofMode(mode), undefined, mode.toString(8));
    for (const mode of [0o602, 0o666, 0o777, 0o646])
      assert.equal(ofMode(mode), `may be written by everybody (mode ${mode.toString(8)})`);
  });

  it("lies in a folder where nobody else may put another in its place", () => {
    const inner = join(folder, "inner");
    for (const mode of [0o700, 0o755, 0o1777]) assert.equal(ofMode(mode, inner), undefined, mode.toString(8));
    assert.equal(ofMode(0o757, inner), `lies in ${inner}, where everybody may replace it (mode 757)`);
  });

  it("is the one that a link leads to, and the link lies as safe", () => {
    const link = join(folder, "link");
    symlinkSync(file, link);
    assert.equal(ofMode(0o600, file, link), undefined);
    assert.match(ofMode(0o666, file, link) ?? "", /written by everybody/);
    assert.match(ofMode(0o777, join(folder, "inner"), link) ?? "", /lies in \S+inner, where everybody/);
    assert.match(ofMode(0o777, folder, link) ?? "", /lies in \S+, where everybody may replace it/);
    rmSync(link);
  });

  it("may be changed by a group that is the owner's own, and by no other", asRoot, () => {
    const inGroup = (owner: number, group: number) => {
      chownSync(file, owner, group);
      const found = ofMode(0o664);
      chownSync(file, uid, 0);
      return found;
    };
    assert.equal(inGroup(uid, 0), undefined);
    assert.equal(inGroup(uid, 4321), "may be written by its group (gid 4321) (mode 664)");
    chownSync(file, 4321, 4321);
    chmodSync(file, 0o664);
    assert.equal(findWriters(file, { ...me, sudoUid: 4321 }), undefined);
    chownSync(file, uid, 0);
  });

  it(
    "belongs to us, to root, or to whoever ran sudo; in a container, others are no other people",
    asRoot,
    () => {
      chownSync(file, 4321, 0);
      chmodSync(file, 0o600);
      assert.equal(findWriters(file, me)?.problem, "belongs to another user (uid 4321)");
      assert.equal(findWriters(file, { ...me, uid: 4321 }), undefined);
      assert.equal(findWriters(file, { ...me, sudoUid: 4321 }), undefined);
      assert.equal(findWriters(file, { ...me, isContained: true }), undefined);
      chownSync(file, 0, 0);
      assert.equal(findWriters(file, { ...me, uid: 4321 }), undefined);
    },
  );

  it("with a secret is read by its owner alone", () => {
    const found = (mode: number) => {
      chmodSync(file, mode);
      return findReaders(file)?.problem;
    };
    assert.deepEqual([found(0o600), found(0o400)], [undefined, undefined]);
    assert.equal(found(0o604), "may be read by everybody (mode 604)");
    assert.match(found(0o640) ?? "", /may be read by its group \(gid \d+\) \(mode 640\)/);
  });
});
