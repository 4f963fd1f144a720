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
      { name: "EMAIL_HSOT", message: "is not a setting: did you mean EMAIL_HOST?" },
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
    assert.deepEqual(problems, [
      { name: "EMAIL_HOST_FILE", message: "is not a setting: EMAIL_HOST is not read from a file" },
    ]);
  });

  it("is not the only text that may: a setting says so itself", () => {
    const own = { url: fileSetting("DATABASE_URL", text, "") } as const;
    const { values, problems } = readSettings(own, { DATABASE_URL_FILE: join(folder, "password") });
    assert.deepEqual([values.url, problems, own.url.secret], ["from the file", [], false]);
  });
});

describe("a misspelt name", () => {
  it("is told by what it was meant to be, however the slip was made", () => {
    for (const name of [
      ...["EMAIL_HSOT", "EMAIL_HOS", "EMIL_HOST", "EMAIL_HOSTS", "EEMAIL_HOST", "EMAIL_HOST_", "EMAIL-HOST"],
      ...["email_host", "Email_Host", "EMAIL_H0ST", "XMAIL_HOST", "MEAIL_HOST", "EMAIL_HOTS"],
    ]) {
      const { problems } = readSettings(table, { [name]: "smtp.example.com" });
      assert.deepEqual(problems, [{ name, message: "is not a setting: did you mean EMAIL_HOST?" }]);
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
