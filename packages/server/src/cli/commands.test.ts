import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Box, type Finished, openBox, type RunOptions } from "../testing/command-line.ts";
import { startSmtpServer } from "../testing/smtp-server.ts";

const password = "Blue-Harbour-71";
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
/** Output with what is never the same twice made alike. */
const steady = (text: string) => text.replaceAll(uuid, "<id>").replaceAll(time, "<time>");
const withPassword: RunOptions = { input: `${password}\n` };
const ended = ({ code, out, err }: Finished) => [code, out, err];

describe("a command in a folder where nothing is yet", () => {
  it("says what is missing, and makes nothing", async () => {
    await using box = await openBox();
    const said = "✗ There is no database at ./data/auth.db yet.\n  fix  imagaine-auth migrate\n";
    const looks = [
      ["user", "list"],
      ["migrate", "status"],
    ];
    for (const found of await Promise.all(looks.map((args) => box.runAlone(args)))) {
      assert.deepEqual(ended(found), [3, "", said]);
    }
    assert.deepEqual(await readdir(box.folder), []);
  });

  it("can be migrate, which makes the key and the database, for their owner alone", async () => {
    await using box = await openBox();
    const made = await box.runAlone(["migrate"]);
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /^2026-11-24-accounts\n/);
    assert.equal(made.err, "created data/.gitignore\ncreated data/secret.key\n");
    const modes = await Promise.all(
      [".gitignore", "auth.db", "secret.key", ""].map(async (name) => {
        const { mode } = await stat(join(box.folder, "data", name));
        return (mode & 0o777).toString(8);
      }),
    );
    assert.deepEqual(modes, ["600", "600", "600", "700"]);
    assert.deepEqual((await readdir(join(box.folder, "data"))).toSorted(), [
      ".gitignore",
      "auth.db",
      "secret.key",
    ]);
    assert.deepEqual(await readdir(box.folder), ["data"]);
    assert.deepEqual(ended(await box.run(["migrate"])), [0, "", "The database is up to date.\n"]);
    const status = JSON.parse((await box.run(["migrate", "status", "--json"])).out);
    assert.deepEqual([status.pending, status.applied[0].name], [[], "2026-11-24-accounts"]);
  });

  it("never makes a key in production, nor over a database that was made with one", async () => {
    await using box = await openBox();
    const refused = await box.runAlone(["migrate"], { env: { NODE_ENV: "production" } });
    assert.equal(refused.code, 78);
    assert.match(refused.err, /^✗ SECRET_KEY is missing/);
    assert.deepEqual(await readdir(join(box.folder, "data")), [".gitignore"]);
    await box.write("data/auth.db", "");
    const other = await box.run(["migrate"]);
    assert.equal(other.code, 78);
    assert.match(other.err, /data\/secret\.key is missing, and \.\/data\/auth\.db was made with it/);
    assert.deepEqual((await readdir(join(box.folder, "data"))).toSorted(), [".gitignore", "auth.db"]);
  });
});

