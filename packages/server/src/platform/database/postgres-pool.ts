/** A pool of connections to PostgreSQL: every wait has an end, and a connection that may lead astray is never used again. */

import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import { Pool, type PoolClient, type types } from "pg";
import { type AroundStatement, DatabaseBusy, type DatabaseOptions, DatabaseUnreachable } from "./dialect.ts";
import { checkParameters } from "./parameters.ts";
import { ReadOnly, Silence, translatePostgresError } from "./postgres-errors.ts";

/** Lifts every time limit, ours too, until the transaction ends. */
export const liftTimeLimits = "set local statement_timeout = 0";

/** Long enough for every statement but a migration's; the server's own limits are shorter, so that it speaks first. */
const defaultPatience = 5_000;
const timeLimits = {
  statement_timeout: 4_000,
  lock_timeout: 3_000,
  // A process that hangs in the middle of a transaction must not keep its rows from everyone else.
  idle_in_transaction_session_timeout: 30_000,
};
/** After a while a connection is replaced, since its address may lead elsewhere by now. */
const longestLife = 600;
/** How long a server is given to say goodbye. */
const farewell = 1_000;

export interface PoolParts {
  readonly url: string;
  readonly options: DatabaseOptions;
  readonly getTypeParser: typeof types.getTypeParser;
  readonly searchPath: string | undefined;
}

export interface CheckedPool extends PostgresPool {
  /** Throws DatabaseBusy if the server takes no changes. */
  readonly checkWritable: () => Promise<void>;
}

