/** A whole system for one test: its own database, clock, people and mailbox. */

import { type Auth, createAuth } from "../auth.ts";
import { type Config, loadConfig } from "../config.ts";
import type { UserFields } from "../core/accounts/fields.ts";
import type { Context } from "../core/context.ts";
import type { Feature } from "../core/feature.ts";
import type { Message } from "../core/mail/message.ts";
import type { Transport } from "../core/mail/transports/transport.ts";
import { sendNextMail } from "../core/mail/worker.ts";
import { hashQueue } from "../core/passwords/passwords.ts";
import { standardFeatures } from "../features.ts";
import type { AroundStatement, Database } from "../platform/database/dialect.ts";
import { openDatabase } from "../platform/database/open.ts";
import { createLog } from "../platform/log.ts";
import type { Environment } from "../platform/settings.ts";
import { createTestClock, type TestClock } from "./clock.ts";
import { createHttp, type Http } from "./http.ts";
import { checkLog } from "./invariants.ts";
import { createPeople, type NewPerson, type Person } from "./people.ts";
import { createSchema, dropSchema } from "./postgres.ts";

export interface TestOptions {
  /** Settings as an environment would give them, over the test's own. */
  readonly environment?: Environment;
  readonly fields?: UserFields;
  readonly features?: readonly Feature[];
  readonly aroundStatement?: AroundStatement;
  /** A database that the test opened itself, and closes itself. */
  readonly database?: Database;
}

export interface SentMail extends Message {
  /** The template's name. */
  readonly mail: string;
}

export interface TestAuth extends AsyncDisposable {
  readonly auth: Auth<typeof standardFeatures>;
  readonly http: Http;
  readonly clock: TestClock;
  readonly database: Database;
  /** The context of somebody at the machine. */
  readonly ctx: Context;
  /** Sends what is due and gives every mail that has left so far, the oldest first. */
  readonly mailbox: () => Promise<SentMail[]>;
  /** The token in the link of the newest mail of a kind to an address. */
  readonly linkToken: (mail: string, to: string) => Promise<string>;
  /** The names of what happened so far, the oldest first. */
  readonly happened: () => Promise<string[]>;
  /** Every row of a table. */
  readonly rows: (table: string) => Promise<Record<string, unknown>[]>;
  /** Every row of every table. */
  readonly snapshot: () => Promise<Record<string, Record<string, unknown>[]>>;
  /** Hashes begun so far. */
  readonly hashes: () => number;
  readonly log: readonly string[];
  /** Another process on the same database, with some settings changed. */
  readonly restart: (changes?: Partial<Config>) => Promise<TestAuth>;
  readonly person: (about?: NewPerson) => Promise<Person>;
}

/** Never a real secret: it stands in this file for everybody to read. */
export const testSecret = "a-secret-for-tests-only-0123456789-abcdefghijklm";

const environment: Environment = {
  NODE_ENV: "test",
  SECRET_KEY: testSecret,
  EMAIL_BACKEND: "capture",
  // The cheapest that argon2id allows: what hashing costs is no test's business but the password tests'.
  ARGON2: "8,1,1",
  LOG_LEVEL: "debug",
};

/** A fresh system: `await using t = await testAuth()`. On PostgreSQL when TEST_DATABASE_URL names one, else SQLite. */
export async function testAuth(options: TestOptions = {}): Promise<TestAuth> {
  const { config, problems } = loadConfig({ ...environment, ...options.environment });
  if (problems.length > 0)
    throw new Error(problems.map(({ name, message }) => `${name} ${message}`).join("; "));
  const opened = options.database
    ? { database: options.database, close: async () => undefined }
    : await openTestDatabase(options.aroundStatement);
  return startSystem(options, config, createTestClock(), opened);
}

async function startSystem(
  options: TestOptions,
  config: Config,
  clock: TestClock,
  { database, close }: { readonly database: Database; readonly close: () => Promise<void> },
): Promise<TestAuth> {
  const lines: string[] = [];
  const secrets = new Set<string>();
  const auth = (await createAuth({
    config,
    fields: options.fields ?? {},
    features: options.features ?? standardFeatures,
    database,
    now: clock.now,
    log: createLog(config.logLevel, (line) => lines.push(line), clock.now),
  })) as Auth<typeof standardFeatures>;
  await auth.migrate();
  const ctx = auth.context("test");
  const http = createHttp(auth.handler, {
    sees: (secret) => secrets.add(secret),
    hasFault: () => options.aroundStatement !== undefined,
  });
  const sent: SentMail[] = [];
  const mailbox = async () => {
    const transport = recordingTransport(secrets);
    while (await sendNextMail(ctx, transport, ({ mail, message }) => sent.push({ ...message, mail })));
    return sent;
  };
  const rows = (table: string) => listRows(database, table);
  const linkToken = async (mail: string, to: string) => {
    const found = (await mailbox()).findLast((one) => one.mail === mail && one.to === to);
    const token = /\/([0-9a-f-]{36})\//.exec(found?.text ?? "")?.[1];
    if (!token) throw new Error(`No link in a mail "${mail}" to ${to}`);
    return token;
  };
  return {
    auth,
    http,
    clock,
    database,
    ctx,
    mailbox,
    linkToken,
    happened: async () => (await rows("audit")).map((row) => String(row.event)),
    rows,
    snapshot: async () => {
      const tables = await database.listTables(database.kysely);
      return Object.fromEntries(
        await Promise.all(tables.map(async (table) => [table, await rows(table)] as const)),
      );
    },
    hashes: () => hashQueue(ctx).started,
    log: lines,
    restart: (changes = {}) =>
      startSystem(options, { ...config, ...changes }, clock, { database, close: async () => undefined }),
    person: createPeople({ http, linkToken }),
    [Symbol.asyncDispose]: async () => {
      await auth.close();
      await close();
      checkLog(lines, secrets);
    },
  };
}

/** Stands where a mail server would: every mail arrives. What it holds must not be found in the log. */
function recordingTransport(secrets: Set<string>): Transport {
  return {
    name: "recording",
    send: async ({ text }) => {
      for (const [token] of text.matchAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g)) secrets.add(token);
      return { reply: "250 ok" };
    },
    verify: async () => undefined,
    close: () => undefined,
  };
}

async function openTestDatabase(aroundStatement: AroundStatement | undefined) {
  const seam = aroundStatement ? { aroundStatement } : {};
  const url = process.env.TEST_DATABASE_URL;
  if (!url) {
    const database = await openDatabase("sqlite::memory:", seam);
    return { database, close: () => database.close() };
  }
  const schema = await createSchema(url);
  const database = await openDatabase(url, { schema, poolSize: 5, ...seam });
  const close = async () => {
    await database.close();
    await dropSchema(url, schema);
  };
  return { database, close };
}

async function listRows(database: Database, table: string): Promise<Record<string, unknown>[]> {
  const db = database.kysely.$extendTables<Record<string, Record<string, unknown>>>();
  const rows = await db.selectFrom(table).selectAll().execute();
  return table === "audit"
    ? rows
    : rows.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}
