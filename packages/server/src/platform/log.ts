/** One line of JSON for each thing worth knowing; what is secret never becomes a field of it. */

import { DatabaseBusy } from "./database/dialect.ts";
import { ApiError } from "./http/errors.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  (level: LogLevel, message: string, fields?: LogFields): void;
}

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Something worth knowing, and when. */
export interface LogEntry {
  readonly at: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that writes what is of at least `level` to `write`: unless `format` says otherwise, each on one line of JSON. */
export function createLog(
  level: LogLevel,
  write: (text: string) => void,
  now: () => Date,
  format: (entry: LogEntry) => string = formatJson,
): Log {
  return (at, message, fields = {}) => {
    if (order[at] >= order[level]) write(format({ at: now(), level: at, message, fields }));
  };
}

const formatJson = ({ at, level, message, fields }: LogEntry) =>
  escapeInvisible(JSON.stringify({ time: at.toISOString(), level, msg: message, ...fields }));

// JSON leaves U+2028, bidirectional marks and the like as they are; a terminal or a log viewer may not.
function escapeInvisible(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join(""),
  );
}

const escapeUnit = (unit: number) => `\\u${unit.toString(16).padStart(4, "0")}`;

/**
 * What an error says of itself to an operator, but never the values of a query: in a few words where something outside
 * is in the way, with its place and causes where it is a bug.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof DatabaseBusy) return `${error.name}: ${error.message}`;
  const cause = error.cause === undefined ? "" : ` <- ${describeError(error.cause)}`;
  if (error instanceof ApiError) return `${error.name}: ${error.message}${cause}`;
  return `${error.stack ?? error.message}${cause}`;
}