/** Connects when first used, not before. */
export function createPool({ url, options, getTypeParser, searchPath }: PoolParts): CheckedPool {
  const patience = options.patience ?? defaultPatience;
  const place = placeOf(url);
  const pool = new Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: patience,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: longestLife,
    keepAlive: true,
    // Node then asks every second, ten times: a machine that is gone is noticed within 15 seconds.
    keepAliveInitialDelayMillis: 5_000,
    ...timeLimits,
    types: { getTypeParser },
    ...(searchPath === undefined ? {} : { options: `-c search_path=${searchPath}` }),
  });
  const around: AroundStatement = options.aroundStatement ?? ((_sql, run) => run());
  const opened = new Set<PoolClient>();
  /** Connections that are to be used by nobody any more. */
  const retired = new WeakSet<PoolClient>();
  /** Connections that lead to a server which takes changes. */
  const proven = new WeakSet<PoolClient>();
  let hasJustRetired = false;

  // Without a listener, a server that restarts would end our process: on the pool for connections at rest,
  // on each connection for those in use. What a loss means, the next statement tells.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    opened.add(client);
    client.on("error", () => {});
    client.once("end", () => opened.delete(client));
  });

  /**
   * The other connections lead to the same server, which is silent, going, or no primary any more; to find that out
   * of each of them would cost a call each. Once a second is enough, also while every call fails.
   */
  function retireAll(): void {
    if (hasJustRetired) return;
    hasJustRetired = true;
    for (const client of opened) retired.add(client);
    setTimeout(() => {
      hasJustRetired = false;
    }, 1_000).unref();
  }

  function fail(error: unknown, client?: PoolClient): unknown {
    const translated = translatePostgresError(error, place);
    if (!(translated instanceof DatabaseBusy)) return translated;
    options.watch?.failed(translated);
    const misleads = translated instanceof DatabaseUnreachable || isReadOnly(translated);
    if (client && misleads) {
      retired.add(client);
      retireAll();
    }
    return translated;
  }

  async function open(limited = true): Promise<PoolClient> {
    try {
      return await pool.connect();
    } catch (error) {
      if (!limited || !refusesTimeLimits(error)) throw fail(error);
      if (pool.options.statement_timeout !== false) options.onWarning?.(poolerAdvice);
      pool.options.statement_timeout = false;
      pool.options.lock_timeout = 0;
      pool.options.idle_in_transaction_session_timeout = 0;
      return open(false);
    }
  }

  async function connect(): Promise<PoolClient> {
    for (;;) {
      const client = await open();
      if (retired.has(client)) discard(client);
      else if (proven.has(client)) return client;
      else {
        await prove(client);
        proven.add(client);
        return client;
      }
    }
  }

  /** No decision is taken on what a standby knows: it may be behind. */
  async function prove(client: PoolClient): Promise<void> {
    try {
      const { rows } = await ask(client, "select pg_is_in_recovery() as is_standby", []);
      if (rows[0]?.is_standby) throw new ReadOnly("it is a standby");
    } catch (error) {
      discard(client);
      throw fail(error);
    }
  }

  /** The limit is ours: a server that stands still keeps no limit of its own, and TCP alone waits for ever. */
  async function ask(client: PoolClient, statement: string, parameters: unknown[], isLimited = true) {
    const limit = isLimited
      ? setTimeout(() => client.connection.stream.destroy(new Silence(patience)), patience)
      : undefined;
    try {
      return await client.query(statement, parameters);
    } finally {
      clearTimeout(limit);
    }
  }

  /** What Kysely asks of a connection. No statement has a name, so that PgBouncer can share connections. */
  function wrap(client: PoolClient): PostgresPoolClient {
    let isLimited = true;
    let hasChanges = false;
    const isAtRest = () => client.getTransactionStatus() === "I";
    async function execute<Row>(statement: string, parameters: readonly unknown[]) {
      checkParameters(parameters);
      try {
        const result = await ask(client, statement, [...parameters], isLimited);
        if (statement === liftTimeLimits) isLimited = false;
        hasChanges = result.command !== "ROLLBACK" && (hasChanges || changes.has(result.command));
        options.watch?.answered();
        if (isAtRest()) {
          if (hasChanges) options.watch?.wrote();
          hasChanges = false;
          isLimited = true;
        }
        return result as unknown as PostgresQueryResult<Row>;
      } catch (error) {
        throw fail(error, client);
      }
    }
    const query: typeof execute = (text, values) => around(text, () => execute(text, values));
    return {
      query: query as PostgresPoolClient["query"],
      // Whatever happened to the rollback, the next user of the connection must not inherit the transaction.
      release: (destroy) => {
        if (destroy || retired.has(client) || !isAtRest()) discard(client);
        else client.release();
      },
    };
  }

  async function checkWritable(): Promise<void> {
    const client = await connect();
    try {
      const text = "select current_setting('transaction_read_only') as mode";
      const { rows } = await around(text, () => ask(client, text, []));
      if (rows[0]?.mode !== "off") throw new ReadOnly("it is set to read only");
    } catch (error) {
      discard(client);
      throw fail(error, client);
    }
    client.release();
    options.watch?.wrote();
  }

  return {
    checkWritable,
    connect: async () => wrap(await connect()),
    end: async () => {
      await pool.end();
      // A server that stands still closes nothing, and the process would wait for it.
      setTimeout(() => {
        for (const client of opened) client.connection.stream.destroy();
      }, farewell).unref();
    },
    options: pool.options,
  };
}

const changes = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

/** Closes a connection here and now, and tells the pool. */
function discard(client: PoolClient): void {
  client.connection.stream.destroy();
  client.release(true);
}

function isReadOnly({ cause }: DatabaseBusy): boolean {
  return cause instanceof ReadOnly || (cause instanceof Error && "code" in cause && cause.code === "25006");
}

function refusesTimeLimits(error: unknown): boolean {
  return error instanceof Error && /unsupported startup parameter.*timeout/.test(error.message);
}

/** PgBouncer lets nobody set these. Better without them than without a database; the role can carry them. */
const poolerAdvice = `The connection pooler in front of PostgreSQL refuses time limits. Set them for the role: ${Object.entries(
  timeLimits,
)
  .map(([name, milliseconds]) => `alter role … set ${name} = '${milliseconds / 1000}s';`)
  .join(" ")}`;

/** Where a server is, for people to read: never who asks it, nor with which password. */
function placeOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url);
  const host = searchParams.get("host") ?? (decodeURIComponent(hostname) || "localhost");
  return host.startsWith("/") ? host : `${host}:${searchParams.get("port") || port || "5432"}`;
}