describe("what people look after accounts with", () => {
  let box: Box;
  before(async () => {
    box = await openBox();
    await box.write(
      "imagaine-auth.config.mjs",
      `
      export const fields = {
        plan: { type: "text", default: "free", writableBy: "admin" },
        age: { type: "integer", default: null },
        risk: { type: "integer", default: 0, writableBy: "admin", hidden: true },
      };`,
    );
    await box.run(["migrate"]);
    const made = await Promise.all([
      box.run(
        ["user", "create", "ada@example.org", "--verified", "--first-name", "Ada", "--field", "plan=pro"],
        withPassword,
      ),
      box.run(["user", "create", "bob@example.org", "--username", "bobby", "--password-stdin"], withPassword),
    ]);
    // Without --password-stdin and without a terminal there is no password to take.
    assert.deepEqual(ended(made[0]), [2, "", "✗ This needs --password-stdin or a terminal.\n"]);
    assert.equal(made[1]?.code, 0, made[1]?.err);
    assert.equal(made[1]?.err, "It is mailed a link to verify its address.\n");
    const ada = ["user", "create", "ada@example.org", "--verified", "--password-stdin"];
    const esc = "A\u001b[31md\u202ea\u009b";
    const created = await box.runAlone(
      [...ada, "--first-name", esc, "--field", "plan=pro", "--field", "age=36"],
      withPassword,
    );
    assert.equal(steady(created.out), "ada@example.org has an account: <id>\n", created.err);
  });
  after(async () => {
    await box[Symbol.asyncDispose]();
  });

  it("lists and shows them: whole values, times in full, nothing that a terminal obeys", async () => {
    const [list, show, quiet] = await Promise.all([
      box.run(["user", "list", "--search", "ADA@"]),
      box.run(["user", "show", "ada"]),
      box.run(["user", "list", "-q"]),
    ]);
    assert.equal(
      steady(list.out),
      [
        "EMAIL            USERNAME  STATUS  LAST SIGN-IN  CREATED                   ID",
        "ada@example.org  ada       active  never         <time>  <id>\n",
      ].join("\n"),
    );
    assert.equal(list.err, "1 of 1\n");
    assert.equal(
      steady(show.out),
      [
        "id            <id>",
        "email         ada@example.org",
        "username      ada",
        "status        active",
        "password      set",
        "verified      <time>",
        "disabled      no",
        "created       <time>",
        "last sign-in  never",
        "sessions      0",
        "first_name    A\\u001b[31md\\u202ea\\u009b",
        "last_name",
        "bio",
        "plan          pro",
        "age           36",
        "risk          0\n",
      ].join("\n"),
    );
    assert.equal(quiet.err, "");
    assert.equal(steady(quiet.out), "<id>\n<id>\n");
  });

  it("gives JSON that is one document, pure, and without anything that could sign anybody in", async () => {
    const [list, show] = await Promise.all([
      box.run(["user", "list", "--json", "--limit", "1"]),
      box.run(["--json", "user", "show", "ada@example.org"]),
    ]);
    const { users, total, next } = JSON.parse(list.out);
    assert.deepEqual([users.length, total], [1, 2]);
    const rest = await box.run(["user", "list", "--json", "--after", next]);
    const emails = [...users, ...JSON.parse(rest.out).users].map(({ email }: { email: string }) => email);
    assert.deepEqual(emails, ["ada@example.org", "bob@example.org"]);
    const { user } = JSON.parse(show.out);
    assert.equal(user.fields.first_name, "A\u001b[31md\u202ea\u009b");
    for (const { out } of [list, show]) assert.doesNotMatch(out, /(?!\n)\p{Cc}|\u202e|argon2|password_hash/u);
    assert.deepEqual([user.status, user.has_password, user.fields.risk], ["active", true, 0]);
  });

  it("holds a new account to the rules of the API, and says every sentence", async () => {
    const create = ["user", "create", "--password-stdin"];
    const [taken, bad, weak, noField, binary] = await Promise.all([
      box.run([...create, "Ada@Example.org", "--username", "other"], withPassword),
      box.run([...create, "no-address", "--username", "a b", "--field", "age=old"], withPassword),
      box.run([...create, "eve@example.org"], { input: "password1234\n" }),
      box.run([...create, "eve@example.org", "--field", "rank=1"], withPassword),
      box.run([...create, "eve@example.org"], { input: Buffer.from([0xff, 0xfe, 0x41, 0x42]) }),
    ]);
    assert.deepEqual(ended(taken), [4, "", "✗ email: user with this email already exists.\n"]);
    assert.deepEqual(ended(bad), [
      5,
      "",
      [
        "✗ email: Enter a valid email address.",
        "  username: Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
        "  age: A valid integer is required.\n",
      ].join("\n"),
    ]);
    assert.deepEqual(ended(weak), [5, "", "✗ password: This password is too common.\n"]);
    assert.equal(noField.code, 2);
    assert.match(noField.err, /with one of: first_name, last_name, bio, plan, age, risk/);
    assert.deepEqual(ended(binary), [5, "", "✗ The password must be UTF-8 text.\n"]);
  });

  it("deletes only what is meant, and says with its code when there is no such account", async () => {
    await box.run(["user", "create", "gone@example.org", "--verified", "--password-stdin"], withPassword);
    const asked = await box.run(["user", "delete", "gone"]);
    assert.deepEqual(ended(asked), [2, "", "✗ This needs --yes or a terminal.\n"]);
    const done = await box.run(["user", "delete", "gone@example.org", "--yes"]);
    assert.deepEqual(ended(done), [
      0,
      "gone@example.org is deleted, with everything that belonged to it.\n",
      "",
    ]);
    const [again, ...others] = await Promise.all(
      ["delete", "show", "disable"].map((name) => box.run(["user", name, "gone@example.org", "-y"])),
    );
    for (const one of [again, ...others]) assert.equal(one?.code, 3);
    assert.equal(
      again?.err,
      "✗ There is no account `gone@example.org`.\n  see  imagaine-auth user list --search …\n",
    );
  });

  it("leaves a row of the trail for every change, with who made it", async () => {
    const changes: readonly (readonly [string[], string])[] = [
      [["user", "verify", "bobby"], "bob@example.org is verified.\n"],
      [
        ["user", "set-password", "bobby", "--password-stdin"],
        "bob@example.org has another password, and is signed out everywhere.\n",
      ],
      [["user", "disable", "bob@example.org"], "bob@example.org is disabled, and signed out everywhere.\n"],
      [["user", "disable", "bob@example.org"], "bob@example.org was disabled already.\n"],
      [["user", "enable", "bobby"], "bob@example.org may sign in again.\n"],
    ];
    for (const [args, said] of changes)
      assert.deepEqual(ended(await box.run(args, { input: "Another-Harbour-72" })), [0, said, ""]);
    const [search, mine, tail] = await Promise.all([
      box.run(["audit", "search", "--json"]),
      box.run(["audit", "search", "--user", "bobby", "--event", "account.*", "--since", "1h"]),
      box.runAlone(["audit", "tail", "--limit", "2", "--json"]),
    ]);
    const events = JSON.parse(search.out).events as { event: string; by: string; email: string | null }[];
    const expected = [
      ["database.migrated", "account.created", "account.created", "account.created", "account.deleted"],
      ["email.verified", "password.set", "account.disabled", "account.enabled"],
    ].flat();
    assert.deepEqual(
      events.map(({ event }) => event),
      expected,
    );
    for (const { by } of events) assert.match(by, /^cli:[^@]+@./);
    assert.deepEqual(
      mine.out.split("\n").map((line) => line.split(/ {2,}/)[1]),
      ["EVENT", "account.created", "account.disabled", "account.enabled", undefined],
    );
    const streamed = tail.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    assert.deepEqual(streamed, ["account.disabled", "account.enabled"]);
  });

  it("shows mail that waits without what it says, and tries again what can be", async () => {
    const created = await box.run(
      ["user", "create", "cy@example.org", "--password-stdin", "-q"],
      withPassword,
    );
    assert.match(created.out, /^[0-9a-f-]{36}\n$/);
    assert.equal(created.err, "");
    const list = await box.run(["outbox", "list", "--state", "waiting", "--json"]);
    const [mail] = (JSON.parse(list.out) as { mails: { id: string; to: string; template: string }[] }).mails;
    assert.deepEqual([mail?.to, mail?.template], ["cy@example.org", "verify-email"]);
    const id = String(mail?.id);
    box.sqlite((file) =>
      file.exec(
        `update outbox set state = 'failed', attempts = 8, reply = '550 no' || char(27) || '[2J' where id = '${id}'`,
      ),
    );
    const [shown, failed] = await Promise.all([
      box.run(["outbox", "show", id.slice(0, 8)]),
      box.run(["outbox", "list", "--state", "failed"]),
    ]);
    assert.match(shown.out, /^last reply +550 no\\u001b\[2J$/m);
    assert.match(shown.out, /^text +kept, encrypted$/m);
    assert.doesNotMatch(shown.out + list.out, /v1\.|payload/);
    assert.equal(
      steady(failed.out).split("\n")[1],
      "<id>  verify-email  cy@example.org  failed  8    –     550 no\\u001b[2J",
    );
    const retried = await box.run(["outbox", "retry", id]);
    assert.deepEqual(ended(retried), [
      0,
      `${id} to cy@example.org is tried again at once.\n`,
      "The server sends it; it must be running.\n",
    ]);
    box.sqlite((file) => file.exec(`update outbox set state = 'failed', payload = null where id = '${id}'`));
    const [erased, unknown, noId] = await Promise.all([
      box.run(["outbox", "retry", id]),
      box.run(["outbox", "retry", "00000000"]),
      box.run(["outbox", "retry", "%"]),
    ]);
    assert.deepEqual(ended(erased), [
      4,
      "",
      `✗ The mail ${id} cannot be tried again: what it said is erased.\n`,
    ]);
    assert.deepEqual([unknown.code, noId.code], [3, 2]);
  });
});

describe("mail test", () => {
  it("sends at once and shows the server's reply; when it fails, it says so with 75, and never the password", async () => {
    await using box = await openBox();
    await box.run(["migrate"]);
    const account = { user: "auth", password: "S3cret-mail-pass" };
    await using server = await startSmtpServer({ account });
    const env = {
      EMAIL_HOST: server.host,
      EMAIL_PORT: String(server.port),
      EMAIL_HOST_USER: "auth",
      EMAIL_HOST_PASSWORD: account.password,
    };
    const sent = await box.runAlone(["mail", "test", "ada@example.org"], { env });
    assert.deepEqual([sent.code, sent.out], [0, "250 Taken\n"], sent.err);
    assert.match(sent.err, /^127\.0\.0\.1:\d+ …\nto ada@example\.org in \d+ ms\n$/);
    assert.match(server.mailFor("ada@example.org")[0]?.raw ?? "", /Subject: Test mail from ImagAIne/);
    server.mode = { refuseAt: "recipient", reply: "550 5.1.1 user unknown" };
    const [refused, wrong, nobody, off, bad] = await Promise.all([
      box.runAlone(["mail", "test", "ada@example.org", "--json"], { env }),
      box.run(["mail", "test", "ada@example.org", "--debug"], {
        env: { ...env, EMAIL_HOST_PASSWORD: "An-other-mail-pass" },
      }),
      box.run(["mail", "test", "ada@example.org"], { env: { ...env, EMAIL_PORT: "1" } }),
      box.run(["mail", "test", "ada@example.org"], { env: { EMAIL_BACKEND: "off" } }),
      box.run(["mail", "test", "nobody"], { env }),
    ]);
    assert.deepEqual([refused.code, refused.out], [75, ""]);
    assert.match(refused.err, /✗ Mail refused: 550 5\.1\.1 user unknown\n$/);
    assert.equal(wrong.code, 75);
    assert.doesNotMatch(wrong.err, /mail-pass/);
    assert.deepEqual([nobody.code, off.code, bad.code], [75, 78, 5]);
    const trail = JSON.parse((await box.run(["audit", "search", "--event", "mail.tested", "--json"])).out);
    const outcomes = trail.events.map(({ details }: { details: { outcome: string } }) => details.outcome);
    assert.deepEqual(outcomes.toSorted(), ["failed", "failed", "failed", "sent"]);
  });

  it("sends no password in clear text in production", async () => {
    await using box = await openBox();
    const env = { NODE_ENV: "production", EMAIL_HOST: "nowhere.invalid", EMAIL_HOST_USER: "auth" };
    const refused = await box.run(["mail", "test", "ada@example.org"], { env });
    assert.deepEqual([refused.code, refused.out], [78, ""]);
    assert.match(refused.err, /^✗ EMAIL_HOST_USER is set without TLS: .*\n {2}fix {2}EMAIL_USE_TLS=on/);
    const allowed = await box.run(["mail", "test", "ada@example.org"], {
      env: { ...env, ALLOW_INSECURE: "mail" },
    });
    assert.deepEqual([allowed.code, allowed.out], [75, ""], "it was tried");
  });

  it("needs no database, and makes none", async () => {
    await using box = await openBox();
    await using server = await startSmtpServer();
    const env = { EMAIL_HOST: server.host, EMAIL_PORT: String(server.port) };
    const databases: Record<string, string>[] = [{}, { DATABASE_URL: "postgres://auth@127.0.0.1:1/auth" }];
    for (const more of databases) {
      const sent = await box.run(["mail", "test", "ada@example.org"], { env: { ...env, ...more } });
      assert.deepEqual([sent.code, sent.out], [0, "250 Taken\n"], sent.err);
      assert.match(sent.err, /\nnot in the audit trail: /);
    }
    await server.close();
    const refused = await box.run(["mail", "test", "ada@example.org"], { env });
    assert.equal(refused.code, 75);
    assert.match(
      refused.err,
      /✗ Mail server unreachable: Nothing listens at .*: set EMAIL_HOST and EMAIL_PORT/,
    );
    assert.ok(!existsSync(join(box.folder, "data")));
  });
});

describe("settings", () => {
  const secrets = {
    SECRET_KEY: `never-to-be-seen-${randomBytes(24).toString("hex")}`,
    SECRET_KEY_FALLBACKS: `never-to-be-seen-${randomBytes(24).toString("hex")}`,
    EMAIL_HOST_PASSWORD: "mail-never-to-be-seen",
    DATABASE_URL: "postgres://auth:base-never-to-be-seen@127.0.0.1:1/auth?sslpassword=ssl-never-to-be-seen",
  };

  it("are shown with where they come from; what is secret never is, nor when something fails", async () => {
    await using box = await openBox();
    await box.write(".env", "APP_NAME=From file\nPORT=9001\nEMAIL_HOST_USER=\n");
    await box.write("other.env", "APP_NAME=Other\n");
    await box.write("key", secrets.SECRET_KEY);
    const env = { ...secrets, PORT: "9002", LANGUAGE_CODE: "" };
    const { SECRET_KEY: _, ...withoutKey } = env;
    const [text, json, other, failed, fromFile, info, broken] = await Promise.all([
      box.run(["config", "show", "--data-dir", "elsewhere"], { env }),
      box.run(["config", "--json"], { env }),
      box.run(["config", "show", "--settings", "other.env"], { env }),
      box.run(["user", "list", "--debug"], { env }),
      box.run(["config", "show"], { env: { ...withoutKey, SECRET_KEY_FILE: "key" } }),
      box.run(["info"], { env }),
      box.run(["info", "--json"], { env: { EMAIL_HSOT: "never-to-be-seen", PORT: "9002" } }),
    ]);
    for (const { out, err } of [text, json, other, failed, fromFile, info, broken])
      assert.doesNotMatch(out + err, /never-to-be-seen/);
    assert.match(text.out, /^SECRET_KEY +•••• +environment +–$/m);
    assert.match(text.out, /^SECRET_KEY_FALLBACKS +•••• /m);
    assert.match(text.out, /^EMAIL_HOST_PASSWORD +•••• /m);
    assert.match(text.out, /^DATABASE_URL +postgres:\/\/auth:••••@127\.0\.0\.1:1\/auth\?sslpassword=•••• /m);
    assert.match(text.out, /^APP_NAME +From file +\.env +ImagAIne$/m);
    assert.match(text.out, /^PORT +9002 +environment +8000$/m);
    assert.match(text.out, /^DATA_DIR +elsewhere +flag +\.\/data$/m);
    assert.match(text.out, /^LANGUAGE_CODE +en +default +en$/m);
    assert.match(other.out, /^APP_NAME +Other +other\.env /m);
    assert.match(fromFile.out, /^SECRET_KEY +•••• +the file key /m);
    const { settings } = JSON.parse(json.out);
    const found = settings.find(({ name }: { name: string }) => name === "SECRET_KEY");
    assert.deepEqual([found.value, found.source, found.secret], ["••••", "environment", true]);
    assert.equal(failed.code, 75);
    // What anybody may read of a system names its settings and no value, host or folder.
    assert.equal(info.code, 0, info.err);
    assert.match(info.out, /^database +PostgreSQL, cannot be opened$/m);
    const [, said = ""] = /^settings +(.+)$/m.exec(info.out) ?? [];
    assert.deepEqual(
      said.split(" ").toSorted(),
      ["APP_NAME", "ARGON2", "PORT", ...Object.keys(secrets)].toSorted(),
    );
    assert.doesNotMatch(info.out, /From file|9002|127\.0\.0\.1|auth:/);
    const { database, problems, settings: known } = JSON.parse(broken.out);
    assert.deepEqual([problems, known], [["EMAIL_HSOT"], ["APP_NAME", "PORT", "ARGON2"]]);
    assert.match(database, /^SQLite [\d.]+, not looked at$/);
    assert.deepEqual((await readdir(box.folder)).toSorted(), [".env", "key", "other.env"]);
  });

  it("that name another secret than the database was made with are refused", async () => {
    await using box = await openBox();
    await box.run(["migrate"]);
    const refused = await box.run(["user", "list"], { env: { SECRET_KEY: secrets.SECRET_KEY } });
    assert.equal(refused.code, 78);
    assert.match(
      refused.err,
      /^✗ This database was made with secret [0-9a-f]{8}, the configured one is [0-9a-f]{8}\. Restore SECRET_KEY \(or data\/secret\.key\), /,
    );
    const moved = ["--data-dir", "else/where"];
    await box.run(["migrate", ...moved]);
    const elsewhere = await box.run(["user", "list", ...moved], { env: { SECRET_KEY: secrets.SECRET_KEY } });
    assert.match(elsewhere.err, /Restore SECRET_KEY \(or else\/where\/secret\.key\), or name/);
    assert.doesNotMatch(refused.err, /never-to-be-seen/);
  });
});

describe("wrong usage", () => {
  it("is said in a line, with what was meant, and ends with 2", async () => {
    await using box = await openBox();
    const wrong: readonly (readonly [string[], string, ofWhat: string])[] = [
      [["usr"], "✗ Unknown command `usr`. Did you mean `user`?", ""],
      [["--jsn"], "✗ Unknown option `--jsn`. Did you mean `--json`?", " serve"],
      [["user", "lst"], "✗ Unknown command `lst`. Did you mean `list`?", " user"],
      [["user", "list", "--limt", "5"], "✗ Unknown option `--limt`. Did you mean `--limit`?", " user list"],
      [["user", "create"], "✗ Missing required argument `email`.", " user create"],
      [["migrate", "stats"], "✗ There is no `stats` here. Allowed choices are up, status.", " migrate"],
      [
        ["audit", "search", "--since", "soon"],
        "✗ Option `--since <time>` argument `soon` is invalid. It must be 30m, 24h, 7d, or a day such as 2026-11-24.",
        " audit search",
      ],
    ];
    const found = await Promise.all(wrong.map(([args]) => box.run(args)));
    assert.deepEqual(
      found.map(ended),
      wrong.map(([, said, ofWhat]) => [2, "", `${said}\n  see  imagaine-auth${ofWhat} --help\n`]),
    );
    const [group, help] = await Promise.all([box.runAlone(["user"]), box.run(["user", "--help"])]);
    assert.deepEqual(ended(group), [2, "", help.out]);
    assert.deepEqual([help.code, help.err], [0, ""]);
  });

  it("with a Node that is too old is said in one sentence", async () => {
    await using box = await openBox();
    const pretend =
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.19.1" } });';
    const old = await box.runAlone(["serve"], {
      node: ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`],
    });
    assert.deepEqual(ended(old), [1, "", "imagaine-auth needs Node 24 or newer; this is 18.19.\n"]);
    const program = await readFile(join(import.meta.dirname, "../../bin/imagaine-auth.mjs"), "utf8");
    // An older Node reads the whole file before it runs any of it: nothing newer than ES2015 may be in it.
    assert.doesNotMatch(program, /\bawait\b|\?\.|\?\?|^import /m);
  });
});

describe("version", () => {
  it("is said in a line, in a word, or as JSON", async () => {
    await using box = await openBox();
    const [line, word, json] = await Promise.all(
      [["version"], ["version", "-q"], ["version", "--json"]].map((args) => box.run(args)),
    );
    const said = JSON.parse(json?.out ?? "");
    assert.equal(line?.out, `imagaine-auth ${said.version}   Node ${process.versions.node}\n`);
    assert.deepEqual([word?.out, said.node], [`${said.version}\n`, process.versions.node]);
  });
});

describe("secret", () => {
  it("is another one each time, of so many random bytes, and is written nowhere", async () => {
    await using box = await openBox();
    const [one, other] = await Promise.all([
      box.runAlone(["secret"]),
      box.run(["secret", "--json", "--bytes", "64"]),
    ]);
    assert.match(one.out, /^[A-Za-z0-9_-]{43}\n$/);
    assert.match(JSON.parse(other.out).secret, /^[A-Za-z0-9_-]{86}$/);
    assert.ok(!JSON.parse(other.out).secret.startsWith(one.out.trim()));
    assert.deepEqual(await readdir(box.folder), []);
  });
});
