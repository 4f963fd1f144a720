/**
 * Ties an SQLite database to the log beside it, its `-wal` file, so that a log which belongs to another state of the file
 * is noticed before it is used.
 *
 * SQLite takes every sound log for the database's own. Where a backup was put in the place of a file whose log was left
 * by a crash, it would write pages of the one into the other, and neither would be left whole. So each log begins with
 * the number that the file bears (its `user_version`) raised by one, and the file gets a new number at every start.
 * File format: https://www.sqlite.org/fileformat2.html, 1.3 and 4.
 */

import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { DatabaseUnusable } from "./dialect.ts";

/** What the head of a database says of its state. */
interface State {
  readonly number: number;
  /** Raised with every change of tables; a copy made by SQLite has another one. */
  readonly schema: number;
}

interface FirstPage extends State {
  /** Whether a transaction changed this page alone, as ours does. */
  readonly isAlone: boolean;
}

const logOf = (location: string) => `${location}-wal`;

/** Throws DatabaseUnusable if the log cannot be this file's. Reads only, and before SQLite has opened the file. */
export function checkLog(location: string): void {
  // A running process may be writing both: what is seen once may be half of the one and half of the other.
  for (let look = 0; look < 3; look += 1) if (belongs(location)) return;
  throw new DatabaseUnusable(
    `${logOf(location)} does not belong to ${location}: it was left by a crash, and the file was put in its place later. Nothing was changed.`,
    `to go on with the file as it is, such as a backup: mv ${logOf(location)} ${logOf(location)}.old`,
  );
}

function belongs(location: string): boolean {
  const pages = readFirstPages(logOf(location));
  const [first] = pages;
  if (!first) return true;
  const file = readState(location);
  // SQLite would delete the log of an empty file.
  if (!file) return false;
  // A log of before there were numbers.
  if (first.number === 0) return true;
  const { number, schema } = file;
  const before = first.isAlone
    ? number === first.number - 1 && schema === first.schema
    : number === first.number && schema <= first.schema;
  return before || pages.some((page) => page.number === number && page.schema === schema);
}

const headLength = 100;

function readState(location: string): State | undefined {
  if (!existsSync(location)) return undefined;
  return withFile(location, (read) => {
    const head = read(headLength, 0);
    return head && toState(head);
  });
}

const toState = (head: Buffer): State => ({ number: head.readUInt32BE(60), schema: head.readUInt32BE(40) });

const logHeadLength = 32;
const frameHeadLength = 24;

/** What the log has of the file's first page, in the order it was written. */
function readFirstPages(log: string): FirstPage[] {
  if (!existsSync(log)) return [];
  return withFile(log, (read, length) => {
    const head = read(logHeadLength, 0);
    const found: FirstPage[] = [];
    if (!head) return found;
    const step = frameHeadLength + head.readUInt32BE(8);
    const salt = head.subarray(16, 24);
    let isNewTransaction = true;
    for (let at = logHeadLength; at + step <= length; at += step) {
      const frame = read(frameHeadLength, at);
      // Frames of the log that was here before have another salt.
      if (!frame?.subarray(8, 16).equals(salt)) break;
      const endsTransaction = frame.readUInt32BE(4) !== 0;
      const page = frame.readUInt32BE(0) === 1 ? read(headLength, at + frameHeadLength) : undefined;
      if (page) found.push({ ...toState(page), isAlone: isNewTransaction && endsTransaction });
      isNewTransaction = endsTransaction;
    }
    return found;
  });
}

function withFile<Result>(
  path: string,
  work: (read: (length: number, at: number) => Buffer | undefined, length: number) => Result,
): Result {
  const file = openSync(path, "r");
  try {
    const read = (length: number, at: number) => {
      const bytes = Buffer.alloc(length);
      return readSync(file, bytes, 0, length, at) === length ? bytes : undefined;
    };
    return work(read, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

export interface LogTie {
  /** To be called after every commit, which never fails of it: what could not be done is done after the next one. */
  readonly committed: () => void;
  /** To be called before the file is closed. */
  readonly close: () => void;
}

/** Numbers each log that SQLite begins, which it does some thousand pages apart. */
export function tieLogs(file: DatabaseSync, location: string): LogTie {
  const log = openLog(location);
  let tied: string | undefined;
  return {
    committed: () => {
      const salt = log.readSalt();
      if (salt === undefined || salt === tied) return;
      try {
        if (tied === undefined) {
          setNumber(file, "select abs(random()) % 1000000000 + 1 as number");
          // Into the file itself: a backup that was made before this start bears another number.
          file.exec("pragma wal_checkpoint(restart)");
        }
        setNumber(file, "select user_version + 1 as number from pragma_user_version");
        tied = log.readSalt();
      } catch {
        if (file.isTransaction) file.exec("rollback");
      }
    },
    close: log.close,
  };
}

function setNumber(file: DatabaseSync, question: string): void {
  file.exec("begin immediate");
  const number = Number(file.prepare(question).get()?.number);
  file.exec(`pragma user_version = ${number}; commit`);
}

const saltAt = 16;

/** Kept open, since every commit looks at it. SQLite has no locks on it that closing it would lose. */
function openLog(location: string) {
  const log = `${location}-wal`;
  const salt = Buffer.alloc(8);
  let opened: number | undefined;
  return {
    /** It changes with every log that is begun. */
    readSalt: (): string | undefined => {
      if (opened === undefined && !existsSync(log)) return undefined;
      opened ??= openSync(log, "r");
      return readSync(opened, salt, 0, salt.length, saltAt) === salt.length
        ? salt.toString("latin1")
        : undefined;
    },
    close: () => {
      if (opened !== undefined) closeSync(opened);
      opened = undefined;
    },
  };
}
