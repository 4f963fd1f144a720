/** Turns what PostgreSQL, its driver and the network throw into errors that callers and operators understand. */

import { DatabaseError } from "pg";
import {
  DatabaseBusy,
  DatabaseRefused,
  DatabaseUnreachable,
  DatabaseUnusable,
  DatabaseUnwritable,
  LockTimeout,
  TransactionConflict,
  UniqueViolation,
} from "./dialect.ts";

/** Our own limit has passed; whatever the server still does with the statement, nobody will learn. */
export class Silence extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds / 1000} seconds`);
  }
}

/** The server takes no changes; the message says why. */
export class ReadOnly extends Error {}

type Kind = new (cause: unknown, message: string, remedy?: string) => DatabaseBusy;

interface Meaning {
  readonly kind: Kind;
  /** Begins with a verb: "PostgreSQL at db:5432 …". */
  readonly says: string;
  readonly remedy?: string;
}

const startOrMend = "start it, or mend the host and the port";
const mendHost = "mend the host";
const mendRoute = "see to the network, or mend the host";
const retry = "try again in a moment";

/** Errors of the network, by Node's code: https://nodejs.org/api/errors.html#common-system-errors. */
const network: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: unreachable("cannot be reached: nothing listens there", startOrMend),
  ENOTFOUND: unreachable("cannot be reached: no host has this name", mendHost),
  EAI_AGAIN: unreachable("cannot be reached: its name cannot be looked up just now", mendRoute),
  ETIMEDOUT: unreachable("cannot be reached: no answer", mendRoute),
  EHOSTUNREACH: unreachable("cannot be reached: no way leads there", mendRoute),
  ENETUNREACH: unreachable("cannot be reached: no way leads there", mendRoute),
  ENOENT: unreachable("cannot be reached: there is no such socket", startOrMend),
  EACCES: unreachable(
    "cannot be reached: this user may not use the socket",
    "give this user the right to it",
  ),
  ECONNRESET: unreachable("has closed the connection", retry),
  EPIPE: unreachable("has closed the connection", retry),
};

const certificate =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO$)/;
const escapes = "in the database's URL, % is written %25, # %23, / %2F, ? %3F and @ %40 within a password";

/**
 * By SQLSTATE or the beginning of one, the longer first:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html.
 */
const states: readonly (readonly [string, Meaning])[] = [
  [
    "08P01",
    refused(
      "and this program do not understand each other",
      "see whether it is PostgreSQL that listens there",
    ),
  ],
  ["08", unreachable("has lost the connection", retry)],
  ["25006", unwritable("takes no changes: it is a standby, or set to read only", "name the primary")],
  // The connection is the transaction's, and the transaction is gone.
  ["25P03", busy("has ended a transaction in which nothing happened for too long")],
  ["25P04", busy("has ended a transaction that took too long")],
  ["28", refused("refuses the user or the password", `mend them; ${escapes}`)],
  ["3D000", refused("has no database of this name", "create it, or mend the name")],
  ["3F000", refused("has no schema to make tables in", "create one in the role's search_path")],
  ["42501", refused("does not allow this role what it needs", "grant the role all rights on its schema")],
  // Nobody knows how the transaction ended: not for trying again by itself.
  ["40003", busy("does not know how a transaction ended")],
  ["40", { kind: TransactionConflict, says: "has undone a transaction for the sake of another" }],
  ["53100", unwritable("takes no changes: its disk is full", "make room on the server's disk")],
  ["53300", busy("takes no more connections", "raise its max_connections, or lower DATABASE_POOL")],
  ["53", busy("lacks memory or another resource")],
  ["55P03", { kind: LockTimeout, says: "has waited too long for a lock" }],
  ["57014", busy("has cancelled a statement that took too long")],
  ["57P01", unreachable("is shutting down", "start it")],
  ["57P02", unreachable("is recovering from a crash", retry)],
  ["57P03", unreachable("is starting, stopping or recovering", retry)],
  ["57P", busy("has ended the connection")],
];

function unreachable(says: string, remedy: string): Meaning {
  return { kind: DatabaseUnreachable, says, remedy };
}

function unwritable(says: string, remedy: string): Meaning {
  return { kind: DatabaseUnwritable, says, remedy };
}

function refused(says: string, remedy: string): Meaning {
  return { kind: DatabaseRefused, says, remedy };
}

function busy(says: string, remedy?: string): Meaning {
  return { kind: DatabaseBusy, says, ...(remedy === undefined ? {} : { remedy }) };
}

/** `place` names the server, without user and password. What is a bug, ours or a caller's, comes back as it is. */
export function translatePostgresError(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseBusy) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (error instanceof DatabaseError) {
    if (code === "23505") return toUniqueViolation(error);
    if (code?.startsWith("XX00") && code !== "XX000") {
      return new DatabaseUnusable(
        `PostgreSQL at ${place} finds its files damaged (${code}).`,
        "restore it from a backup",
        { cause: error },
      );
    }
  }
  const meaning = findMeaning(error, code);
  if (!meaning) return error;
  // Whoever is not let in has told nothing yet that the server's words could give away.
  const words =
    meaning.kind === DatabaseRefused && error instanceof DatabaseError ? `: ${error.message}` : "";
  const message = `PostgreSQL at ${place} ${meaning.says}${words}${code ? ` (${code})` : ""}.`;
  return new meaning.kind(error, message, meaning.remedy);
}

function findMeaning(error: Error, code: string | undefined): Meaning | undefined {
  if (error instanceof DatabaseError) {
    return states.find(([state]) => code?.startsWith(state))?.[1];
  }
  if (error instanceof Silence) return unreachable(`is silent: ${error.message}`, "see what holds it up");
  if (error instanceof ReadOnly) return unwritable(`takes no changes: ${error.message}`, "name the primary");
  if (code && certificate.test(code)) {
    return refused(`offers TLS that is not trusted: ${error.message}`, "name its CA: ?sslrootcert=FILE");
  }
  if (code && Object.hasOwn(network, code) && !isFile(error)) return network[code];
  if (isFile(error)) {
    return refused(`cannot be asked: ${error.message}`, "mend the file that the database's URL names");
  }
  if ("syscall" in error || "errors" in error)
    return unreachable(`cannot be reached: ${error.message}`, mendRoute);
  return drivers.find(([pattern]) => pattern.test(error.message))?.[1];
}

/** A certificate that the URL names is read when a connection is made. */
const isFile = (error: Error) =>
  "syscall" in error && ["open", "read"].includes(String(error.syscall)) && "path" in error;

/** The driver's own errors, which have no code. */
const drivers: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^Connection terminated due to connection timeout/,
    unreachable("is silent: it lets nobody in", "see what holds it up"),
  ],
  [
    /^Connection terminated|^Client has encountered a connection error|^Client was closed/,
    unreachable("has closed the connection", retry),
  ],
  [
    /^timeout exceeded when trying to connect$/,
    busy("cannot be asked: all connections are in use", "raise DATABASE_POOL"),
  ],
  [
    /does not support SSL|establishing an SSL connection/,
    refused("offers no TLS", "let it, or leave sslmode out where the network is your own"),
  ],
  [
    /^SASL|client password must be a string|Password is required/i,
    refused("wants a password that is not given, or another", `mend it; ${escapes}`),
  ],
];

/** Reads `Key (realm, email)=(a, b) already exists.`, in whatever language the server writes it. */
function toUniqueViolation(error: DatabaseError): UniqueViolation {
  const columns = /^[^(]*\((.+?)\)=\(/.exec(error.detail ?? "")?.[1] ?? "";
  return new UniqueViolation(
    error.table ?? "",
    columns
      .split(",")
      .map((name) => name.trim().replaceAll('"', ""))
      .filter(Boolean),
  );
}
