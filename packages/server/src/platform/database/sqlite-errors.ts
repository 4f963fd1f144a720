/** Turns SQLite's errors into those that callers and operators understand: the file, the cause, how to mend it. */

import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  type DatabaseBusy,
  DatabaseUnreachable,
  DatabaseUnusable,
  DatabaseUnwritable,
  isBusy,
  UniqueViolation,
} from "./dialect.ts";

// https://www.sqlite.org/rescode.html; the low byte is the kind, the rest its detail.
const uniqueViolations = [2067, 1555, 2579];

type Kind = typeof DatabaseBusy;
type Trouble = readonly [kind: Kind, says: string, remedy: string];

const own = "give this user the file and its folder, or name another file";
const restore = "restore it from a backup (docs/how-to/back-up-and-restore.md)";
const locked: Trouble = [
  DatabaseUnwritable,
  "is held locked by another process",
  "see which (fuser FILE), and let it finish or end it",
];
const full: Trouble = [DatabaseUnwritable, "cannot grow: the disk is full", "make room on its disk"];

/** A disk can be mended under a running server: all of these may pass. */
const troubles: Readonly<Record<number, Trouble>> = {
  5: locked,
  6: locked,
  8: [DatabaseUnwritable, "cannot be written to", own],
  10: [DatabaseUnreachable, "cannot be used: the disk fails", "see what the system's log says of the disk"],
  13: full,
  14: [DatabaseUnreachable, "cannot be opened", own],
};

/** SQLite says so of its own file only; where it is one of those beside it, it calls that an error of the disk. */
function findTrouble(code: number, file: string): Trouble | undefined {
  const trouble = troubles[code & 0xff];
  return (code & 0xff) === 10 && isFull(file) ? full : trouble;
}

function isFull(file: string): boolean {
  try {
    return statfsSync(dirname(file)).bavail === 0;
  } catch {
    return false;
  }
}

/** What is a bug, ours or a caller's, comes back as it is. */
export function translateSqliteError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !("errcode" in error)) return error;
  const code = Number(error.errcode);
  if (uniqueViolations.includes(code)) return toUniqueViolation(error.message);
  if ((code & 0xff) === 11) {
    return new DatabaseUnusable(`The database ${file} is damaged: ${error.message}.`, restore, {
      cause: error,
    });
  }
  if ((code & 0xff) === 26) {
    return new DatabaseUnusable(`${file} is no SQLite database: ${error.message}.`, restore, {
      cause: error,
    });
  }
  const trouble = findTrouble(code, file);
  if (!trouble) return error;
  return translateTrouble(trouble, error, file);
}

function translateTrouble([kind, says, remedy]: Trouble, error: unknown, file: string): DatabaseBusy {
  return new kind(error, `The database ${file} ${says} (${(error as Error).message}).`, remedy);
}

/** Why a file could not be opened, by the code of the file system. */
const refusals: Readonly<Record<string, readonly [says: string, remedy: string]>> = {
  ENOENT: ["its folder does not exist", "make the folder, or name another file"],
  ENOTDIR: ["its folder is a file", "name another file"],
  EISDIR: ["it is a folder", "name a file in it"],
  EACCES: ["this user may not", own],
  EPERM: ["this user may not", own],
  EROFS: ["its disk is read only", "make it writable, or name another file"],
};

/** What stands in the way of opening a file, for a person to read; DatabaseBusy where it may pass by itself. */
export function explainOpening(error: unknown, file: string): DatabaseBusy | DatabaseUnusable {
  const translated = translateSqliteError(error, file);
  if (translated instanceof DatabaseUnusable) return translated;
  const { code: told = "", message } = error as NodeJS.ErrnoException;
  if (told === "ENOSPC") return translateTrouble(full, error, file);
  if (isBusy(translated) && translated.remedy !== own) return translated;
  const code = statSync(file, { throwIfNoEntry: false })?.isDirectory() ? "EISDIR" : told;
  const known = Object.hasOwn(refusals, code) ? refusals[code] : undefined;
  const [says, remedy] = known ?? [message, own];
  const facts = `${says}${known ? ` (${code})` : ""}${describeOwner(file)}`;
  return new DatabaseUnusable(`Cannot open the database ${file}: ${facts}.`, remedy, { cause: error });
}

/** Whose file it is, where that is the question. */
function describeOwner(file: string): string {
  const us = process.geteuid?.();
  const owner = [file, dirname(file)].map((path) => statSync(path, { throwIfNoEntry: false })?.uid);
  const [other] = owner.filter((uid) => uid !== undefined && uid !== us);
  return us === undefined || other === undefined
    ? ""
    : `; it belongs to user ${other}, and this process runs as user ${us}`;
}

/** Reads "UNIQUE constraint failed: accounts.realm, accounts.email". */
function toUniqueViolation(message: string): UniqueViolation {
  const names = message.slice(message.indexOf(":") + 1).split(",");
  const [table = ""] = names[0]?.trim().split(".") ?? [];
  return new UniqueViolation(
    table,
    names.map((name) => name.trim().slice(table.length + 1)),
  );
}
