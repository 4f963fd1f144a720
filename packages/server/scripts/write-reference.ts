/**
 * Writes docs/reference/ from what the code declares: `node packages/server/scripts/write-reference.ts`. A test fails
 * while a page says something else.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuth } from "../src/auth.ts";
import { loadConfig } from "../src/config.ts";
import { openDatabase } from "../src/platform/database/open.ts";
import { describeCommands } from "./reference/commands.ts";
import { describeDatabase } from "./reference/database.ts";
import { describeErrors } from "./reference/errors.ts";
import { describeEvents } from "./reference/events.ts";
import { describeHttp } from "./reference/http-api.ts";
import { describeSettings } from "./reference/settings.ts";

export const referenceFolder = join(import.meta.dirname, "../../../docs/reference");

/** So that the documents show what is there only where it is declared. */
const fields = { preferences: { type: "json", default: {} } } as const;

/** Every page of the reference, by its file name. */
export async function describeProduct(): Promise<ReadonlyMap<string, string>> {
  const { config } = loadConfig({ SECRET_KEY: "x".repeat(32), NODE_ENV: "development" });
  const database = await openDatabase("sqlite::memory:");
  try {
    const auth = await createAuth({ config, database, fields });
    await auth.migrate();
    const system = auth.context("reference");
    const endpoints = system.additions.endpoints.filter((one) => one.onlyIf?.(system) ?? true);
    return new Map([
      ["http-api.md", describeHttp(system, endpoints)],
      ["configuration.md", describeSettings()],
      ["errors.md", await describeErrors(endpoints)],
      ["events.md", describeEvents()],
      ["database.md", await describeDatabase(database)],
      ["cli.md", describeCommands()],
    ]);
  } finally {
    await database.close();
  }
}

if (import.meta.main) {
  for (const [name, text] of await describeProduct()) writeFileSync(join(referenceFolder, name), text);
}
