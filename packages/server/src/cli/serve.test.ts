import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Box, openBox, type RunningServer } from "../testing/command-line.ts";

const password = "Blue-Harbour-71";
const registration = (username: string) => ({
  ...{ email: `${username}@example.org`, username, password, password2: password },
  ...{ first_name: "", last_name: "" },
});
const register = (server: RunningServer, username: string) =>
  server.post("/api/auth/register/", registration(username));
interface Mail {
  readonly code: string;
  readonly link: string;
}
const noLimits = { env: { RATE_LIMITS: "off" } };

function checkDatabase(box: Box): { usernames: string[]; orphans: number } {
  return box.sqlite((file) => {
    assert.deepEqual({ ...file.prepare("pragma integrity_check").get() }, { integrity_check: "ok" });
    assert.deepEqual(file.prepare("pragma foreign_key_check").all(), []);
    const rows = file.prepare("select username from accounts order by username").all();
    // A registration is its account, its attempt, its event and its mail, or none of them.
    const orphans = file
      .prepare(
        `select count(*) as count from accounts a where
          (select count(*) from registration_attempts r where r.account_id = a.id) <> 1 or
          (select count(*) from audit e where e.account_id = a.id) <> 1 or
          (select count(*) from outbox o where o.recipient = a.email) <> 1`,
      )
      .get();
    return { usernames: rows.map((row) => String(row.username)), orphans: Number(orphans?.count) };
  });
}

