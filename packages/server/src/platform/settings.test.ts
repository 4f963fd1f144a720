import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { switchedOn, text, wholeNumber } from "./readers.ts";
import { fileSetting, readSettings, secretSetting, setting } from "./settings.ts";

const table = {
  port: setting("PORT", wholeNumber(0, 65535), "8000", ""),
  mail: {
    host: setting("EMAIL_HOST", text, undefined, ""),
    useTls: setting("EMAIL_USE_TLS", switchedOn, "off", ""),
    password: secretSetting("EMAIL_HOST_PASSWORD", text, ""),
  },
} as const;

const misspelt = (name: string) => ({
  name,
  message: "is not a setting: did you mean EMAIL_HOST?",
  fix: `EMAIL_HOST=… (beside it, ${name} may be another program's)`,
});

describe("a table of settings", () => {
  it("is read in the shape it is written in", () => {
    const { values, problems } = readSettings(table, { PORT: "9000", EMAIL_HOST: "smtp.example.com" });
    assert.deepEqual(problems, []);
    assert.deepEqual(values, {
      port: 9000,
      mail: { host: "smtp.example.com", useTls: false, password: undefined },
    });
  });

  it("takes an empty text for nothing said", () => {
    const { values, problems } = readSettings(table, { PORT: "", EMAIL_HOST: "", EMAIL_USE_TLS: "" });
    assert.deepEqual(
      [values.port, values.mail.host, values.mail.useTls, problems],
      [8000, undefined, false, []],
    );
  });

  it("tells every problem at once and names each setting", () => {
    const { values, problems } = readSettings(table, {
      PORT: "abc",
      EMAIL_USE_TLS: "maybe",
      EMAIL_HSOT: "x",
    });
    assert.deepEqual(problems, [
      misspelt("EMAIL_HSOT"),
      { name: "PORT", message: "must be a whole number from 0 to 65535" },
      { name: "EMAIL_USE_TLS", message: "must be on or off (true, false, yes, no, 1, 0)" },
    ]);
    assert.equal(values.port, 8000);
  });

  it("never repeats a refused value, which may be a secret in the wrong place", () => {
    const { problems } = readSettings(table, { PORT: "hunter2-secret", EMAIL_USE_TLS: "hunter2-secret" });
    assert.equal(problems.length, 2);
    assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
  });
});

describe("a secret", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "settings-"));
    writeFileSync(join(folder, "password"), "from the file \n");
    writeFileSync(join(folder, "empty"), "\n");
  });
  after(() => rmSync(folder, { recursive: true }));
  const readPassword = (environment: Record<string, string>) => {
    const { values, problems } = readSettings(table, environment);
    return { value: values.mail.password, problems };
  };

  it("may come from a file, without the line's end", () => {
    const { value, problems } = readPassword({ EMAIL_HOST_PASSWORD_FILE: join(folder, "password") });
    assert.deepEqual([value, problems], ["from the file", []]);
  });

  it("comes from the file too when the variable itself is empty, as compose files leave it", () => {
    const file = { EMAIL_HOST_PASSWORD_FILE: join(folder, "password") };
    assert.equal(readPassword({ ...file, EMAIL_HOST_PASSWORD: "" }).value, "from the file");
    assert.equal(readPassword({ ...file, EMAIL_HOST_PASSWORD: "said" }).value, "said");
  });

  it("is UTF-8, or refused: what Windows writes in two bytes a letter would be another one", () => {
    const path = join(folder, "wide");
    for (const bytes of [
      Buffer.from("\uFEFFsecret", "utf16le"),
      Buffer.from("s\0e"),
      Buffer.from([0x73, 0xff]),
    ]) {
      writeFileSync(path, bytes);
      const { value, problems } = readPassword({ EMAIL_HOST_PASSWORD_FILE: path });
      assert.equal(value, undefined);
      assert.match(
        problems[0]?.message ?? "",
        /^is no UTF-8 text in the file that EMAIL_HOST_PASSWORD_FILE names$/,
      );
    }
  });

  it("whose file cannot be read or is empty is a problem that shows neither path nor text", () => {
    for (const [name, sentence] of [
      ["missing", /^cannot be read from the file that EMAIL_HOST_PASSWORD_FILE names$/],
      ["empty", /^is empty in the file that EMAIL_HOST_PASSWORD_FILE names$/],
    ] as const) {
      const { value, problems } = readPassword({ EMAIL_HOST_PASSWORD_FILE: join(folder, name) });
      assert.deepEqual([value, problems.length, problems[0]?.name], [undefined, 1, "EMAIL_HOST_PASSWORD"]);
      assert.match(problems[0]?.message ?? "", sentence);
    }
  });

  it("alone may: the file of another setting is refused, for its default would stand unseen", () => {
    const { values, problems } = readSettings(table, { EMAIL_HOST_FILE: join(folder, "password") });
    assert.equal(values.mail.host, undefined);
    assert.deepEqual(
      problems.map(({ name, message }) => `${name} ${message}`),
      ["EMAIL_HOST_FILE is not a setting: EMAIL_HOST is not read from a file"],
    );
  });

  it("is not the only text that may: a setting says so itself", () => {
    const own = { url: fileSetting("DATABASE_URL", text, "") } as const;
    const { values, problems } = readSettings(own, { DATABASE_URL_FILE: join(folder, "password") });
    assert.deepEqual([values.url, problems, own.url.secret], ["from the file", [], false]);
  });
});

