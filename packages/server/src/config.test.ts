import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadConfig, settings } from "./config.ts";
import { argon2Ceiling } from "./core/passwords/formats.ts";
import { type Environment, listSettings } from "./platform/settings.ts";
import { makeSelfSignedCertificate } from "./testing/self-signed-certificate.ts";

const problemsOf = (environment: Environment) =>
  loadConfig(environment).problems.map(({ name, message }) => `${name} ${message}`);

/** What a shell, a container and npm put there anyway. */
const everyday: Environment = {
  ...{
    PATH: "/usr/bin",
    HOME: "/root",
    HOSTNAME: "4f2a",
    SHELL: "/bin/sh",
    USER: "ada",
    LOGNAME: "ada",
    PWD: "/",
  },
  ...{
    OLDPWD: "/",
    TERM: "xterm",
    LANG: "en_US.UTF-8",
    LANGUAGE: "en",
    LC_ALL: "C",
    TZ: "UTC",
    EDITOR: "vi",
    _: "node",
  },
  ...{
    TMPDIR: "/tmp",
    SHLVL: "1",
    DISPLAY: ":0",
    MAIL: "/var/mail/ada",
    INVOCATION_ID: "x",
    JOURNAL_STREAM: "8:1",
  },
  ...{
    npm_config_cache: "x",
    npm_package_name: "x",
    npm_lifecycle_event: "start",
    npm_config_user_agent: "npm",
  },
  ...{
    INIT_CWD: "/",
    NODE: "node",
    NODE_OPTIONS: "",
    NODE_PATH: "",
    NODE_VERSION: "24",
    YARN_VERSION: "1",
    CI: "true",
  },
  ...{
    COLORTERM: "truecolor",
    FORCE_COLOR: "1",
    NO_COLOR: "",
    DEBUG: "x",
    SSH_AUTH_SOCK: "x",
    XDG_DATA_DIRS: "x",
  },
  ...{
    http_proxy: "x",
    HTTPS_PROXY: "x",
    NO_PROXY: "x",
    PGHOST: "x",
    PGPASSWORD: "x",
    POSTGRES_PASSWORD: "x",
  },
  ...{
    KUBERNETES_SERVICE_HOST: "x",
    KUBERNETES_PORT: "x",
    REDIS_URL: "x",
    DJANGO_SETTINGS_MODULE: "x",
    DEBUG_SQL: "x",
  },
  ...{
    EMAIL_TIMEOUT: "5",
    EMAIL_SSL_CERTFILE: "x",
    SERVER_EMAIL: "x",
    ALLOWED_HOSTS: "x",
    STATIC_URL: "x",
    APPDATA: "x",
  },
};

