/** Does what the README says, with its own words: starts the server, pastes the examples, compares the answers. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";
import { startLines } from "../../packages/server/src/cli/banner.ts";
import { loadConfig } from "../../packages/server/src/config.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const fences = [...readme.matchAll(/^```(?<label>\S.*)\n(?<text>[^]*?)^```$/gm)].map(({ groups = {} }) => ({
  label: groups.label ?? "",
  text: groups.text ?? "",
}));

interface Server {
  readonly url: string;
  readonly stop: () => Promise<number | null>;
}

/** Starts the server as `npm start` does, in a folder of its own and on a free port. */
async function start(folder: string): Promise<Server> {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: { start: string };
  };
  const [node, program = "", ...rest] = scripts.start.split(" ").filter((word) => word !== "--");
  assert.equal(node, "node");
  const server = spawn(process.execPath, [join(root, program), ...rest], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await firstUrl(server);
  const stop = async () => {
    server.kill("SIGTERM");
    const [code] = (await once(server, "exit")) as [number | null];
    return code;
  };
  return { url, stop };
}

/** The address in the log line that says the server is ready. */
async function firstUrl(server: ChildProcess): Promise<string> {
  assert.ok(server.stdout);
  for await (const line of createInterface({ input: server.stdout })) {
    const { msg, url } = JSON.parse(line) as { msg: string; url?: string };
    if (msg !== "ready" || url === undefined) continue;
    server.stdout.resume();
    return url;
  }
  throw new Error("The server ended before it was ready.");
}

describe("the README", () => {
  const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-readme-"));
  let server: Server;
  before(async () => {
    server = await start(folder);
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it("has 250 lines at the most", () => {
    assert.ok(readme.trimEnd().split("\n").length <= 250);
  });

  it("shows what a first start prints", () => {
    const { config } = loadConfig({ SECRET_KEY: "x".repeat(32) });
    const printed = startLines({
      config,
      database: "SQLite data/auth.db (new, 8 migrations)",
      created: ["data/.gitignore", "data/secret.key", "data/auth.db"],
      users: 0,
      mails: 0,
      milliseconds: 100,
      hasKeys: true,
    });
    // Versions, counts and times are not the README's to promise.
    const alike = (line: string) =>
      stripVTControlCharacters(line)
        .replaceAll(/\d+(?:\.\d+)*/g, "N")
        .trimEnd();
    const shown = fences.find(({ label }) => label === "text")?.text.split("\n") ?? [];
    assert.ok(shown.length > 5);
    for (const line of shown) assert.ok(printed.map(alike).includes(alike(line)), line);
  });

  it("gives examples that do what it says they do", async () => {
    const blocks = fences.filter(({ label }) => label === "sh run").map(({ text }) => text);
    const end = "-- end of an example --";
    const script = ["set -eu", ...blocks.map((text) => `${text}\nprintf '\\n%s\\n' '${end}'`)].join("\n");
    const { stdout } = await promisify(execFile)(
      "bash",
      ["-c", script.replaceAll("http://localhost:8000", server.url)],
      { cwd: folder },
    );
    const said = stdout
      .split(`${end}\n`)
      .slice(0, -1)
      .map((text) => text.trim());
    assert.equal(said.length, blocks.length);
    const expected = fences.flatMap(({ label }, index) =>
      label === "sh run"
        ? [fences[index + 1]?.label === "json answer" ? fences[index + 1]?.text : undefined]
        : [],
    );
    for (const [index, answer] of expected.entries()) {
      const about = `${blocks[index]}\nanswered: ${said[index]}`;
      if (answer === undefined) assert.equal(said[index], "", about);
      else assertAlike(JSON.parse(said[index] ?? ""), JSON.parse(answer), about);
    }
  });

  it("leaves the account with the new password only", async () => {
    const login = async (password: string) => {
      const answer = await fetch(`${server.url}/api/auth/login/`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: "user@example.com", password }),
      });
      return answer.status;
    };
    assert.deepEqual([await login("securepassword123"), await login("newsecurepassword123")], [400, 200]);
  });

  it("has no shell example that neither runs here nor is a script of package.json", () => {
    const others = fences.filter(({ label }) => /^(?:sh|bash|console)\b/.test(label) && label !== "sh run");
    for (const { text } of others) {
      for (const line of text.trim().split(/\n| && /))
        assert.match(line, /^npm (?:ci|start|test|run [\w:]+)$/);
    }
  });

  it("declares fields that profiles have after the next start, and keeps the accounts there were", async () => {
    assert.equal(await server.stop(), 0);
    const declared = fences.find(({ label }) => label.includes("file=imagaine-auth.config.ts"));
    writeFileSync(join(folder, "imagaine-auth.config.ts"), declared?.text ?? "");
    server = await start(folder);
    const answer = await fetch(`${server.url}/api/auth/login/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "user@example.com", password: "newsecurepassword123" }),
    });
    const { user } = (await answer.json()) as { user: Record<string, unknown> };
    assert.deepEqual(
      [user.username, user.plan, user.birthday, "risk_score" in user],
      ["user123", "free", null, false],
    );
  });
});

/** Alike where the example is exact; "…" stands for any text. */
function assertAlike(actual: unknown, expected: unknown, about: string): void {
  if (expected === "…") return assert.match(String(actual), /./, about);
  if (typeof expected !== "object" || expected === null) return assert.equal(actual, expected, about);
  assert.ok(typeof actual === "object" && actual !== null, about);
  assert.deepEqual(Object.keys(actual), Object.keys(expected), about);
  for (const [name, value] of Object.entries(expected)) {
    assertAlike((actual as Readonly<Record<string, unknown>>)[name], value, about);
  }
}
