/** Opens the database that a URL names. */

import { type Database, type DatabaseOptions, DatabaseUnusable } from "./dialect.ts";

/**
 * Accepts `sqlite:PATH`, `sqlite::memory:` and `postgres://…`; anything else throws an error that does not
 * repeat the URL, since it may hold a password. Only the driver that is needed is loaded.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const scheme = /^[a-z0-9+.-]+(?=:)/i.exec(url)?.[0].toLowerCase();
  if (scheme === "sqlite") {
    const { openSqlite } = await import("./sqlite.ts");
    return openSqlite(readPath(url.slice("sqlite:".length)), options);
  }
  if (scheme === "postgres" || scheme === "postgresql") {
    checkPostgresUrl(url);
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(url, options);
  }
  throw new DatabaseUnusable(
    `A database is named sqlite:PATH or postgres://…, ${scheme ? `not ${scheme}:…` : "and this has no such beginning"}.`,
    `write sqlite:PATH or ${pattern}`,
  );
}

const example = "write sqlite:./data/auth.db";
const pattern = "postgres://user:password@host:5432/name";
const escapes = "within a user or password write % as %25, # as %23, / as %2F, ? as %3F, @ as %40";

/** A password that is written as it is ends at the first of these, and what is left of it would be a host or a name. */
function checkPostgresUrl(url: string): void {
  if (!URL.canParse(url)) {
    throw new DatabaseUnusable("The database's URL is not complete.", `write ${pattern}; ${escapes}`);
  }
  const { username, password, pathname, search, hash } = new URL(url);
  if (/@/.test(pathname + hash) || /^\?[^=]*@/.test(search)) {
    throw new DatabaseUnusable("The password in the database's URL holds a #, / or ? that ends it.", escapes);
  }
  if (!isEscaped(username + password)) {
    throw new DatabaseUnusable(
      "The password in the database's URL holds a % that stands for nothing.",
      escapes,
    );
  }
}

function isEscaped(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function readPath(path: string): string {
  // Elsewhere two slashes begin a host and three a path, relative or not: too easy to end up in another file.
  if (path.startsWith("//"))
    throw new DatabaseUnusable("The path of the database has two slashes in front.", example);
  if (path === "") throw new DatabaseUnusable("The path of the database is missing.", example);
  return path;
}
