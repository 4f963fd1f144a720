import assert from "node:assert/strict";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openBox } from "../testing/command-line.ts";

const password = "Blue-Harbour-71";
const ada = {
  ...{ email: "ada@example.org", username: "ada", password, password2: password },
  ...{ first_name: "", last_name: "" },
};

const post = (url: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** What the shell says afterwards of the terminal: lines are read whole, and Ctrl-C is a signal. */
const look = "echo ended $?; stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|isig|echo)$' | tr '\\n' ' '";
const asItWas = /ended (\d+)\n(?:isig icanon echo|icanon isig echo|echo icanon isig) /;

const addressIn = ([, url = ""]: RegExpExecArray) => url;
const banner = /API +(http:\/\/localhost:\d+)\/api\/auth\//;
const keysLine = /o reference {3}m mailbox {3}u add test user {3}\? help {3}q quit\n/;

// It is util-linux's `script` that makes a terminal here.
const onLinux = { skip: process.platform !== "linux" };

describe("a development server at a terminal", onLinux, () => {
  it("shows what happens, a line each, with addresses that no log holds", async () => {
    await using box = await openBox();
    const sitting = box.sit(`$cli --port 0; ${look}`);
    const url = addressIn(await sitting.shows(banner));
    await sitting.shows(keysLine);
    await post(url, "/api/auth/register/", ada);
    await sitting.shows(
      /^ {2}\d\d:\d\d:\d\d ✉ verify-email → ada@example\.org {3}code \d{3} \d{3}\n {13}http:\S+\/$/m,
    );
    await post(url, "/api/auth/login/", ada);
    await sitting.shows(/▲ sign-in failed {3}ada@example\.org {3}its address is not verified yet\n/);
    await box.run(["user", "verify", "ada"]);
    await post(url, "/api/auth/login/", { ...ada, password: "Another-Harbour-72" });
    await sitting.shows(/▲ sign-in failed {3}ada@example\.org {3}wrong password {3}/);
    await post(url, "/api/auth/login/", ada, { "user-agent": "curl/8.0" });
    await sitting.shows(/● sign-in ok {3}ada@example\.org {3}password {3}curl 127\.0\.0\.1\n/);
    await box.run(["user", "disable", "ada"]);
    await post(url, "/api/auth/login/", ada);
    await sitting.shows(/▲ sign-in failed {3}ada@example\.org {3}the account is disabled {3}/);
    await post(url, "/api/auth/login/", { ...ada, email: "nobody@example.org" });
    await sitting.shows(/▲ sign-in failed {3}no account has this address {3}/);
    // An address may hold control characters in quotes (RFC 5322, 3.2.4 as Django reads it): they are seen, not obeyed.
    const email = '"\u001b[31m\u0007"@example.org';
    await post(url, "/api/auth/register/", { ...ada, username: "mallory", email });
    await sitting.shows(/✉ verify-email → "\\u001b\[31m\\u0007"@example\.org /);
    for (const origin of ["https://app.test:5173", "https://app.test:5173", "http://localhost:5173"])
      await post(url, "/api/auth/login/", ada, { origin });
    await sitting.shows(
      /▲ pages of https:\/\/app\.test:5173 may not read the answers\n +fix CORS_ALLOWED_ORIGINS=https:\/\/app\.test:5173\n/,
    );
    sitting.type("q");
    const [, code] = await sitting.shows(asItWas);
    assert.equal(code, "0");
    assert.equal(sitting.screen().match(/may not read/g)?.length, 1);
    assert.doesNotMatch(sitting.screen(), /nobody@|Harbour|"level"/);
  });

  it("makes a user who can sign in at once, a different one each time", async () => {
    await using box = await openBox();
    const sitting = box.sit(`$cli --port 0; ${look}`);
    const url = addressIn(await sitting.shows(banner));
    await sitting.shows(keysLine);
    sitting.type("u");
    const [, email, secret] = await sitting.shows(/● test user (\S+@example\.com) {3}password (\S{16})\n/);
    assert.equal((await post(url, "/api/auth/login/", { email, password: secret })).status, 200);
    sitting.type("U");
    await sitting.shows(/● test user (\S+)(?![^]*● test user \1)[^]*● test user /);
    const trail = JSON.parse(
      (await box.run(["audit", "search", "--event", "account.created", "--json"])).out,
    );
    const by = trail.events.map((entry: { by: string }) => entry.by);
    assert.equal(by.length, 2);
    for (const one of by) assert.match(one, /^cli:/);
    assert.doesNotMatch(JSON.stringify(trail), new RegExp(String(secret)));
  });

  const bug = 'process.on("SIGUSR2", () => { throw new Error("of nobody\'s"); });';
  const ends: readonly (readonly [string, NodeJS.Signals | "\u0003" | "q", string])[] = [
    ["Ctrl-C", "\u0003", "0"],
    ["q", "q", "0"],
    ["SIGTERM", "SIGTERM", "0"],
    ["a hang-up", "SIGHUP", "0"],
    ["an error that nobody catches", "SIGUSR2", "1"],
  ];
  for (const [name, end, expected] of ends) {
    it(`leaves the terminal as it was after ${name}`, async () => {
      await using box = await openBox();
      await box.write("bug.mjs", bug);
      const env = { NODE_OPTIONS: "--import=./bug.mjs" };
      const sitting = box.sit(`sh -c 'echo pid $$; exec $cli --port 0'; ${look}`, { env });
      await sitting.shows(keysLine);
      const [, pid] = await sitting.shows(/^pid (\d+)$/m);
      if (end.startsWith("SIG")) process.kill(Number(pid), end);
      else sitting.type(end);
      assert.equal((await sitting.shows(asItWas))[1], expected);
    });
  }

  it("ends with Ctrl-C under node --watch too", async () => {
    await using box = await openBox();
    const sitting = box.sit(`\${cli/ / --watch --watch-preserve-output } --port 0; ${look}`);
    await sitting.shows(keysLine);
    sitting.type("\u0003");
    await sitting.shows(asItWas);
  });

  it("reads no keys, and runs, when the shell runs it in the background", async () => {
    await using box = await openBox();
    const sitting = box.sit(`set -m; $cli --port 0 & sleep 1; ${look}; read; kill %1; wait; echo over`);
    const url = addressIn(await sitting.shows(banner));
    await sitting.shows(/ready in|Ready in [\d.]+ s {3}stop with Ctrl-C\n/);
    await sitting.shows(asItWas);
    assert.equal((await fetch(`${url}/_/docs/`)).status, 200);
    // It hears nothing of the terminal's end.
    sitting.type("\n");
    await sitting.shows(/^over$/m);
  });

  it("has no keys and no lines of mail in production, nor with --json", async () => {
    await using box = await openBox();
    const settings = `SECRET_KEY=${"k9".repeat(20)}aB-_xYz NODE_ENV=production PUBLIC_URL=http://localhost EMAIL_BACKEND=off ARGON2= SHUTDOWN_DELAY=0s`;
    const live = box.sit(`${settings} $cli --port 0 --data-dir live; ${look}`);
    const json = box.sit(`$cli --port 0 --json; ${look}`);
    await live.shows(/Ready in [\d.]+ s {3}stop with Ctrl-C\n/);
    await json.shows(/"msg":"ready"/);
    for (const sitting of [live, json]) {
      sitting.type("q\u0003");
      // The terminal itself shows what is typed, and sends the signal.
      await sitting.shows(/\^C/);
      assert.equal((await sitting.shows(asItWas))[1], "0");
    }
    for (const line of json
      .screen()
      .split("\n")
      .filter((one) => one.startsWith("{")))
      JSON.parse(line);
    assert.doesNotMatch(json.screen(), /API {2}|Mailbox {2}/);
  });
});

describe("a command at a terminal", onLinux, () => {
  it("shows the settings in eighty columns", async () => {
    await using box = await openBox();
    const folder = join(box.folder, "a-folder-with-a-name-that-is-rather-long/and-another-one");
    const env = {
      DATABASE_URL: `sqlite:${folder}/auth.db`,
      SECRET_KEY_FILE: `${folder}/key`,
      SECRET_KEY: "x",
    };
    const sitting = box.sit("stty cols 80; $cli config show; echo ended $?", { env });
    await sitting.shows(/^ended 0$/m);
    const lines = sitting.screen().split("\n");
    assert.ok(lines.length > 40);
    for (const line of lines) assert.ok(line.length <= 80, line);
  });

  it("says a long problem in as many lines as it takes", async () => {
    await using box = await openBox();
    const sitting = box.sit("stty cols 80; $cli config check; echo ended $?", {
      env: { NODE_ENV: "production" },
    });
    await sitting.shows(/^ended 78$/m);
    await sitting.shows(
      /^ {6}why {3}links in mail begin with it, and a request must never say where they\n {12}lead$/m,
    );
    for (const line of sitting.screen().split("\n")) assert.ok(line.length <= 80, line);
  });

  it("refuses a wrong address before it asks for a password", async () => {
    await using box = await openBox();
    await box.run(["migrate"]);
    const sitting = box.sit("$cli user create bad; echo ended $?");
    await sitting.shows(/^ended 5$/m);
    assert.equal(sitting.screen().trim(), "✗ email: Enter a valid email address.\nended 5");
  });

  it("is told once whose code it runs, unless it wants the result alone", async () => {
    await using box = await openBox();
    await box.write("imagaine-auth.config.ts", "export const fields = {};\n");
    const sitting = box.sit("for how in '' -q --json; do echo how: $how; $cli info $how; done; echo ended");
    await sitting.shows(/^ended$/m);
    const [, first = "", quiet = "", json = ""] = sitting.screen().split(/^how:.*$/m);
    assert.equal(first.split(`with the fields of ${box.folder}/imagaine-auth.config.ts`).length, 2, first);
    assert.doesNotMatch(quiet + json, /with the fields/);
  });
});

describe("a browser", onLinux, () => {
  const program = '#!/bin/sh\nprintf "%s\\n" "$1" >> opened\n';

  it("is opened at the reference or the mailbox by a key, and at the start where --open says so", async () => {
    await using box = await openBox();
    await box.write("xdg-open", program);
    await chmod(join(box.folder, "xdg-open"), 0o755);
    const env = { PATH: `${box.folder}:${process.env.PATH}`, DISPLAY: ":99" };
    const sitting = box.sit(`$cli --port 0 --open; ${look}`, { env });
    const url = addressIn(await sitting.shows(banner));
    await sitting.shows(keysLine);
    sitting.type("m");
    const opened = async () =>
      (await readFile(join(box.folder, "opened"), "utf8").catch(() => "")).split("\n");
    for (let n = 0; n < 500 && (await opened()).length < 3; n += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual((await opened()).toSorted(), ["", `${url}/_/docs/`, `${url}/_/mailbox/`]);
  });

  it("that is not there, or that fails, is replaced by the address", async () => {
    await using box = await openBox();
    const without = await box.serve(["--open"]);
    for (let n = 0; n < 500 && without.err() === ""; n += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(without.err(), `No browser opens from here: ${without.url}/_/docs/\n`);
    await box.write("xdg-open", "#!/bin/sh\nexit 3\n");
    await chmod(join(box.folder, "xdg-open"), 0o755);
    const env = { PATH: `${box.folder}:${process.env.PATH}`, DISPLAY: ":99" };
    const sitting = box.sit(`$cli --port 0; ${look}`, { env });
    await sitting.shows(keysLine);
    sitting.type("o");
    await sitting.shows(/^ {2}No browser opens from here: http:\S+\/_\/docs\/$/m);
  });
});