describe("the settings", () => {
  it("are all well when nothing is said", () => {
    const { config, problems } = loadConfig({});
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [config.mode, config.host, config.port, config.publicUrl, config.isPublicUrlSaid, config.mail.backend],
      ["development", "127.0.0.1", 8000, "http://localhost:8000", false, "capture"],
    );
    assert.ok(
      !config.trustedProxies.check("127.0.0.1", "ipv4"),
      "nobody may speak for others unless it is said",
    );
  });

  it("are safe when nothing is said", () => {
    const { passwords, tokens, verificationTtl, resetTtl, rateLimits, revealAccounts } = loadConfig(
      {},
    ).config;
    assert.equal(passwords.minLength, 8);
    // OWASP, Password Storage Cheat Sheet.
    assert.deepEqual(passwords.argon2, { memoryKib: 19_456, passes: 2, parallelism: 1 });
    const minutes = [tokens.accessTtl, resetTtl, verificationTtl, tokens.refreshTtl, tokens.sessionTtl];
    assert.deepEqual(
      minutes.map((span) => span / 60_000),
      [15, 60, 24 * 60, 7 * 24 * 60, 30 * 24 * 60],
    );
    assert.deepEqual([tokens.reuse, rateLimits, revealAccounts], ["revoke", true, false]);
  });

  it("leave those who send calls time to see that a server stops, in production", () => {
    const delay = (environment: Environment) => loadConfig(environment).config.shutdownDelay;
    assert.deepEqual([delay({}), delay({ NODE_ENV: "production" })], [0, 5000]);
    for (const none of ["0s", "0"]) assert.equal(delay({ NODE_ENV: "production", SHUTDOWN_DELAY: none }), 0);
    assert.equal(delay({ SHUTDOWN_DELAY: "15s" }), 15_000);
    for (const text of ["16s", "1m", "5", "-1s", "soon"])
      assert.match(problemsOf({ SHUTDOWN_DELAY: text }).join(), /^SHUTDOWN_DELAY must be .* from 0s to 15s$/);
  });

  it("raise no alarm at what stands in an environment anyway", () => {
    assert.deepEqual(problemsOf(everyday), []);
  });

  it("have names that are more than one slip apart from each other", () => {
    const names = listSettings(settings).map((one) => one.name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.deepEqual(problemsOf({ [name]: "" }), [], name);
  });

  it("are each told when garbled, with the fallback kept and no NaN anywhere", () => {
    const numbers = ["PORT", "DATABASE_POOL", "EMAIL_PORT", "PASSWORD_MIN_LENGTH"];
    const spans = [
      "ACCESS_TOKEN_LIFETIME",
      "REFRESH_TOKEN_LIFETIME",
      "SESSION_LIFETIME",
      "EMAIL_VERIFICATION_TTL",
      "PASSWORD_RESET_TTL",
    ];
    for (const name of [...numbers, ...spans, "ARGON2"]) {
      for (const value of ["abc", "-1", "1e99", "NaN", "1.5", "10 m", "99999999999999999999", "0x10"]) {
        const { config, problems } = loadConfig({ [name]: value });
        assert.deepEqual(
          problems.map((problem) => problem.name),
          [name],
          `${name}=${value}`,
        );
        assert.doesNotMatch(JSON.stringify(config), /null,"(?:accessTtl|port|pool)"|NaN/);
        assert.ok(config.tokens.accessTtl > 0 && config.port === 8000 && config.passwords.minLength === 8);
      }
    }
    for (const name of [...numbers.slice(1), ...spans]) {
      assert.equal(problemsOf({ [name]: "0" }).length, 1, `${name}=0`);
    }
  });

  it("are each told by their name when a letter of it is wrong, wherever it stands", () => {
    const long = listSettings(settings).filter(({ name }) => name.length >= 7);
    for (const one of long) {
      for (let at = 0; at < one.name.length; at += 1) {
        const wrong = `${one.name.slice(0, at)}${one.name.slice(at + 1)}`;
        const environment = { [wrong]: "x" };
        const own = loadConfig(environment, new Set([wrong]));
        assert.match(own.problems[0]?.message ?? "", /^is not a setting: did you mean [A-Z_]+\?$/, wrong);
        const { problems, warnings } = loadConfig(environment);
        const told = one.isEveryday ? warnings : problems;
        assert.deepEqual(
          [told.map(({ name }) => name), problems.length + warnings.length],
          [[wrong], 1],
          wrong,
        );
      }
    }
    assert.ok(long.length > 30);
  });

  it("let other programs have names like ours beside them", () => {
    const environment = { DATABASE_URI: "postgres://other", DATABASE_URL: "sqlite:a", log_level: "info" };
    const { problems, warnings } = loadConfig(environment);
    assert.deepEqual([problems, warnings.map(({ name }) => name)], [[], ["DATABASE_URI", "log_level"]]);
    assert.deepEqual(problemsOf({ DATABASE_URI: "postgres://ours" }), [
      "DATABASE_URI is not a setting: did you mean DATABASE_URL?",
    ]);
  });

  it("take a level in any case, and by Python's word", () => {
    for (const [said, level] of [
      ["INFO", "info"],
      ["Warning", "warn"],
      ["WARN", "warn"],
      ["DEBUG\n", "debug"],
    ] as const)
      assert.deepEqual(loadConfig({ LOG_LEVEL: said }).config.logLevel, level);
    for (const said of ["CRITICAL", "warnings", "20"])
      assert.equal(problemsOf({ LOG_LEVEL: said }).length, 1);
  });

  it("name the same database with a line's end behind it as without", () => {
    for (const url of [
      "sqlite:/data/auth.db\n",
      "\uFEFFsqlite:/data/auth.db\r\n",
      " sqlite:/data/auth.db\u00A0",
    ])
      assert.equal(loadConfig({ DATABASE_URL: url }).config.database.url, "sqlite:/data/auth.db");
  });

  it("tell all problems at once, contradictions too", () => {
    assert.deepEqual(
      problemsOf({ PORT: "x", SECRET_KYE: "x", LOG_LEVEL: "loud", EMAIL_USE_TLS: "on", EMAIL_USE_SSL: "on" }),
      [
        "SECRET_KYE is not a setting: did you mean SECRET_KEY?",
        "PORT must be a whole number from 0 to 65535",
        "LOG_LEVEL must be one of debug, info, warn, error",
        "EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other: turn one of them off",
      ],
    );
  });

  it("are never a wildcard for other origins", () => {
    assert.match(
      problemsOf({ CORS_ALLOWED_ORIGINS: "*" })[0] ?? "",
      /^CORS_ALLOWED_ORIGINS must list exact origins/,
    );
  });
});