/** What stands around a value unseen once it was mounted, piped or pasted. */
const unseen = ["\n", "\r\n", " ", "\t", "\uFEFF", "\u00A0", "\u200B", "\u3000", " \r\n\n"];

describe("what stands around a value unseen", () => {
  it("is no part of it, wherever the value comes from", () => {
    const folder = mkdtempSync(join(tmpdir(), "settings-"));
    const path = join(folder, "said");
    for (const one of unseen) {
      for (const around of [`${one}v 1${one}`, `v 1${one}`, `${one}v 1`]) {
        const said = JSON.stringify(around);
        writeFileSync(path, around);
        const { values, problems, warnings } = readSettings(table, {
          EMAIL_HOST: around,
          PORT: `${one}9${one}`,
        });
        assert.deepEqual([values.mail.host, values.port, problems, warnings], ["v 1", 9, [], []], said);
        const fromFile = readSettings(table, { EMAIL_HOST_PASSWORD_FILE: `${path}${one}` });
        assert.deepEqual([fromFile.values.mail.password, fromFile.problems], ["v 1", []], said);
        assert.deepEqual(fromFile.warnings, []);
      }
      assert.deepEqual(readSettings(table, { PORT: one }).values.port, 8000);
    }
    rmSync(folder, { recursive: true });
  });

  it("is told where it is left off a secret, which somebody else may read with it", () => {
    for (const one of unseen) {
      const { values, warnings } = readSettings(table, { EMAIL_HOST_PASSWORD: `v${one}` });
      assert.equal(values.mail.password, "v");
      assert.deepEqual(warnings, [
        {
          name: "EMAIL_HOST_PASSWORD",
          message: "has white space at an end, which is left off: whoever shares it must leave it off too",
        },
      ]);
    }
  });
});

describe("a value in quotes that nobody took away", () => {
  it("is refused, and its quotes are named", () => {
    for (const value of ['"smtp"', "'smtp'", "`smtp`", '""', ' "smtp"\n'])
      assert.deepEqual(readSettings(table, { EMAIL_HOST: value }).problems, [
        { name: "EMAIL_HOST", message: "is in quotes, which would be a part of it: take them away" },
      ]);
    const { problems } = readSettings(table, { EMAIL_HOST_PASSWORD: '"v"' });
    assert.match(
      problems[0]?.message ?? "",
      /one that has them may stand in the file that EMAIL_HOST_PASSWORD_FILE/,
    );
  });

  it("is no value that has some in it", () => {
    for (const value of ['"Name" <ada@example.org>', 'say "smtp"', "'", "it's"])
      assert.equal(readSettings(table, { EMAIL_HOST: value }).values.mail.host, value);
  });
});

