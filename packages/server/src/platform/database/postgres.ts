/** Opens a PostgreSQL database: a pool of connections that ends nothing but the statement when the server goes away. */

import {
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  sql,
} from "kysely";
import { DatabaseError, Pool, type PoolClient, types } from "pg";
import { type ColumnRow, type IndexColumnRow, postgresColumns, toTableDescription } from "./columns.ts";
import {
  type Database,
  DatabaseBusy,
  type DatabaseOptions,
  type NoTables,
  TransactionConflict,
  UniqueViolation,
} from "./dialect.ts";
import { checkParameters } from "./parameters.ts";

/** Connects when first used, not before. */
export function openPostgres(url: string, options: DatabaseOptions): Database {
  const kysely = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool: createPool(url, options) }) });
  return {
    kysely,
    kind: "postgres",
    columns: postgresColumns,
    // Of this statement, not of its transaction, and the same all through it, so that an index can be asked.
    clock: sql<number>`cast(extract(epoch from statement_timestamp()) * 1000 as bigint)`,
    lockSchema,
    listTables,
    describeTable,
    close: () => kysely.destroy(),
  };
}

function createPool(url: string, options: DatabaseOptions): PostgresPool {
  const report = options.onConnectionProblem ?? (() => {});
  const pool = new Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: 10_000,
    // A process that hangs in the middle of a transaction must not keep its rows from everyone else.
    idle_in_transaction_session_timeout: 30_000,
    types: { getTypeParser: getTypeParser as typeof types.getTypeParser },
    ...(options.schema === undefined ? {} : { options: `-c search_path=${checkSchemaName(options.schema)}` }),
  });
  // Without a listener, a server that restarts would end our process: on the pool for connections at rest,
  // on each connection for those in use.
  pool.on("error", report);
  pool.on("connect", (client) => client.on("error", report));

  return {
    connect: async () => wrapClient(await connect(pool, report), options),
    end: () => pool.end(),
    options: pool.options,
  };
}

async function connect(pool: Pool, report: (error: Error) => void, limited = true): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    if (!limited || !refusesTimeLimits(error)) throw translateError(error);
    // PgBouncer lets nobody set these. Better no limits than no database; the role can carry them.
    pool.options.statement_timeout = false;
    pool.options.idle_in_transaction_session_timeout = 0;
    report(
      new Error(
        "The connection pooler in front of PostgreSQL refuses time limits. Set them for the role: " +
          "alter role … set statement_timeout = '10s'; alter role … set idle_in_transaction_session_timeout = '30s'.",
        { cause: error },
      ),
    );
    return connect(pool, report, false);
  }
}

function refusesTimeLimits(error: unknown): boolean {
  return error instanceof Error && /unsupported startup parameter.*timeout/.test(error.message);
}

/** What Kysely asks of a connection. No statement has a name, so that PgBouncer can share connections. */
function wrapClient(client: PoolClient, options: DatabaseOptions): PostgresPoolClient {
  async function execute<Row>(statement: string, parameters: readonly unknown[]) {
    checkParameters(parameters);
    try {
      return (await client.query(statement, [...parameters])) as unknown as PostgresQueryResult<Row>;
    } catch (error) {
      throw translateError(error);
    }
  }
  const around = options.aroundStatement;
  const query: typeof execute = around
    ? (text, values) => around(text, () => execute(text, values))
    : execute;
  return {
    query: query as PostgresPoolClient["query"],
    // Whatever happened to the rollback, the next user of the connection must not inherit the transaction.
    release: (destroy) => client.release(destroy || client.getTransactionStatus() !== "I"),
  };
}

function checkSchemaName(name: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(name)) return name;
  throw new Error("A schema's name consists of lower-case letters, digits and underscores.");
}

/** Reads what SQLite has no type for as SQLite does, so that rows are alike: numbers, 1 and 0, JSON's text. */
const parsers = new Map<number, (text: string) => unknown>([
  [types.builtins.INT8, readInteger],
  [types.builtins.NUMERIC, Number], // the sum of bigints
  [types.builtins.BOOL, (text) => (text === "t" ? 1 : 0)],
  [types.builtins.JSON, String],
  [types.builtins.JSONB, String],
]);

function getTypeParser(oid: number, format?: "text" | "binary"): unknown {
  return parsers.get(oid) ?? types.getTypeParser(oid, format ?? "text");
}

function readInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("A column holds an integer too large to be exact.");
  return value;
}

async function lockSchema(transaction: Kysely<NoTables>): Promise<void> {
  // A large table takes as long as it takes, and so may the one who migrates before us.
  await sql`set local statement_timeout = 0`.execute(transaction);
  await sql`select pg_advisory_xact_lock(hashtext('schema'), hashtext(current_schema()))`.execute(
    transaction,
  );
  // But a table in use elsewhere is not waited for: everyone else would queue up behind us.
  await sql`set local lock_timeout = 10000`.execute(transaction);
}

async function listTables(db: Kysely<NoTables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
    order by relname`.execute(db);
  return rows.map((row) => row.name);
}

async function describeTable(db: Kysely<NoTables>, table: string) {
  const relation = sql`(
    select oid from pg_class
    where relname = ${table} and relnamespace = current_schema()::regnamespace and relkind in ('r', 'p'))`;
  const columns = await sql<ColumnRow>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = ${relation} and attnum > 0 and not attisdropped
    order by attnum`.execute(db);
  const indexes = await sql<IndexColumnRow>`
    select indexrelid::regclass::text as name, indisunique and indpred is null as is_unique, attname as column_name
    from pg_index
    cross join lateral unnest(indkey) with ordinality as part (number, position)
    left join pg_attribute on attrelid = indrelid and attnum = part.number and part.number > 0
    where indrelid = ${relation} and position <= indnkeyatts and indisvalid
    order by name, position`.execute(db);
  return toTableDescription(columns.rows, indexes.rows);
}

const lostConnection =
  /^Connection terminated|^timeout exceeded when trying to connect$|^Client has encountered a connection error|^Client was closed/;

// https://www.postgresql.org/docs/current/errcodes-appendix.html: connection lost, too little of something, lock
// not to be had, statement cancelled, server shutting down, transaction idle for too long, and a standby that does
// not take writes yet.
const busyState = /^(08|40003|53|55P03|57014|57P0|25P0[34]|25006)/;

// The same page: transaction rollback, because of a deadlock or of what another transaction changed. (40003, where
// nobody knows how it ended, is not for trying again.)
const conflictState = /^40(?!003)/;

function translateError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof DatabaseError) {
    if (error.code === "23505") return toUniqueViolation(error);
    if (conflictState.test(error.code ?? "")) return new TransactionConflict(error);
    return busyState.test(error.code ?? "") ? new DatabaseBusy(error) : error;
  }
  // Errors of the network have a code and the failed call's name.
  return "syscall" in error || "errors" in error || lostConnection.test(error.message)
    ? new DatabaseBusy(error)
    : error;
}

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
