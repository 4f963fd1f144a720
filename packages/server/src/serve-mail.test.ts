import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import PostalMime from "postal-mime";
import { mailAlarm } from "./core/mail/outbox.ts";
import type { Environment } from "./platform/settings.ts";
import { serve } from "./serve.ts";
import { startSmtpServer, type TestSmtpServer } from "./testing/smtp-server.ts";
import { type TestAuth, testAuth } from "./testing/test-auth.ts";

/** The mail server waits a tenth of a second before it greets. */
const together = { concurrency: true };
const account = { user: "mailer", password: "s3cret-p4ss" };
const password = "Blue-Harbour-71";

interface Served extends AsyncDisposable {
  readonly t: TestAuth;
  readonly url: string;
}

/** A system as an operator sets it up, listening, its mail worker at work. */
async function startServer(smtp: { readonly port: number }, settings: Environment = {}): Promise<Served> {
  const t = await testAuth({
    environment: {
      ...{ EMAIL_BACKEND: "", EMAIL_HOST: "127.0.0.1", EMAIL_PORT: String(smtp.port), RATE_LIMITS: "off" },
      ...{ DEFAULT_FROM_EMAIL: "Example <noreply@example.org>" },
      ...settings,
    },
  });
  t.clock.start();
  const { server, stop } = await serve(t.auth, { host: "127.0.0.1", port: 0 });
  return {
    t,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await t[Symbol.asyncDispose]();
    },
  };
}