describe("the language", () => {
  it("may be spelt as Django does", () => {
    for (const [code, language] of [
      ...[
        ["en", "en"],
        ["en-us", "en"],
        ["en_GB", "en"],
        ["pt-br", "pt-BR"],
        ["pt_BR", "pt-BR"],
        ["pt", "pt-BR"],
      ],
    ] as [string, string][]) {
      assert.equal(loadConfig({ LANGUAGE_CODE: code }).config.language, language);
    }
    for (const code of ["de", "english", "xx", "*"]) {
      assert.deepEqual(problemsOf({ LANGUAGE_CODE: code }), ["LANGUAGE_CODE must be one of en, pt-BR"]);
    }
  });
});

describe("the cost of hashing", () => {
  it("is at most what a stored hash may cost, so that no hash is made that is refused later", () => {
    const { memoryKib, passes, parallelism } = argon2Ceiling;
    const most = `${memoryKib},${passes},${parallelism}`;
    assert.deepEqual(loadConfig({ ARGON2: most }).config.passwords.argon2, argon2Ceiling);
    for (const dearer of [
      ...[
        `${memoryKib + 1},1,1`,
        `19456,${passes + 1},1`,
        `19456,2,${parallelism + 1}`,
        "7,1,1",
        "64,1,9",
        "64,0,1",
      ],
      ...["64,1,0", "64,1", "64,1,1,1", "", "a,b,c", "19456;2;1"].filter((text) => text !== ""),
    ]) {
      assert.equal(problemsOf({ ARGON2: dearer }).length, 1, dearer);
    }
  });
});

describe("lifetimes", () => {
  it("of idle sessions cannot outlast the session", () => {
    assert.deepEqual(problemsOf({ REFRESH_TOKEN_LIFETIME: "31d" }), [
      "REFRESH_TOKEN_LIFETIME cannot be longer than SESSION_LIFETIME",
    ]);
    assert.deepEqual(problemsOf({ REFRESH_TOKEN_LIFETIME: "31d", SESSION_LIFETIME: "31d" }), []);
  });

  it("of idle sessions follow a shorter session when nothing is said of them", () => {
    const { config, problems } = loadConfig({ SESSION_LIFETIME: "1d" });
    assert.deepEqual([problems, config.tokens.refreshTtl], [[], 86_400_000]);
  });
});