describe("serve", () => {
  it("needs nothing in development: it makes what it lacks, says so in lines of JSON, and stops when told", async () => {
    await using box = await openBox();
    const server = await box.serve(["--data-dir", "state/here"], { env: { SECRET_KEY: "a-weak-one" } });
    assert.deepEqual(await readdir(box.folder), ["state"]);
    assert.equal((await register(server, "maria")).status, 201);
    const path = "/_/mailbox/api/messages/?to=maria@example.org&wait=5s";
    const { messages } = (await (await fetch(server.url + path)).json()) as { messages: Mail[] };
    const { code = "", link = "" } = messages[0] ?? {};
    const verify = new URL(link).pathname.replace("/", "/api/auth/");
    assert.equal((await server.post(verify, {})).status, 200);
    assert.equal((await server.post("/api/auth/login/", registration("maria"))).status, 200);
    assert.deepEqual(await server.stop("SIGINT"), [0, null]);
    const said = server.lines.map((line) => JSON.parse(line).msg);
    assert.match(said[0], /^SECRET_KEY has 10 bytes/);
    for (const one of ["ready", "registration.requested", "sign_in.succeeded"]) assert.ok(said.includes(one));
    assert.doesNotMatch(
      server.lines.join("\n"),
      new RegExp(`maria@|Harbour|${code}|${link.split("/").at(-2)}`),
    );
    assert.equal(server.err(), "");
    const made = await readdir(join(box.folder, "state/here"));
    assert.deepEqual(made.toSorted(), [".gitignore", "auth.db"]);
  });

  it("lets commands work beside it, and what they change holds at once", async () => {
    await using box = await openBox();
    const server = await box.serve();
    const made = await box.run(["user", "create", "ada@example.org", "--verified", "--password-stdin"], {
      input: password,
    });
    assert.equal(made.code, 0, made.err);
    const login = () => server.post("/api/auth/login/", { email: "ada@example.org", password });
    const { access } = (await (await login()).json()) as { access: string };
    const profile = () =>
      fetch(`${server.url}/api/auth/profile/`, { headers: { authorization: `Bearer ${access}` } });
    assert.equal((await profile()).status, 200);
    const tail = box.start(["audit", "tail", "--follow", "--event", "account.*"]);
    await tail.line(/account\.created/);
    assert.equal((await box.run(["user", "disable", "ada"])).code, 0);
    await tail.line(/account\.disabled +ada@example\.org +cli:/);
    assert.deepEqual(await tail.stop("SIGINT"), [130, null]);
    assert.equal(tail.lines.length, 2);
    assert.deepEqual([(await profile()).status, (await login()).status], [401, 400]);
    // The server finds the mail that the command put into the outbox.
    await box.run(["user", "create", "bob@example.org", "--password-stdin"], { input: password });
    await fetch(`${server.url}/_/mailbox/api/messages/?to=bob@example.org&wait=5s`);
    const list = JSON.parse((await box.run(["outbox", "list", "--json"])).out);
    const [sent] = list.mails.filter(({ to }: { to: string }) => to === "bob@example.org");
    const retried = await box.run(["outbox", "retry", sent.id]);
    assert.deepEqual([retried.code, sent.state], [4, "sent"]);
    assert.match(retried.err, /cannot be tried again: it was sent/);
  });

  it("answers what is under way when it is told to stop, and takes nothing more", async () => {
    await using box = await openBox();
    // A hash that takes its time, so that the signal comes in the middle.
    const server = await box.serve([], { env: { ARGON2: "65536,5,1" } });
    const answer = register(server, "ada");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = server.stop();
    assert.equal((await answer).status, 201);
    assert.deepEqual(await stopped, [0, null]);
    await assert.rejects(register(server, "bob"));
    assert.deepEqual(checkDatabase(box).usernames, ["ada"]);
  });

  it("says in its line of readiness where everything is, without a terminal too", async () => {
    await using box = await openBox();
    const server = await box.serve();
    const { url, ...said } = JSON.parse(await server.line(/"msg":"ready"/));
    const addresses = { api: said.api, reference: said.reference, mailbox: said.mailbox };
    assert.deepEqual(addresses, {
      ...{ api: `${url}/api/auth/`, reference: `${url}/_/docs/` },
      mailbox: `${url}/_/mailbox/`,
    });
    for (const address of [said.reference, said.mailbox])
      assert.equal((await fetch(address)).status, 200, address);
    await server.stop();
    const without = await box.serve([], { env: { EMAIL_BACKEND: "off" } });
    assert.equal(JSON.parse(await without.line(/"msg":"ready"/)).mailbox, undefined);
  });

  it("stops in order when its session ends, as it does when it is told to", async () => {
    await using box = await openBox();
    const server = await box.serve();
    const waiting = fetch(`${server.url}/_/mailbox/api/messages/?wait=1s`);
    // So that the call is there before the signal.
    await fetch(`${server.url}/_/health/`);
    // A window that is closed says it twice.
    const twice = server.line(/"msg":"stopping"/).then(() => server.stop("SIGHUP"));
    assert.deepEqual(await Promise.all([server.stop("SIGHUP"), twice]), [
      [0, null],
      [0, null],
    ]);
    assert.equal((await waiting).status, 200);
    assert.deepEqual(JSON.parse(await server.line(/"msg":"stopping"/)).signal, "SIGHUP");
    assert.equal(server.err(), "");
  });

  it("stops within its time whatever is not done then, and says what that is", async () => {
    await using box = await openBox();
    // The 20 seconds are a third of one here.
    await box.write(
      "hurry.mjs",
      `import { syncBuiltinESMExports } from "node:module";
       import timers from "node:timers/promises";
       const wait = timers.setTimeout;
       timers.setTimeout = (time, ...rest) => wait(time === 20_000 ? 333 : time, ...rest);
       syncBuiltinESMExports();`,
    );
    const server = await box.serve([], { env: { NODE_OPTIONS: "--import=./hurry.mjs" } });
    const waiting = fetch(`${server.url}/_/mailbox/api/messages/?to=nobody@example.org&wait=10s`);
    await fetch(`${server.url}/_/health/`);
    const [[code]] = await Promise.all([server.stop(), assert.rejects(waiting)]);
    assert.equal(code, 20);
    const { level, left } = JSON.parse(await server.line(/stopped before all was done/));
    assert.deepEqual([level, left], ["error", "1 call, the database's connections"]);
  });

  it("ends at once at a second signal, whatever a disk or a resolver keeps it waiting for", async () => {
    await using box = await openBox();
    // Nobody writes to its standard input, and to read there holds a thread of Node's.
    const read = 'import { read } from "node:fs"; read(0, Buffer.alloc(1), 0, 1, null, () => {});';
    await box.write("stuck.mjs", read);
    const server = await box.serve([], { env: { NODE_OPTIONS: "--import=./stuck.mjs" } });
    const waiting = fetch(`${server.url}/_/mailbox/api/messages/?to=nobody@example.org&wait=10s`);
    await fetch(`${server.url}/_/health/`);
    const [end] = await Promise.all([
      server.stop(),
      server.line(/"msg":"stopping"/).then(() => server.stop()),
      assert.rejects(waiting),
    ]);
    assert.deepEqual(end, [null, "SIGKILL"]);
  });

  it("goes on when nobody reads its log any more, and can still be told to stop", async () => {
    await using box = await openBox();
    const server = await box.serve();
    server.stopReading();
    const health = async () => (await fetch(`${server.url}/_/health/`)).status;
    for (let n = 0; n < 3; n += 1) assert.equal(await health(), 200);
    assert.equal((await register(server, "ada")).status, 201);
    assert.deepEqual(await server.stop(), [0, null]);
    assert.deepEqual(checkDatabase(box).usernames, ["ada"]);
  });

  it("killed in the middle of registrations leaves whole ones, and starts again", async () => {
    await using box = await openBox();
    const server = await box.serve([], noLimits);
    const names = Array.from({ length: 60 }, (_, n) => `user${n}`);
    const answers = names.map((name) =>
      register(server, name).then(
        ({ status }) => status,
        () => "lost",
      ),
    );
    await Promise.any(answers);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(await server.stop("SIGKILL"), [null, "SIGKILL"]);
    const known = await Promise.all(answers);
    assert.ok(known.includes("lost"), "it was killed too late to tell anything");
    const { usernames, orphans } = checkDatabase(box);
    const answered = names.filter((_, n) => known[n] === 201);
    assert.deepEqual(
      answered.filter((name) => !usernames.includes(name)),
      [],
    );
    assert.equal(orphans, 0);
    const again = await box.serve([], noLimits);
    assert.equal((await register(again, "afterwards")).status, 201);
    assert.deepEqual(await again.stop(), [0, null]);
  });

  it("twice on one SQLite file loses nothing and makes nothing twice", async () => {
    await using box = await openBox();
    await box.run(["migrate"]);
    const servers = await Promise.all([box.serve([], noLimits), box.serve([], noLimits)]);
    const names = Array.from({ length: 30 }, (_, n) => `user${n}`);
    const statuses = await Promise.all(
      names.flatMap((name) => servers.map(async (server) => (await register(server, name)).status)),
    );
    assert.ok(
      statuses.every((status) => status === 201),
      String(statuses),
    );
    await Promise.all(servers.map((server) => server.stop()));
    assert.deepEqual(checkDatabase(box).usernames, names.toSorted());
  });

  it("takes the next port in development when its own is taken, and none in production", async () => {
    await using box = await openBox();
    const other = createServer().listen(0, "127.0.0.1").unref();
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const server = await box.serve(["--port", String(port)]);
    const chosen = Number(new URL(server.url).port);
    assert.ok(chosen > port && chosen <= port + 20);
    const { level, msg } = JSON.parse(await server.line(/in use/));
    // Linux lets us see who it is: this test.
    const taken = `Port ${port} is in use${process.platform === "linux" ? ` (node, pid ${process.pid})` : ""}.`;
    assert.deepEqual([level, msg], ["warn", `${taken} Using ${chosen}.`]);
    assert.equal((await register(server, "ada")).status, 201);
    const env = {
      NODE_ENV: "production",
      PUBLIC_URL: "http://localhost",
      ARGON2: "",
      SECRET_KEY: randomBytes(32).toString("base64url"),
      EMAIL_BACKEND: "off",
    };
    const refused = await box.runAlone(["serve", "--port", String(port), "--data-dir", "live"], { env });
    assert.deepEqual(
      [refused.code, refused.out, refused.err],
      [1, "", `✗ ${taken}\n  fix  PORT=${port + 1}\n`],
    );
    assert.deepEqual(await readdir(box.folder), ["data"]);
    other.close();
  });
});
