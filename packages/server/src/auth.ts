/** Puts a system together: settings, a database and the listed features become one handler and bound flows. */

import { sql } from "kysely";
import type { Config } from "./config.ts";
import { type Caller, signedIn } from "./core/access/access.ts";
import { toColumn } from "./core/accounts/accounts.ts";
import {
  baseFields,
  findFieldsProblems,
  type StoredField,
  storedFields,
  type UserFields,
} from "./core/accounts/fields.ts";
import { watchingNeighbours } from "./core/agreement.ts";
import { watchingClock } from "./core/clock.ts";
import { findConfigProblems } from "./core/config-options.ts";
import { type Context, createContext } from "./core/context.ts";
import type { Additions, Feature } from "./core/feature.ts";
import { findFeatureProblems } from "./core/feature-options.ts";
import { housekeeping } from "./core/housekeeping.ts";
import { checkSecret, refuseOtherSecret } from "./core/keys/fingerprint.ts";
import { coreMails } from "./core/mails.ts";
import { coreMigrations } from "./core/migrations.ts";
import { errorPage } from "./core/pages/error-page.ts";
import { countingMakes } from "./core/passwords/makes.ts";
import { findTokenClaimProblems } from "./core/tokens/tokens.ts";
import { standardFeatures } from "./features.ts";
import { systemClock } from "./platform/clock.ts";
import { addColumns, type WantedColumn } from "./platform/database/add-columns.ts";
import { type Database, isBusy } from "./platform/database/dialect.ts";
import {
  compareMigrations,
  listAppliedMigrations,
  type Migrations,
  migrate,
} from "./platform/database/migrate.ts";
import { openDatabase } from "./platform/database/open.ts";
import { createWatch } from "./platform/database/watch.ts";
import { Unavailable } from "./platform/http/errors.ts";
import { createRouter, type Handler } from "./platform/http/router.ts";
import { describeError, type Log } from "./platform/log.ts";
import * as option from "./platform/options.ts";
import { type RandomBytes, systemRandomBytes } from "./platform/random.ts";
import { createRequestReader, quietRequest } from "./requests.ts";

export interface AuthOptions<
  F extends UserFields = UserFields,
  L extends readonly Feature[] = readonly Feature[],
> {
  readonly config: Config;
  /** The fields that users have beside those of the base product. */
  readonly fields?: F;
  /** What it can do; unsaid: everything, `standardFeatures`. */
  readonly features?: L;
  /** An open database; unsaid: the one that DATABASE_URL names, closed with the system. */
  readonly database?: Database;
  readonly now?: () => Date;
  readonly randomBytes?: RandomBytes;
  readonly log?: Log;
}

export const authOptions: option.OptionsOf<AuthOptions> = {
  config: option.needed(option.object),
  fields: option.object,
  features: option.list,
  database: option.object,
  now: option.method,
  randomBytes: option.method,
  log: option.method,
};