describe("the mail server", () => {
  it("has the port that belongs to its encryption", () => {
    const portOf = (environment: Environment) =>
      loadConfig({ EMAIL_HOST: "mail", ...environment }).config.mail.port;
    assert.deepEqual(
      [
        portOf({}),
        portOf({ EMAIL_USE_TLS: "True" }),
        portOf({ EMAIL_USE_SSL: "1" }),
        portOf({ EMAIL_PORT: "2525" }),
      ],
      [25, 587, 465, 2525],
    );
  });

  it("is waited for ten seconds, unless EMAIL_TIMEOUT says more or less", () => {
    const timeoutOf = (environment: Environment) => loadConfig(environment).config.mail.timeout;
    assert.deepEqual([timeoutOf({}), timeoutOf({ EMAIL_TIMEOUT: "30" })], [10, 30]);
    for (const wrong of ["0", "301", "10s", "-1"])
      assert.deepEqual(problemsOf({ EMAIL_TIMEOUT: wrong }), [
        "EMAIL_TIMEOUT must be a whole number from 1 to 300",
      ]);
  });

  it("is trusted by the authority in EMAIL_CA_FILE, which must be certificates in PEM", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagaine-auth-ca-"));
    try {
      const [ca, other, key] = ["ca.pem", "other.pem", "key.pem"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      const [one, two] = [makeSelfSignedCertificate("one"), makeSelfSignedCertificate("two")];
      await writeFile(ca, `the company's\n${one.cert}\n${two.cert}`);
      await writeFile(other, one.cert.replace(/[A-Za-z]{4}/, "!!!!"));
      await writeFile(key, one.key);
      assert.equal(
        loadConfig({ EMAIL_CA_FILE: ca }).config.mail.caFile,
        `${one.cert.trim()}\n${two.cert.trim()}`,
      );
      const noCertificate =
        "EMAIL_CA_FILE names a file that holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
      assert.deepEqual(problemsOf({ EMAIL_CA_FILE: key }), [noCertificate]);
      assert.deepEqual(problemsOf({ EMAIL_CA_FILE: other }), [noCertificate]);
      assert.deepEqual(problemsOf({ EMAIL_CA_FILE: join(folder, "none") }), [
        "EMAIL_CA_FILE names a file that cannot be read (ENOENT)",
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is shown no certificate of ours, which is said where Django's settings for one are set", () => {
    const { warnings: found } = loadConfig({
      EMAIL_SSL_CERTFILE: "/etc/mail.pem",
      EMAIL_SSL_KEYFILE: "",
      EMAIL_HOST: "mail",
    });
    assert.deepEqual(
      found.map(({ name }) => name),
      ["EMAIL_SSL_CERTFILE"],
    );
    assert.match(found[0]?.message ?? "", /not supported.*EMAIL_CA_FILE.*EMAIL_HOST_USER/);
  });

  it("may be spoken to in clear text only where ALLOW_INSECURE names it", () => {
    const allowed = (text: string) => loadConfig({ ALLOW_INSECURE: text }).config.allowInsecure;
    assert.deepEqual([allowed(""), allowed("mail"), allowed(" mail , mail ")], [[], ["mail"], ["mail"]]);
    for (const wrong of ["on", "mail,url", "Mail"])
      assert.deepEqual(problemsOf({ ALLOW_INSECURE: wrong }), ["ALLOW_INSECURE must list any of mail"]);
  });

  it("is used where it is named, and is missing only in production", () => {
    const backendOf = (environment: Environment) => loadConfig(environment).config.mail.backend;
    assert.deepEqual(
      [backendOf({ EMAIL_HOST: "mail" }), backendOf({}), backendOf({ NODE_ENV: "production" })],
      ["smtp", "capture", "missing"],
    );
    assert.equal(backendOf({ NODE_ENV: "production", EMAIL_BACKEND: "off" }), "off");
  });
});