describe("a value that another program put under our name", () => {
  it("is passed over with a warning", () => {
    const { values, problems, warnings } = readSettings(
      {
        ...table,
        emailPort: setting("EMAIL_PORT", wholeNumber(1, 9), undefined, ""),
        host: setting("HOST", text, "h", ""),
      },
      { PORT: "tcp://10.0.0.1:80", EMAIL_PORT: "tcp://10.0.0.1:25", HOST: "x86_64-conda-linux-gnu" },
    );
    assert.deepEqual([values.port, values.emailPort, values.host, problems], [8000, undefined, "h", []]);
    assert.deepEqual(
      warnings.map(({ name, message }) => `${name} ${message}`),
      [
        "PORT is not read: its value is Kubernetes' link to a service of that name (enableServiceLinks: false makes none)",
        "EMAIL_PORT is not read: its value is Kubernetes' link to a service of that name (enableServiceLinks: false makes none)",
        "HOST is not read: its value is a kind of machine, as conda and compilers say it, and no address",
      ],
    );
  });

  it("is refused where nobody else can have put it", () => {
    const { problems, warnings } = readSettings(table, { PORT: "tcp://10.0.0.1:80" }, new Set(["PORT"]));
    assert.deepEqual([problems.map(({ name }) => name), warnings], [["PORT"], []]);
  });
});

describe("a misspelt name", () => {
  it("is a warning beside ours, where it may be another program's, and a refusal where nobody else reads", () => {
    const environment = { EMAIL_HSOT: "x", EMAIL_HOST: "smtp", EMAIL_HOST_FILE: "y" };
    const { values, problems, warnings } = readSettings(table, environment);
    assert.deepEqual([values.mail.host, problems], ["smtp", []]);
    assert.deepEqual(
      warnings.map(({ name, message }) => `${name} ${message}`),
      [
        "EMAIL_HSOT is not read: the setting is called EMAIL_HOST",
        "EMAIL_HOST_FILE is not read: the setting is called EMAIL_HOST",
      ],
    );
    const own = readSettings(table, environment, new Set(Object.keys(environment)));
    assert.deepEqual(
      own.problems.map(({ name, fix }) => [name, fix]),
      [
        ["EMAIL_HSOT", undefined],
        ["EMAIL_HOST_FILE", undefined],
      ],
    );
    assert.deepEqual(readSettings(table, { ...environment, EMAIL_HOST: "\n" }).problems.length, 2);
  });

  it("is told by what it was meant to be, however the slip was made", () => {
    for (const name of [
      ...["EMAIL_HSOT", "EMAIL_HOS", "EMIL_HOST", "EMAIL_HOSTS", "EEMAIL_HOST", "EMAIL_HOST_", "EMAIL-HOST"],
      ...["email_host", "Email_Host", "EMAIL_H0ST", "XMAIL_HOST", "MEAIL_HOST", "EMAIL_HOTS"],
    ]) {
      const { problems } = readSettings(table, { [name]: "smtp.example.com" });
      assert.deepEqual(problems, [misspelt(name)]);
    }
    const { problems } = readSettings(table, { EMAIL_HOST_PASWORD_FILE: "x" });
    assert.match(problems[0]?.message ?? "", /did you mean EMAIL_HOST_PASSWORD_FILE\?/);
  });

  it("is not seen in names that only look a little alike", () => {
    for (const name of [
      "EMAIL_HOSTNAME",
      "EMAIL",
      "EMAIL_HOST_URL",
      "XEMAIL_HOSTS",
      "MAIL_HSOT",
      "POTR",
      "PROT",
    ]) {
      assert.deepEqual(readSettings(table, { [name]: "x" }).problems, [], name);
    }
  });
});
