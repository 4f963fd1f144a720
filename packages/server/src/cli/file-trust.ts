/** Tells whether somebody else could change or read a file that we believe, and how to mend it. */

import { existsSync, realpathSync, type Stats, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";

export interface Distrust {
  /** Goes on from the file's name: "may be written by everybody (mode 666)". */
  readonly problem: string;
  readonly fix: string;
}

/** Who we are, and where. */
export interface Viewer {
  readonly uid: number;
  /** Who ran sudo. */
  readonly sudoUid: number | undefined;
  /** In a container, other users are no other people. */
  readonly isContained: boolean;
}

/** Why what a file says may be somebody else's word; undefined if only its owner and root can change it. */
export function findWriters(path: string, viewer = lookAround()): Distrust | undefined {
  const stats = readBits(path);
  // A pipe is whoever's who runs the command.
  if (!viewer || !stats?.isFile()) return undefined;
  const real = realpathSync(path);
  const folders = [...new Set([dirname(real), dirname(path) || "."])];
  return (
    findFileWriters(path, stats) ??
    findStrangeOwner(stats, viewer) ??
    folders.map(findReplacers).find((found) => found !== undefined)
  );
}

/** Who else may read what only its owner should know. */
export function findReaders(path: string): Distrust | undefined {
  const stats = readBits(path);
  if (!stats || (stats.mode & 0o044) === 0) return undefined;
  const who = (stats.mode & 0o004) === 0 ? `its group (gid ${stats.gid})` : "everybody";
  return { problem: `may be read by ${who} (${spellMode(stats)})`, fix: `chmod 600 ${path}` };
}

function lookAround(): Viewer | undefined {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  const { SUDO_UID, KUBERNETES_SERVICE_HOST } = process.env;
  const isContained =
    KUBERNETES_SERVICE_HOST !== undefined || existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  return { uid, sudoUid: SUDO_UID === undefined ? undefined : Number(SUDO_UID), isContained };
}

function findFileWriters(path: string, stats: Stats): Distrust | undefined {
  const who = writersOf(stats);
  if (!who) return undefined;
  return { problem: `may be written by ${who} (${spellMode(stats)})`, fix: `chmod go-w ${path}` };
}

function findStrangeOwner({ uid }: Stats, viewer: Viewer): Distrust | undefined {
  if (viewer.isContained || [0, viewer.uid, viewer.sudoUid].includes(uid)) return undefined;
  return {
    problem: `belongs to another user (uid ${uid})`,
    fix: "run the command as that user, or take the file over with chown",
  };
}

/** Whoever may write to a folder can put another file in the place of ours, unless its sticky bit is set. */
function findReplacers(folder: string): Distrust | undefined {
  const stats = readBits(folder);
  const who = stats && (stats.mode & 0o1000) === 0 ? writersOf(stats) : undefined;
  if (!stats || !who) return undefined;
  return {
    problem: `lies in ${folder}, where ${who} may replace it (${spellMode(stats)})`,
    fix: `chmod go-w ${folder}`,
  };
}

function writersOf({ mode, uid, gid }: Stats): string | undefined {
  if (mode & 0o002) return "everybody";
  // Many systems give each user a group of their own, with the same number, and let it write.
  const isOwnGroup = gid === 0 || gid === uid;
  return mode & 0o020 && !isOwnGroup ? `its group (gid ${gid})` : undefined;
}

const spellMode = ({ mode }: Stats) => `mode ${(mode & 0o7777).toString(8)}`;

/** A file's bits; undefined where there are none, or where they are the same for every file and cannot be changed. */
function readBits(path: string): Stats | undefined {
  if (process.platform === "win32") return undefined;
  const { type } = statfsSync(path);
  return sharedFileSystems.has(type) || (type === plan9 && isWsl()) ? undefined : statSync(path);
}

/** vfat, exfat, ntfs3, cifs, smb2, vboxsf: linux/magic.h, and the drivers' own. */
const sharedFileSystems = new Set([0x4d44, 0x2011bab0, 0x7366746e, 0xff534d42, 0xfe534d42, 0x786f4256]);

/** How Windows' drives come into its Linux. */
const plan9 = 0x01021997;
const isWsl = () => release().toLowerCase().includes("microsoft");
