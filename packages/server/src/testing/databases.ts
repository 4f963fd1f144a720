/** The databases tests run on: SQLite in memory always, PostgreSQL too when TEST_DATABASE_URL names a server. */

import { after, describe } from "node:test";
import type { Database, DatabaseOptions } from "../platform/database/dialect.ts";
import { openDatabase } from "../platform/database/open.ts";
import { createSchema, dropSchema } from "./postgres.ts";

/** Opens an empty database; it is closed, and its schema dropped, after the tests. */
export type OpenEmpty = (options?: DatabaseOptions) => Promise<Database>;

/** The server to test on; undefined where there is none. */
export const postgresUrl = process.env.TEST_DATABASE_URL || undefined;

/** Runs the same tests once for each database. */
export function describeOnEachDatabase(title: string, tests: (open: OpenEmpty) => void): void {
  describe(`${title} (SQLite)`, () => tests(openEmpty(async () => "sqlite::memory:")));
  if (postgresUrl) describe(`${title} (PostgreSQL)`, () => tests(openEmptyPostgres(postgresUrl)));
}

/** For tests of what PostgreSQL alone does. */
export function openEmptyPostgres(url: string): OpenEmpty {
  return openEmpty(async (cleanups) => {
    const schema = await createSchema(url);
    cleanups.push(() => dropSchema(url, schema));
    return { url, schema };
  });
}

type Place = string | { url: string; schema: string };

function openEmpty(choose: (cleanups: (() => Promise<void>)[]) => Promise<Place>): OpenEmpty {
  const cleanups: (() => Promise<void>)[] = [];
  after(async () => {
    for (const clean of cleanups.toReversed()) await clean();
  });
  return async (options) => {
    const place = await choose(cleanups);
    const database =
      typeof place === "string"
        ? await openDatabase(place, options)
        : await openDatabase(place.url, { ...options, schema: place.schema });
    cleanups.push(() => database.close());
    return database;
  };
}