type Bound<T> = T extends (ctx: Context, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

/** Every listed feature's flows, bound to the system: `auth.passwordReset.request("ada@example.org")`. */
export type BoundFlows<L extends readonly Feature[]> = {
  readonly [F in L[number] as F["name"]]: { readonly [Name in keyof F["flows"]]: Bound<F["flows"][Name]> };
};

export interface System {
  readonly handler: Handler;
  /** Who is calling a route of your own; throws the error to answer with when nobody is. */
  readonly authenticate: (request: Request) => Promise<Caller>;
  /**
   * Brings the database up to date: migrations, then a column for each field that has none. Throws, and changes nothing:
   * SecretMismatch when SECRET_KEY is not the one that the database was made with, DatabaseTooNew when a newer version
   * changed it in a way that this one cannot go on with.
   */
  readonly migrate: () => Promise<string[]>;
  readonly pendingMigrations: () => Promise<string[]>;
  readonly appliedMigrations: () => Promise<{ readonly name: string; readonly appliedAt: Date }[]>;
  /** The same question alone, for a database that is up to date. */
  readonly checkSecret: () => Promise<void>;
  /** A context for a flow that no request asked for; `actor` is named in the audit trail. */
  readonly context: (actor: string) => Context;
  readonly close: () => Promise<void>;
}

export type Auth<L extends readonly Feature[]> = System & BoundFlows<L>;

/**
 * A running system. Nothing is global: two of them can live in one process. Throws DeclarationRefused for options, settings,
 * fields or features that nobody would read as they are written.
 */
export async function createAuth<
  const F extends UserFields = Readonly<Record<never, never>>,
  const L extends readonly Feature[] = typeof standardFeatures,
>(options: AuthOptions<F, L>): Promise<Auth<L>> {
  refuseMistakes(options);
  const features: readonly Feature[] = options.features ?? standardFeatures;
  const config = { ...options.config };
  const log = options.log ?? (() => undefined);
  const fields = { ...baseFields, ...options.fields };
  const additions = collectAdditions(features, fields);
  const now = options.now ?? systemClock;
  const database = options.database ?? (await openConfigured(config, log, now));
  const sharedClock = options.now ? undefined : database.clock;
  const contextFor = (request: Context["request"]): Context =>
    createContext({
      config,
      db: database.kysely,
      now,
      checkWritable: () => database.checkWritable(),
      sharedNow: () => sharedClock ?? sql<number>`cast(${now().getTime()} as bigint)`,
      randomBytes: options.randomBytes ?? systemRandomBytes,
      log,
      request,
      additions,
    });
  const system = contextFor(quietRequest("system", config.language));
  const reader = createRequestReader(system);
  const handler = createRouter<Context>({
    endpoints: additions.endpoints,
    pages: features.flatMap((feature) => feature.pages ?? []),
    system,
    describeRequest: reader.describe,
    openContext: contextFor,
    crossOrigin: reader.crossOrigin,
    errorPage,
    strictTransport: strictTransport(config),
    translate: (error) => (isBusy(error) ? new Unavailable({ cause: error }) : undefined),
    finished: reader.finished,
  });
  const migrations: Migrations = Object.assign(
    {},
    coreMigrations,
    ...features.map((one) => one.migrations ?? {}),
  );
  const tellUnknown = createUnknownTeller(log);
  const core: System = {
    handler,
    authenticate: (request) => signedIn.check(contextFor(reader.describe(request, ""))),
    migrate: () => migrateAll(database, migrations, system, tellUnknown),
    appliedMigrations: () => listAppliedMigrations(database),
    pendingMigrations: async () => {
      const { pending, unknown } = await compareMigrations(database, migrations);
      tellUnknown(unknown);
      return [...pending];
    },
    checkSecret: () => checkSecret(system),
    context: (actor) => contextFor(quietRequest(actor, config.language)),
    close: () => (options.database ? Promise.resolve() : database.close()),
  };
  return { ...bindFlows(features, system), ...core } as Auth<L>;
}

/** A year; only what the operator owns alone can answer for its subdomains too. */
function strictTransport({ publicUrl, hstsIncludesSubdomains }: Config): string | undefined {
  if (!publicUrl.startsWith("https:")) return undefined;
  return hstsIncludesSubdomains ? "max-age=31536000; includeSubDomains" : "max-age=31536000";
}

/** Everything that a person wrote is held to what there is, and everything that is wrong is said at once. */
function refuseMistakes(options: AuthOptions): void {
  const { config, fields = {}, features = standardFeatures } = options;
  const problems = option.findOptionProblems(options, authOptions);
  if (problems.length > 0)
    throw new option.DeclarationRefused(
      problems.map((problem) => option.toSentence(`createAuth ${problem}`)),
    );
  const all = [
    ...findConfigProblems(config),
    ...findFeatureProblems(features),
    ...findFieldsProblems(fields),
  ];
  if (all.length === 0) {
    const wrong = findTokenClaimProblems(config.tokens.claims, { ...baseFields, ...fields });
    all.push(...wrong.map((problem) => `TOKEN_CLAIMS: ${problem}.`));
  }
  option.refuseDeclaration(all);
}

async function openConfigured(config: Config, log: Log, now: () => Date): Promise<Database> {
  const watch = createWatch({
    now,
    gone: (error) => log("error", "database gone", { error: describeError(error) }),
    back: (ms) => log("warn", "database back", { ms }),
  });
  return openDatabase(config.database.url, {
    poolSize: config.database.pool,
    watch,
    onWarning: (message) => log("warn", message),
  });
}

function collectAdditions(features: readonly Feature[], fields: UserFields): Additions {
  const mails = [...coreMails, ...features.flatMap((feature) => feature.mails ?? [])];
  return {
    fields,
    endpoints: features.flatMap((feature) => feature.endpoints ?? []),
    gates: features.flatMap((feature) => feature.gates ?? []),
    reactions: features.flatMap((feature) => feature.reactions ?? []),
    jobs: [
      housekeeping,
      countingMakes,
      watchingNeighbours,
      watchingClock,
      ...features.flatMap((feature) => feature.jobs ?? []),
    ],
    mails: new Map(mails.map((mail) => [mail.name, mail])),
  };
}

function bindFlows(features: readonly Feature[], system: Context): Record<string, unknown> {
  return Object.fromEntries(
    features.map((feature) => [
      feature.name,
      Object.fromEntries(
        Object.entries(feature.flows ?? {}).map(([name, flow]) => [
          name,
          (...rest: unknown[]) => flow(system, ...rest),
        ]),
      ),
    ]),
  );
}

/** Warns, once, of migrations that a newer version ran and this one can go on beside. */
function createUnknownTeller(log: Log): (unknown: readonly string[]) => void {
  let isTold = false;
  return (unknown) => {
    if (isTold || unknown.length === 0) return;
    isTold = true;
    log("warn", "a newer version migrated the database; this one can go on beside it", {
      migrations: unknown.join(", "),
    });
  };
}

async function migrateAll(
  database: Database,
  migrations: Migrations,
  system: Context,
  tellUnknown: (unknown: readonly string[]) => void,
): Promise<string[]> {
  // First, since no migration can be undone.
  if ((await database.listTables(database.kysely)).includes("facts")) await refuseOtherSecret(system);
  tellUnknown((await compareMigrations(database, migrations)).unknown);
  const log = (message: string, fields: Readonly<Record<string, string>>) =>
    system.log("info", message, fields);
  const applied = await migrate(database, migrations, { now: system.now, log });
  const columns = storedFields(system.additions.fields).map(([name, field]) => wantedColumn(name, field));
  const added = await addColumns(database, "accounts", columns);
  for (const column of added) log("column added", { column: `accounts.${column}` });
  await checkSecret(system);
  return [...applied, ...added.map((column) => `accounts.${column}`)];
}

const columnKinds = {
  text: "text",
  oneOf: "text",
  date: "text",
  integer: "integer",
  boolean: "integer",
  json: "json",
} as const;

function wantedColumn(name: string, field: StoredField): WantedColumn {
  return {
    name,
    kind: columnKinds[field.type],
    default: toColumn(field, field.default ?? null),
    unique: field.unique ?? false,
  };
}
