/** The page of tables, from a database as it stands after its migrations. */

import { sql } from "kysely";
import type { Database } from "../../src/platform/database/dialect.ts";
import { code, page, table } from "./markdown.ts";

const purposes: Readonly<Record<string, string>> = {
  accounts: "Who has an account. Each declared field has a column here.",
  audit: "What happened. It outlives the account it tells of, without address and user agent.",
  captured_mails: "Mail of the built-in mailbox, encrypted; 500 at the most.",
  facts: "What the database knows of itself: the fingerprint of the secret it was made with.",
  limits: "How often something was done, under keyed fingerprints; `held` are guesses under way.",
  migrations: "Which changes of the schema were made.",
  nodes: "Which servers were here lately, and what they must agree on: never a secret.",
  one_time_tokens: "Links and codes that were mailed, as fingerprints.",
  outbox: "Mail to be sent, encrypted, and what became of it.",
  registration_attempts: "Who registered an address that nobody has verified yet, with which password hash.",
  sessions: "Where somebody is signed in, and how often its refresh token was exchanged.",
  sign_in_places:
    "From where an account was signed in to within 90 days, by which kind of client, under keyed fingerprints.",
  signing_keys:
    "The keys that sign access tokens where `JWT_ALGORITHM` is not `HS256`; private halves encrypted.",
};

export async function describeDatabase(database: Database): Promise<string> {
  const names = await database.listTables(database.kysely);
  const parts: string[] = [];
  for (const name of names) parts.push(`## ${name}`, ...(await describeTable(database, name)));
  return page(
    "Database",
    "The same tables on SQLite and PostgreSQL. A time is a whole number of milliseconds since 1970. There are no truth " +
      "values: a time says that something is so, and since when; null says that it is not. (Declared fields of type boolean are 1 and 0.) Types are SQLite's; on " +
      "PostgreSQL `integer` is `bigint`, and columns of JSON are `jsonb`.",
    ...parts,
  );
}

interface ColumnFacts {
  name: string;
  type: string;
  is_required: number;
  references: string | null;
}

async function describeTable(database: Database, name: string): Promise<string[]> {
  const { rows } = await sql<ColumnFacts>`
    select columns.name, columns.type, columns."notnull" as is_required,
      keys."table" || '.' || keys."to" || case keys.on_delete when 'CASCADE' then ', and goes with it' else '' end as "references"
    from pragma_table_info(${name}) as columns
    left join pragma_foreign_key_list(${name}) as keys on keys."from" = columns.name
    order by columns.cid`.execute(database.kysely);
  const indexes = (await database.describeTable(database.kysely, name))?.indexes ?? [];
  const said = indexes
    .filter((index) => index.columns.join() !== rows[0]?.name || !index.name.startsWith("sqlite_"))
    .map(
      ({ name: index, unique, columns }) =>
        `- ${code(index)} on ${columns.map(code).join(", ")}${unique ? ", unique" : ""}`,
    );
  return [
    ...(purposes[name] ? [purposes[name]] : []),
    table(
      ["Column", "Type", "Null", "Refers to"],
      rows.map((row) => [
        code(row.name),
        row.type.toLowerCase(),
        row.is_required ? "" : "yes",
        row.references ?? "",
      ]),
    ),
    ...(said.length > 0 ? [`Indexes:\n\n${said.join("\n")}`] : []),
  ];
}
