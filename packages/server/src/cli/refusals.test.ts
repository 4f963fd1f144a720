import assert from "node:assert/strict";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Box, type Finished, openBox } from "../testing/command-line.ts";
import { version } from "../version.ts";

const ended = ({ code, out, err }: Finished) => [code, out, err];
const environment = "      from  the environment";
const config = "imagaine-auth.config.ts";

/** What is said of a start that is refused. */
const notStarted = (mode: string, problems: number, rows: readonly string[]) =>
  [
    "",
    `  imagaine-auth ${version}   ${mode}   refusing to start: ${problems} problem${problems === 1 ? "" : "s"}`,
    "",
    ...rows,
    "\n",
  ].join("\n");

describe("settings", () => {
  it("that cannot be read are all refused, with 78, by every command", async () => {
    await using box = await openBox();
    await box.write(".env", "EMAIL_HOST_PASSWORD=hunter#2\nEMAIL_PROT=1\n");
    const env = { EMAIL_HSOT: "smtp.example.org", PORT: "many", ARGON2: "524288,2,1" };
    const found = [
      "  ✗ .env, line 1, has a # in its value, which would begin a comment: put the value in quotes",
      "  ✗ EMAIL_PROT is not a setting: did you mean EMAIL_PORT?",
      "      from  .env",
      "  ✗ EMAIL_HSOT is not a setting: did you mean EMAIL_HOST?",
      environment,
      "      fix   EMAIL_HOST=… (beside it, EMAIL_HSOT may be another program's)",
      "  ✗ PORT must be a whole number from 0 to 65535",
      environment,
      "  ✗ ARGON2 must be memory in KiB, passes and lanes, such as 19456,2,1, at most 262144,10,16",
      environment,
    ];
    const [migrate, serve, show] = await Promise.all([
      box.run(["migrate"], { env }),
      box.runAlone([], { env }),
      box.run(["config"], { env }),
    ]);
    const said = ["✗ The settings cannot be used: 5 problems", ...found, ""].join("\n");
    assert.deepEqual(ended(migrate), [78, "", said]);
    assert.deepEqual(ended(serve), [78, "", notStarted("development", 5, found)]);
    assert.deepEqual([show.code, show.err], [78, notStarted("development", 5, found)]);
    assert.match(show.out, /^PORT +many +environment/m);
    assert.deepEqual(await readdir(box.folder), [".env"]);
  });

  it("that cannot be read and those that are unsafe in production are said together, and by every foreteller", async () => {
    await using box = await openBox();
    const weak = "changeme-changeme";
    await box.write(".env", "PUBLIC_URL=http://auth.example.com\n");
    await box.write(config, "export const fields = { plan: { type: 'text', writeableBy: 'admin' } };\n");
    const env = {
      ...{ NODE_ENV: "production", SECRET_KEY: weak, RATE_LIMITS: "off" },
      ...{ CORS_ALLOWED_ORIGINS: "*", EMAIL_HOST: '"smtp.example.com"' },
    };
    const serve = await box.runAlone(["serve"], { env });
    const [check, show, json] = await Promise.all([
      box.run(["config", "check"], { env }),
      box.run(["config", "show"], { env }),
      box.run(["config", "check", "--json"], { env }),
    ]);
    for (const one of [serve, check, show]) assert.deepEqual([one.code, one.err], [78, serve.err]);
    const marked = serve.err.split("\n").filter((line) => line.includes("✗"));
    const wanted = [
      ...[
        /imagaine-auth\.config\.ts: .*"writeableBy"/,
        /CORS_ALLOWED_ORIGINS must/,
        /EMAIL_HOST is in quotes/,
      ],
      ...[
        /PUBLIC_URL is http:/,
        /SECRET_KEY /,
        /DEFAULT_FROM_EMAIL /,
        /ARGON2 is 8,1,1/,
        /RATE_LIMITS is off/,
      ],
    ];
    assert.equal(marked.length, wanted.length, serve.err);
    for (const said of wanted)
      assert.ok(
        marked.some((line) => said.test(line)),
        String(said),
      );
    const rows = serve.err.split("\n").filter(Boolean).slice(1);
    for (const row of rows) assert.match(row, /^ {2}✗ \S|^ {6}(?:why |from|fix |or {2}) {2}\S/);
    assert.match(serve.err, /PUBLIC_URL is .*\n {6}why .*\n {6}from {2}\.env\n {6}fix {3}PUBLIC_URL=https:/);
    const { problems, mode } = JSON.parse(json.out);
    assert.deepEqual([mode, problems.length, json.code], ["production", wanted.length, 78]);
    assert.doesNotMatch(serve.err, /\$\(/, "a fix that only a shell understands, and .env is none");
    for (const { out, err } of [serve, check, show, json]) assert.ok(!(out + err).includes(weak));
    assert.deepEqual((await readdir(box.folder)).toSorted(), [".env", config]);
  });

  it("of a file that is not there are refused, whatever Node thinks of its name", async () => {
    await using box = await openBox();
    const said = [78, "", "✗ The settings in none.env cannot be read (ENOENT).\n"];
    assert.deepEqual(ended(await box.runAlone(["user", "list", "--settings", "none.env"])), said);
    // Of this name Node itself looks for the file, unless two dashes tell it that the options are ours.
    assert.deepEqual(
      ended(await box.runAlone(["user", "list", "--env-file", "none.env"], { node: ["--"] })),
      said,
    );
    await box.write("some.env", "PORT=9\n");
    const old = await box.runAlone(["config", "show", "--env-file", "some.env"]);
    assert.match(old.out, /^PORT +9 +some\.env/m);
  });

  it("of a file in two bytes a letter are refused in a line, not in each of its own", async () => {
    await using box = await openBox();
    await writeFile(join(box.folder, ".env"), "\uFEFFPORT=9000\r\nHOST=x\r\n", "utf16le");
    const { code, err } = await box.run(["config", "check"]);
    assert.deepEqual(
      [code, err.split("\n").slice(3)],
      [78, ["  ✗ .env is no UTF-8 text", "      fix   save it anew, as UTF-8", "", ""]],
    );
  });

  it("may be none, whoever may write to nothing", async () => {
    await using box = await openBox();
    await box.write(".env", "PORT=many\n");
    assert.equal((await box.run(["config", "check", "--settings", "/dev/null"])).code, 0);
  });

  it("without the key that is kept for them say which file it should be in", async () => {
    await using box = await openBox();
    await box.run(["migrate"]);
    await box.write("data/secret.key", "\n");
    assert.deepEqual(ended(await box.run(["user", "list"])), [
      78,
      "",
      "✗ data/secret.key is empty.\n  fix  restore it from your backup, or set SECRET_KEY to what it held\n",
    ]);
  });

  it("of where to listen are named when nothing can listen there", async () => {
    await using box = await openBox();
    const refused = async (host: string) => await box.runAlone(["serve"], { env: { HOST: host } });
    const [elsewhere, nowhere] = [await refused("192.0.2.1"), await refused("nowhere.invalid")];
    const fix = "\n  fix  HOST=127.0.0.1 (this machine alone), or HOST=0.0.0.0 (every address that it has)\n";
    assert.deepEqual(ended(elsewhere), [
      78,
      "",
      `✗ HOST is 192.0.2.1, which is no address of this machine (EADDRNOTAVAIL).${fix}`,
    ]);
    assert.equal(nowhere.code, 78);
    assert.match(
      nowhere.err,
      /^✗ HOST is nowhere\.invalid, and no machine of that name is found \(E\w+\)\.\n {2}fix {2}HOST=127/,
    );
    assert.deepEqual(await readdir(box.folder), []);
  });

  it("that are well are said to be, and what others put beside them is a warning", async () => {
    await using box = await openBox();
    await box.write(".env", "HOST=127.0.0.1\n");
    const env = {
      ...{ DATABASE_URL: "sqlite:data/auth.db\n", DATABASE_URI: "postgres://other", log_level: "x" },
      ...{ HOST: "x86_64-conda-linux-gnu", EMAIL_PORT: "tcp://10.0.0.1:25", LOG_LEVEL: "WARNING" },
    };
    const [check, quiet, show] = await Promise.all([
      box.run(["config", "check"], { env }),
      box.run(["config", "check", "--quiet"], { env }),
      box.run(["config", "show"], { env }),
    ]);
    assert.deepEqual([check.code, check.out], [0, "Nothing keeps a server from starting (development).\n"]);
    assert.deepEqual(check.err.trimEnd().split("\n"), [
      "▲ DATABASE_URI is not read: the setting is called DATABASE_URL",
      "▲ log_level is not read: the setting is called LOG_LEVEL",
      "▲ EMAIL_PORT is not read: its value is Kubernetes' link to a service of that name (enableServiceLinks: false makes none)",
    ]);
    assert.deepEqual(ended(quiet), [0, "", ""]);
    assert.match(show.out, /^HOST +127\.0\.0\.1 +\.env /m);
    assert.match(show.out, /^DATABASE_URL +sqlite:data\/auth\.db +environment/m);
    assert.equal((await box.run(["migrate"], { env })).code, 0);
    assert.deepEqual((await readdir(join(box.folder, "data"))).toSorted(), [
      ".gitignore",
      "auth.db",
      "secret.key",
    ]);
  });
});

/** What is said of a file of fields, with `config check`. */
async function check(box: Box, text: string, name = config): Promise<string> {
  await box.write(name, text);
  const { code, err } = await box.run(["config", "check"]);
  assert.equal(code, 78, err);
  return err.split("\n").slice(3).join("\n").trimEnd();
}

describe("the file of user fields", () => {
  it("that is wrong keeps a server from starting, and everything is said at once", async () => {
    await using box = await openBox();
    await box.write(
      config,
      `export const fields = {
         plan: { type: "oneOf", choices: ["free", "pro"], default: "free", writeableBy: "admin" },
         risk_score: { type: "integer", default: 0, hiden: true, writableBy: "admin" },
       };
       export const field = fields;`,
    );
    const said = notStarted("development", 3, [
      `  ✗ ${config}: There is no export "field": did you mean "fields"?`,
      `  ✗ ${config}: The user field "plan" has no option "writeableBy": did you mean "writableBy"?`,
      `  ✗ ${config}: The user field "risk_score" has no option "hiden": did you mean "hidden"?`,
    ]);
    assert.deepEqual(ended(await box.runAlone(["serve"])), [78, "", said]);
    assert.deepEqual(await readdir(box.folder), [config]);
  });

  it("says of an export with any letter wrong what was meant", async () => {
    for (const wrong of ["ields", "feilds", "fiields", "field", "Fields", "FIELDS"]) {
      await using box = await openBox();
      const said = await check(box, `export const ${wrong} = {};\n`);
      assert.equal(said, `  ✗ ${config}: There is no export "${wrong}": did you mean "fields"?`);
    }
  });

  it("says what it lacks, or has too much", async () => {
    const wrong: Readonly<Record<string, string>> = {
      "const fields = {};": ": It exports nothing: write `export const fields = { … }`.",
      "export default { fields: {} };": ': There is no export "default": there is only fields.',
      'export const fields = "plan";':
        ': The user fields are "plan", and must be a table of names, such as { plan: { type: "text" } }.',
      "export const fields = null;":
        ': The user fields are null, and must be a table of names, such as { plan: { type: "text" } }.',
    };
    for (const [text, said] of Object.entries(wrong)) {
      await using box = await openBox();
      assert.equal(await check(box, `${text}\n`), `  ✗ ${config}${said}`);
    }
  });

  it("that cannot be run is told with the line, and with what it looks for in vain", async () => {
    const wrong: readonly (readonly [name: string, text: string, said: RegExp])[] = [
      [
        config,
        "export const fields = {\n  a: {{ type: 1 },\n};\n",
        /^ {2}✗ imagaine-auth\.config\.ts, line 2: Unexp/,
      ],
      [
        "imagaine-auth.config.mjs",
        "\n\nexport const fields = {{};\n",
        /✗ imagaine-auth\.config\.mjs, line 3: Unexp/,
      ],
      ["imagaine-auth.config.js", "\nmodule.exports = {{};\n", /✗ imagaine-auth\.config\.js, line 2: Unexp/],
      [
        config,
        "enum A { b }\nexport const fields = {};\n",
        /, line 1: TypeScript enum .*\n {6}fix {3}write it as Java/,
      ],
      [
        config,
        'import { a } from "nope";\nexport const fields = {};\n',
        /Cannot find package 'nope' imported from/,
      ],
      [
        config,
        'import { a } from "./nope.ts";\nexport const fields = {};\n',
        /Cannot find module '\S+\/nope\.ts'/,
      ],
      [
        config,
        '\nimport { A } from "node:fs";\nexport const fields = {};\n',
        /, line 2: .* named 'A'\.\n {6}fix {3}import t/,
      ],
      [config, "\n\nnull.a;\nexport const fields = {};\n", /, line 3: Cannot read properties of null/],
      [config, 'throw "nothing";\n', /✗ imagaine-auth\.config\.ts: nothing was thrown\./],
      [
        "imagaine-auth.config.cjs",
        "",
        /config\.cjs is not read\n {6}fix {3}call it imagaine-auth\.config\.ts or/,
      ],
    ];
    await Promise.all(
      wrong.map(async ([name, text, said]) => {
        await using box = await openBox();
        assert.match(await check(box, text, name), said);
      }),
    );
    await using box = await openBox();
    await box.write("other.ts", "\nnull.a;\n");
    assert.match(
      await check(box, 'import "./other.ts";\nexport const fields = {};\n'),
      /in \S+\/other\.ts, line 2: Ca/,
    );
    await box.write("imagaine-auth.config.mjs", "export const fields = {};");
    assert.match(
      await check(box, ""),
      /imagaine-auth\.config\.ts and imagaine-auth\.config\.mjs both declare/,
    );
  });

  it("may be a CommonJS module, and an import of its own may refuse it", async () => {
    await using box = await openBox();
    await box.write("imagaine-auth.config.js", "module.exports = { fields: { plan: { type: 'text' } } };\n");
    assert.match((await box.run(["info"])).out, /^fields +1$/m);
    const library = JSON.stringify(join(import.meta.dirname, "../index.ts"));
    const text = `import { defineFields } from ${library};\nexport const fields = defineFields({ plan: { typ: "text" } });\n`;
    await using other = await openBox();
    const said = await check(other, text);
    assert.match(
      said,
      /: The user field "plan" has no option "typ": did you mean "type"\?\n.*has no "type", which/,
    );
  });

  it("names the claims of tokens that it does not declare", async () => {
    await using box = await openBox();
    await box.write(".env", "TOKEN_CLAIMS=plan\n");
    const said = await check(box, "export const fields = { plna: { type: 'text' } };\n");
    assert.equal(said, '  ✗ TOKEN_CLAIMS "plan" is no declared user field\n      from  .env');
  });
});

describe("a file that others may change", () => {
  const good = "export const fields = {};\n";

  it("is neither run nor read, and what closes it is said", async () => {
    await using box = await openBox();
    await box.write(".env", "PORT=0\n");
    await chmod(join(box.folder, ".env"), 0o666);
    await box.write(config, `${good}process.stdout.write("it was run");\n`);
    await chmod(join(box.folder, config), 0o646);
    const refused = await box.run(["user", "list"]);
    assert.deepEqual(
      [refused.code, refused.out, refused.err.split("\n").slice(1)],
      [
        78,
        "",
        [
          "  ✗ .env may be written by everybody (mode 666)",
          "      fix   chmod go-w .env",
          `  ✗ ${config} may be written by everybody (mode 646), and would be run`,
          `      fix   chmod go-w ${join(box.folder, config)}`,
          "",
        ],
      ],
    );
    await chmod(join(box.folder, ".env"), 0o644);
    await chmod(join(box.folder, config), 0o644);
    assert.equal((await box.run(["config", "check"])).code, 0);
  });

  it("is one in a folder that others may write to, unless its sticky bit is set", async () => {
    await using box = await openBox();
    await box.write(config, good);
    await chmod(box.folder, 0o777);
    assert.match(
      await check(box, good),
      /lies in \S+, where everybody may replace it \(mode 777\), and would be run/,
    );
    await chmod(box.folder, 0o1777);
    assert.equal((await box.run(["config", "check"])).code, 0);
  });

  it("is a warning for a secret while developing, and a refusal in production", async () => {
    await using box = await openBox();
    await box.run(["migrate"]);
    const key = join(box.folder, "data/secret.key");
    const said = async () => (await box.run(["config", "check"])).err;
    assert.equal(await said(), "");
    await chmod(key, 0o666);
    assert.equal(
      await said(),
      "▲ data/secret.key may be written by everybody (mode 666)   fix  chmod 600 data/secret.key\n",
    );
    await chmod(key, 0o640);
    assert.match(
      await said(),
      /^▲ data\/secret\.key may be read by its group \(gid \d+\) \(mode 640\) {3}fix {2}chmod 600/,
    );
    const server = await box.serve();
    assert.match(server.lines[0] ?? "", /"level":"warn","msg":"data\/secret\.key may be read by its group/);
    await server.stop();
    await mkdir(join(box.folder, "secrets"));
    await box.write("secrets/key", "x".repeat(40));
    const env = { NODE_ENV: "production", SECRET_KEY_FILE: "secrets/key" };
    const find = async (mode: number) => {
      await chmod(join(box.folder, "secrets/key"), mode);
      const { problems, warnings } = JSON.parse((await box.run(["config", "check", "--json"], { env })).out);
      const about = problems.map(({ problem }: { problem: string }) => problem);
      return [...about, ...warnings].filter((text: string) => text.startsWith("secrets/key"));
    };
    assert.deepEqual(await find(0o600), []);
    assert.deepEqual(await find(0o602), ["secrets/key may be written by everybody (mode 602)"]);
    assert.deepEqual(await find(0o644), [
      "secrets/key may be read by everybody (mode 644)   fix  chmod 600 secrets/key",
    ]);
  });
});
