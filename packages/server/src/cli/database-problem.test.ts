/** Whatever is wrong with the database: which it is, which setting named it, what to do, and never its password. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { type Box, openBox, type RunningServer } from "../testing/command-line.ts";
import { postgresUrl } from "../testing/databases.ts";
import { createSchema, dropSchema } from "../testing/postgres.ts";

const secret = "hunter2-hunter2";

/** A port that nobody listens on, and the server that would. */
async function reservePort(): Promise<{ port: number; server: Server }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return { port, server };
}

async function runWith(box: Box, args: readonly string[], url: string) {
  const { code, out, err } = await box.run(args, { env: { DATABASE_URL: url, SECRET_KEY: "x".repeat(40) } });
  assert.doesNotMatch(out + err, /hunter2/);
  return { code, err };
}

async function register(server: RunningServer, username: string): Promise<number> {
  const body = { email: `${username}@example.org`, username, password: secret, password2: secret };
  return (await server.post("/api/auth/register/", { ...body, first_name: "", last_name: "" })).status;
}

describe("a database that a command cannot use", () => {
  it("is named with its place, the cause, the setting and the fix", async () => {
    await using box = await openBox();
    const { port } = await reservePort();
    const url = `postgres://auth:${secret}@127.0.0.1:${port}/auth`;
    for (const args of [["user", "list"], ["migrate"], ["migrate", "status"], ["outbox", "list"]]) {
      assert.deepEqual(await runWith(box, args, url), {
        code: 75,
        err: [
          `✗ PostgreSQL at 127.0.0.1:${port} cannot be reached: nothing listens there (ECONNREFUSED).`,
          "  from  DATABASE_URL (environment)",
          "  fix   start it, or mend the host and the port\n",
        ].join("\n"),
      });
    }
    const unknown = await runWith(box, ["user", "list"], `postgres://auth:${secret}@db.invalid/auth`);
    assert.equal(unknown.code, 75);
    assert.match(
      unknown.err,
      /PostgreSQL at db\.invalid:5432 cannot be reached: .* \((?:ENOTFOUND|EAI_AGAIN)\)/,
    );
    for (const character of ["#", "/", "%"]) {
      const broken = await runWith(
        box,
        ["user", "list"],
        `postgres://auth:1${character}${secret}@db.invalid/auth`,
      );
      assert.equal(broken.code, 78, character);
      assert.match(
        broken.err,
        /The (?:password|database's URL) .*\n {2}from {2}DATABASE_URL \(environment\)\n {2}fix .* %2/,
      );
    }
  });

  it("is told apart by where its name comes from", async () => {
    await using box = await openBox();
    const { port } = await reservePort();
    await box.write(".env", `DATABASE_URL=postgres://auth:${secret}@127.0.0.1:${port}/auth\n`);
    const fromFile = await box.run(["migrate"]);
    assert.match(fromFile.err, /from {2}DATABASE_URL \(\.env\)/);
    await box.write(".env", "");
    const place = join(box.folder, "elsewhere");
    assert.equal((await box.run(["migrate", "--data-dir", place])).code, 0);
    await box.write("elsewhere/auth.db", "This is not a database.".repeat(100));
    const damaged = await box.run(["user", "list", "--data-dir", place]);
    assert.deepEqual(
      [damaged.code, damaged.err],
      [
        78,
        [
          `✗ ${place}/auth.db is no SQLite database: file is not a database.`,
          "  from  DATA_DIR (flag)",
          "  fix   restore it from a backup (docs/how-to/back-up-and-restore.md)\n",
        ].join("\n"),
      ],
    );
    const nowhere = await box.run(["migrate"], { env: { DATABASE_URL: "sqlite:no-such-folder/auth.db" } });
    assert.equal(nowhere.code, 78);
    assert.match(nowhere.err, /no-such-folder\/auth\.db: its folder does not exist \(ENOENT\)/);
  });

  it("with a log that is not its own is refused by the server too, and works once the log is out of the way", async () => {
    await using box = await openBox();
    assert.equal((await box.run(["migrate"])).code, 0);
    const create = (name: string) =>
      box.run(["user", "create", `${name}@example.org`, "--password-stdin"], { input: secret });
    assert.equal((await create("ada")).code, 0);
    await box.copy("data/auth.db", "backup.db");
    const server = await box.serve();
    assert.equal(await register(server, "bob"), 201);
    await server.stop("SIGKILL");
    await box.copy("backup.db", "data/auth.db");
    const refused = await box.runAlone(["serve", "--port", "0"]);
    assert.deepEqual([refused.code, refused.out], [78, ""]);
    assert.match(refused.err, /auth\.db-wal does not belong to .*auth\.db: .*\n.*\n {2}fix .*: (mv .*)\n/);
    await box.move("data/auth.db-wal", "data/auth.db-wal.old");
    const { users } = JSON.parse((await box.run(["user", "list", "--json"])).out);
    assert.deepEqual(
      users.map(({ email }: { email: string }) => email),
      ["ada@example.org"],
    );
  });
});

describe("a database that another process holds", () => {
  it("is reported once when it goes and once when it is back, and each refused call in one short line", async () => {
    await using box = await openBox();
    const server = await box.serve();
    assert.equal(await register(server, "ada"), 201);
    const holder = new DatabaseSync(join(box.folder, "data/auth.db"));
    holder.exec("begin immediate");
    let isOver = false;
    const refused = Promise.all([register(server, "bob"), register(server, "eve")]).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      assert.equal((await fetch(`${server.url}/_/health/`)).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(await refused, [503, 503]);
    holder.exec("rollback");
    holder.close();
    assert.equal(await register(server, "bob"), 201);
    const back = JSON.parse(await server.line(/"database back"/));
    assert.equal(typeof back.ms, "number");
    const lines = server.lines.map((line) => JSON.parse(line));
    const said = (message: string) => lines.filter(({ msg }) => msg === message).map(({ error }) => error);
    const cause = /^DatabaseUnwritable: The database .*data\/auth\.db is held locked by another process/;
    assert.equal(said("database gone").length, 1);
    assert.equal(said("request refused").length, 2);
    for (const error of [...said("database gone"), ...said("request refused")]) {
      assert.match(error, cause);
      assert.doesNotMatch(error, /\n/);
    }
    assert.deepEqual(await server.stop(), [0, null]);
  });
});

describe("a database that is not there when the server starts", () => {
  it("is waited for, and one line says which and why", async () => {
    await using box = await openBox();
    const { port } = await reservePort();
    const env = {
      DATABASE_URL: `postgres://auth:${secret}@127.0.0.1:${port}/auth`,
      SECRET_KEY: "x".repeat(40),
    };
    const server = box.start(["serve", "--port", "0"], { env });
    const line = JSON.parse(await server.line(/waiting for the database/));
    assert.match(
      line.reason,
      new RegExp(`^PostgreSQL at 127\\.0\\.0\\.1:${port} cannot be reached: nothing listens`),
    );
    assert.deepEqual(await server.stop("SIGTERM"), [null, "SIGTERM"]);
    assert.equal(server.lines.filter((one) => one.includes("database")).length, 1);
    assert.doesNotMatch(server.lines.join() + server.err(), /hunter2/);
  });
});

describe("PostgreSQL at the start", {
  skip: postgresUrl === undefined && "TEST_DATABASE_URL names no server",
}, () => {
  const url = postgresUrl ?? "";
  const cleanups: (() => unknown)[] = [];
  after(async () => {
    for (const clean of cleanups.toReversed()) await clean();
  });

  async function newUrl(): Promise<URL> {
    const schema = await createSchema(url);
    cleanups.push(() => dropSchema(url, schema));
    const own = new URL(url);
    own.searchParams.set("options", `-c search_path=${schema}`);
    return own;
  }

  it("that comes a moment later lets the server start", async () => {
    await using box = await openBox();
    const target = await newUrl();
    const { port, server: way } = await reservePort();
    way.on("connection", (client) => {
      const upstream = connect(Number(target.port), target.hostname);
      client.pipe(upstream).pipe(client);
      for (const one of [client, upstream]) one.on("error", () => undefined);
    });
    const late = new URL(target);
    late.port = String(port);
    const server = box.start(["serve", "--port", "0"], {
      env: { DATABASE_URL: late.href, SECRET_KEY: "x".repeat(40) },
    });
    await server.line(/waiting for the database/);
    way.listen(port, "127.0.0.1");
    cleanups.push(() => way.close());
    await server.line(/"msg":"ready"/);
    assert.deepEqual(await server.stop(), [0, null]);
  });

  it("that was made with another secret, or by a later version, is refused and left at once", async () => {
    await using box = await openBox();
    const { href } = await newUrl();
    const env = { DATABASE_URL: href, SECRET_KEY: "x".repeat(40) };
    assert.equal((await box.run(["migrate"], { env })).code, 0);
    const other = await box.runAlone(["serve", "--port", "0"], {
      env: { ...env, SECRET_KEY: "y".repeat(40) },
    });
    assert.equal(other.code, 78, other.err);
    assert.match(other.err, /made with secret/);
  });

  it("whose name, user or password is wrong says so with the server's words, without the password", async () => {
    await using box = await openBox();
    const wrong = (change: (url: URL) => void) => {
      const other = new URL(url);
      change(other);
      return runWith(box, ["migrate"], other.href);
    };
    const name = await wrong((other) => {
      other.pathname = "/no-such-database";
    });
    assert.equal(name.code, 78);
    assert.match(
      name.err,
      /has no database of this name: database "no-such-database" does not exist \(3D000\)\.\n/,
    );
    assert.match(name.err, /from {2}DATABASE_URL \(environment\)\n {2}fix {3}create it, or mend the name\n/);
    const password = await wrong((other) => {
      other.password = secret;
    });
    assert.equal(password.code, 78);
    assert.match(password.err, /refuses the user or the password: .* \(28P01\)\.\n[^]*%23/);
    const certificate = await wrong((other) => {
      other.search = "?sslmode=verify-full&sslrootcert=/no/such/ca.pem";
    });
    assert.equal(certificate.code, 78);
    assert.match(certificate.err, /no such file or directory, open '\/no\/such\/ca\.pem'/);
    const noTls = await wrong((other) => {
      other.search = "?sslmode=verify-full";
    });
    assert.equal(noTls.code, 78);
    assert.match(noTls.err, /offers no TLS/);
  });
});
