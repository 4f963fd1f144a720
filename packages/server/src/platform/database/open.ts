/** Opens the database that a URL names. */

import type { Database, DatabaseOptions } from "./dialect.ts";

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
    if (!URL.canParse(url)) {
      throw new Error("The database's URL is not complete: postgres://user:password@host:5432/name.");
    }
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(url, options);
  }
  throw new Error(
    `A database is named sqlite:PATH or postgres://…, ${scheme ? `not ${scheme}:…` : "and this has no such beginning"}.`,
  );
}

function readPath(path: string): string {
  // Elsewhere two slashes begin a host and three a path, relative or not: too easy to end up in another file.
  if (path.startsWith("//"))
    throw new Error("Write sqlite:PATH without slashes in front: sqlite:./data/auth.db.");
  if (path === "") throw new Error("A path is missing: sqlite:./data/auth.db, or sqlite::memory:.");
  return path;
}