async function register(url: string, username: string): Promise<Response> {
  return fetch(`${url}/api/auth/register/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ email: `${username}@example.org`, username, password, password2: password },
      ...{ first_name: "", last_name: "" },
    }),
  });
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, `not in time: ${what}`);
    await pause(10);
  }
}

const arrived = (smtp: TestSmtpServer, to: string) =>
  until(() => smtp.mailFor(to).length > 0, `mail to ${to}`);

/** Lets every mail be tried once more: waits until nothing is under way or due, and moves on to when all are due. */
async function tryAgain(t: TestAuth): Promise<void> {
  const isDue = (row: Record<string, unknown>) =>
    row.state === "waiting" && Number(row.due_at) <= t.clock.now().getTime();
  const idle = async () => (await t.rows("outbox")).every((row) => row.lease === null && !isDue(row));
  await until(idle, "the end of a try");
  const waiting = (await t.rows("outbox")).filter(({ state }) => state === "waiting");
  makeAllDue(t, waiting);
  const tries = new Map(waiting.map(({ id, attempts }) => [id, Number(attempts)]));
  const tried = async () =>
    (await t.rows("outbox")).every(
      ({ id, attempts, lease }) => !lease && Number(attempts) > (tries.get(id) ?? 0),
    );
  await until(tried, "another try of each");
}

function makeAllDue(t: TestAuth, waiting: readonly Record<string, unknown>[]): void {
  t.clock.advance(Math.max(...waiting.map((row) => Number(row.due_at))) - t.clock.now().getTime());
  mailAlarm(t.ctx).ring();
}

async function states(t: TestAuth): Promise<string[]> {
  return (await t.rows("outbox")).map(({ state }) => String(state));
}

async function linkIn(raw: string): Promise<string> {
  const { text } = await PostalMime.parse(raw);
  return /\/verify-email\/([0-9a-f-]{36})\//.exec(text ?? "")?.[1] ?? assert.fail(`no link in ${text}`);
}

describe("a mail server, as an operator names it", () => {
  const ways = [
    ["without encryption", undefined, {}],
    ["with STARTTLS", "starttls", { EMAIL_USE_TLS: "True" }],
    ["with TLS from the first byte", "implicit", { EMAIL_USE_SSL: "True" }],
  ] as const;
  for (const [how, tls, settings] of ways) {
    it(`${how} gets the mail of a registration, whose link verifies`, async () => {
      await using smtp = await startSmtpServer({ ...(tls && { tls }), account });
      const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-ca-"));
      await using files = new AsyncDisposableStack();
      files.defer(() => rm(folder, { recursive: true, force: true }));
      const ca = join(folder, "ca.pem");
      await writeFile(ca, smtp.certificate);
      const login = { EMAIL_HOST_USER: account.user, EMAIL_HOST_PASSWORD: account.password };
      const more = { ...login, EMAIL_CA_FILE: ca, PUBLIC_URL: "https://auth.example.org" };
      await using served = await startServer(smtp, { ...settings, ...more });
      assert.equal((await register(served.url, "ada")).status, 201);
      await arrived(smtp, "ada@example.org");
      const [{ from, raw, isEncrypted, user } = assert.fail()] = smtp.received;
      assert.deepEqual([from, isEncrypted, user], ["noreply@example.org", tls !== undefined, account.user]);
      assert.deepEqual(smtp.greetings, ["auth.example.org"]);
      assert.deepEqual((await PostalMime.parse(raw)).from, {
        name: "Example",
        address: "noreply@example.org",
      });
      const verified = await fetch(`${served.url}/api/auth/verify-email/${await linkIn(raw)}/`, {
        method: "POST",
      });
      assert.equal(verified.status, 200);
      await until(async () => (await states(served.t)).join() === "sent", "the note");
      assert.match(String((await served.t.rows("outbox"))[0]?.reply), /^250 .*Taken/);
    });
  }

  it("that lacks the encryption which is demanded gets nothing", async () => {
    await using smtp = await startSmtpServer({ account });
    const login = { EMAIL_HOST_USER: account.user, EMAIL_HOST_PASSWORD: account.password };
    await using served = await startServer(smtp, { EMAIL_USE_TLS: "on", ...login });
    assert.equal((await register(served.url, "ada")).status, 201);
    await until(async () => (await served.t.rows("outbox"))[0]?.reply !== null, "a failed try");
    assert.deepEqual([await states(served.t), smtp.envelopes, smtp.logins()], [["waiting"], [], 0]);
  });
});

describe("a mail server in trouble", together, () => {
  it("that refuses for now, hangs up at every step or is away gets each mail once when it is well", async () => {
    const ill = await startSmtpServer({ mode: { refuseAt: "recipient", reply: "451 4.7.1 Later" } });
    await using served = await startServer(ill);
    const { t, url } = served;
    const names = Array.from({ length: 6 }, (_, n) => `person${n}`);
    await Promise.all(names.map(async (name) => assert.equal((await register(url, name)).status, 201)));
    const replies = async () => (await t.rows("outbox")).map(({ reply }) => String(reply));
    const allSaid = async (said: RegExp) => (await replies()).every((reply) => said.test(reply));
    const tries = async () => (await t.rows("outbox")).map(({ attempts }) => attempts);
    await until(() => allSaid(/451 4\.7\.1 Later/), "a refusal of each");
    for (const step of ["body", "message"] as const) {
      ill.mode = { dropAt: step };
      await tryAgain(t);
      assert.ok(await allSaid(/unreachable/), step);
    }
    const before = await tries();
    ill.mode = { dropAt: "connection" };
    makeAllDue(t, await t.rows("outbox"));
    await until(
      () => allSaid(/unreachable: .* hangs up before it has greeted: set EMAIL_HOST/),
      "the words of each",
    );
    await ill.close();
    t.clock.advance("30s");
    mailAlarm(t.ctx).ring();
    await until(() => allSaid(/ECONNREFUSED/), "the words of each");
    assert.equal(ill.received.length, 0);
    assert.deepEqual(await tries(), before, "no mail pays for a server that is away");
    await using well = await startSmtpServer({ port: ill.port });
    t.clock.advance("30s");
    mailAlarm(t.ctx).ring();
    await until(async () => (await states(t)).every((state) => state === "sent"), "all of them");
    const recipients = well.received.map(({ to }) => to[0] ?? "");
    assert.deepEqual(
      recipients.toSorted((one, other) => one.localeCompare(other)),
      names.map((name) => `${name}@example.org`),
    );
    assert.deepEqual(await states(t), Array(6).fill("sent"));
  });

  it("that takes a mail and is cut off before it says so gets it once more, recognisably", async () => {
    await using smtp = await startSmtpServer({ mode: { dropAt: "accepted" } });
    await using served = await startServer(smtp);
    await register(served.url, "ada");
    await arrived(smtp, "ada@example.org");
    smtp.mode = "accept";
    await tryAgain(served.t);
    assert.deepEqual(await states(served.t), ["sent"]);
    const mails = await Promise.all(smtp.received.map(({ raw }) => PostalMime.parse(raw)));
    assert.equal(mails.length, 2);
    assert.deepEqual(
      [mails[1]?.messageId, mails[1]?.text, mails[1]?.html, mails[1]?.subject],
      [mails[0]?.messageId, mails[0]?.text, mails[0]?.html, mails[0]?.subject],
    );
  });

  it("that stalls keeps no caller waiting, and no more than a few mails", async () => {
    const smtp = await startSmtpServer();
    await using served = await startServer(smtp);
    const underWay = async () => (await served.t.rows("outbox")).filter(({ lease }) => lease !== null).length;
    smtp.mode = { stallAt: "connection" };
    assert.equal((await register(served.url, "first")).status, 201);
    await until(async () => (await underWay()) === 1, "a mail that is held up");
    for (let n = 0; n < 9; n += 1) assert.equal((await register(served.url, `next${n}`)).status, 201);
    // The first is held up still: nobody waited for its end.
    assert.ok((await underWay()) >= 1);
    await smtp.close();
    await using again = await startSmtpServer({ port: smtp.port });
    const allSent = async () => (await states(served.t)).every((state) => state === "sent");
    await until(async () => {
      served.t.clock.advance("30s");
      mailAlarm(served.t.ctx).ring();
      await pause(100);
      return allSent();
    }, "all of them");
    assert.equal(new Set(again.received.map(({ to }) => to[0])).size, 10);
    assert.equal(again.received.length, 10);
  });

  it("is not spoken to by any request, only by the worker", async () => {
    await using smtp = await startSmtpServer();
    await using t = await testAuth({
      environment: { EMAIL_BACKEND: "smtp", EMAIL_HOST: "127.0.0.1", EMAIL_PORT: String(smtp.port) },
    });
    const ada = await t.person();
    await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
    await t.http.post("/api/auth/verify-email/resend/", { email: "nobody@example.org" });
    await ada.signIn();
    await pause(50);
    assert.equal(smtp.connections(), 0);
  });
});

describe("a server that is killed right after it answered", together, () => {
  it("sends the mail once it runs again and its lease is over, with a link that works", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-killed-"));
    await using smtp = await startSmtpServer({ mode: { stallAt: "connection" } });
    const first = await spawnServer(folder, smtp.port);
    try {
      assert.equal((await register(first.url, "ada")).status, 201);
      await until(() => smtp.connections() > 0, "the mail in hand");
      first.child.kill("SIGKILL");
      await once(first.child, "exit");
    } finally {
      first.child.kill("SIGKILL");
    }
    assert.equal(smtp.received.length, 0);
    smtp.mode = "accept";
    const second = await spawnServer(folder, smtp.port);
    try {
      await arrived(smtp, "ada@example.org");
      const link = await linkIn(smtp.received[0]?.raw ?? "");
      const verified = await fetch(`${second.url}/api/auth/verify-email/${link}/`, { method: "POST" });
      assert.equal(verified.status, 200);
      assert.equal(smtp.received.length, 1);
      second.child.kill("SIGTERM");
      const [code] = await once(second.child, "exit");
      assert.equal(code, 0);
    } finally {
      second.child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("a server that is stopped while a mail server keeps it waiting", together, () => {
  it("gives the mail back and ends, and the next one sends it at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-stopped-"));
    await using smtp = await startSmtpServer({ mode: { stallAt: "recipient" } });
    const first = await spawnServer(folder, smtp.port);
    try {
      assert.equal((await register(first.url, "ada")).status, 201);
      await until(() => smtp.envelopes.length > 1, "the mail in hand");
      first.child.kill("SIGTERM");
      const [code] = await once(first.child, "exit");
      assert.equal(code, 0);
    } finally {
      first.child.kill("SIGKILL");
    }
    const file = new DatabaseSync(join(folder, "auth.db"));
    const row = file.prepare("select state, attempts, lease, leased_until from outbox").get();
    file.close();
    assert.deepEqual({ ...row }, { state: "waiting", attempts: 0, lease: null, leased_until: null });
    smtp.mode = "accept";
    const second = await spawnServer(folder, smtp.port);
    try {
      await arrived(smtp, "ada@example.org");
      assert.equal(smtp.received.length, 1);
    } finally {
      second.child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** The command as an operator starts it, with its data in a folder. */
async function spawnServer(folder: string, port: number): Promise<{ child: ChildProcess; url: string }> {
  const script = join(import.meta.dirname, "../bin/imagaine-auth.mjs");
  const child = spawn(process.execPath, [script, "serve"], {
    cwd: folder,
    env: {
      ...{ PATH: process.env.PATH, DATA_DIR: folder, PORT: "0", ARGON2: "8,1,1" },
      ...{ EMAIL_HOST: "127.0.0.1", EMAIL_PORT: String(port) },
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line) as { msg: string; url: string };
    if (msg === "ready") return { child, url };
  }
  throw new Error("The server did not start.");
}
