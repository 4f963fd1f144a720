import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "./config.ts";
import type { Context } from "./core/context.ts";
import { DatabaseUnreachable } from "./platform/database/dialect.ts";
import { defineError, Unavailable } from "./platform/http/errors.ts";
import type { Environment } from "./platform/settings.ts";
import { sentence } from "./platform/texts.ts";
import { createRequestReader } from "./requests.ts";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function createReader(environment: Environment = {}) {
  const { config, problems } = loadConfig({ NODE_ENV: "test", ...environment });
  assert.deepEqual(problems, []);
  const lines: Line[] = [];
  const system = {
    config,
    now: () => new Date("2026-11-24T12:00:00Z"),
    randomBytes: (size: number) => new Uint8Array(size).fill(7),
    log: (level: string, message: string, fields = {}) => lines.push({ level, message, fields }),
  } as unknown as Context;
  const reader = createRequestReader(system);
  const describeOne = (headers: Record<string, string> = {}, socket = "203.0.113.9", path = "/api/x/") =>
    reader.describe(new Request(`http://localhost${path}`, { headers }), socket);
  const logged = (path: string, status = 200, bug?: unknown) => {
    reader.finished(describeOne({}, "203.0.113.9", path), status, bug);
    return lines.at(-1) ?? assert.fail();
  };
  return { ...reader, config, system, describeOne, logged, lines };
}

describe("who is calling", () => {
  it("is told by no header at all unless a proxy is trusted", () => {
    const { describeOne } = createReader();
    for (const name of [
      ...["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"],
      ...[
        "X-Cluster-Client-IP",
        "Fastly-Client-IP",
        "X_Forwarded_For",
        "X-Original-Forwarded-For",
        "X-Remote-Addr",
      ],
    ]) {
      for (const value of ["1.2.3.4", "1.2.3.4, 5.6.7.8", "for=1.2.3.4", "127.0.0.1", "garbage"]) {
        assert.equal(describeOne({ [name]: value }).address, "203.0.113.9", `${name}: ${value}`);
      }
    }
  });

  it("is told by X-Forwarded-For alone when the proxy is", () => {
    const { describeOne } = createReader({ TRUSTED_PROXIES: "203.0.113.9" });
    const others = { Forwarded: "for=6.6.6.6", "X-Real-IP": "6.6.6.6", "CF-Connecting-IP": "6.6.6.6" };
    assert.equal(describeOne({ ...others, "X-Forwarded-For": "9.9.9.9, 1.2.3.4" }).address, "1.2.3.4");
    assert.equal(describeOne(others).address, "203.0.113.9");
    assert.equal(describeOne({ "X-Forwarded-For": "1.2.3.4" }, "203.0.113.10").address, "203.0.113.10");
  });

  it("is the same in every spelling of the socket's address", () => {
    const { describeOne } = createReader();
    for (const socket of ["::ffff:203.0.113.9", "::FFFF:cb00:7109", "203.0.113.9"]) {
      assert.equal(describeOne({}, socket).address, "203.0.113.9");
    }
    assert.equal(describeOne({}, "2001:DB8::1%eth0").address, "2001:db8::1");
  });

  it("is asked about once when an untrusted proxy seems to stand before us", () => {
    const { describeOne, lines } = createReader();
    describeOne({ "X-Forwarded-For": "1.2.3.4" }, "10.0.0.7");
    describeOne({ "X-Forwarded-For": "1.2.3.5" }, "10.0.0.8");
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.fix]),
      [["warn", "TRUSTED_PROXIES=10.0.0.7/32"]],
    );
    assert.doesNotMatch(JSON.stringify(lines), /1\.2\.3/);
  });
});

describe("a page of another origin that may not read the answers", () => {
  const call = (environment: Environment, headers: Record<string, string>, path?: string) => {
    const { describeOne, lines } = createReader(environment);
    describeOne(headers, undefined, path);
    return lines.map(({ level, fields }) => [level, fields.fix]);
  };

  it("is named once in development, with the setting that lets it", () => {
    const { describeOne, lines } = createReader({ CORS_ALLOWED_ORIGINS: "https://one.test" });
    for (const origin of ["https://app.test:5173", "https://one.test", "https://app.test:5173"])
      describeOne({ origin });
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.fix]),
      [["warn", "CORS_ALLOWED_ORIGINS=https://one.test,https://app.test:5173"]],
    );
    describeOne({ origin: "capacitor://localhost" });
    assert.match(String(lines.at(-1)?.fields.fix), /,capacitor:\/\/localhost$/);
    for (let n = 0; n < 50; n += 1) describeOne({ origin: `https://${n}.test` });
    assert.equal(lines.length, 10);
  });

  it("is not what asks from here, or for our pages, or is no page at all", () => {
    const development = { PUBLIC_URL: "https://auth.test" };
    for (const origin of ["http://localhost", "https://auth.test", "http://localhost:5173", "null", "x,y"])
      assert.deepEqual(call(development, { origin }), [], origin);
    assert.deepEqual(call(development, { origin: "https://app.test" }, "/_/mailbox/"), []);
  });

  it("is passed over in production, where strangers choose what it says", () => {
    assert.deepEqual(call({ NODE_ENV: "production" }, { origin: "https://app.test" }), []);
  });
});

describe("a request's id", () => {
  it("is the caller's own when it is harmless, else a new one", () => {
    const { describeOne } = createReader();
    assert.equal(describeOne({ "x-request-id": "trace-1.2_3" }).id, "trace-1.2_3");
    const fresh = "07070707-0707-4707-8707-070707070707";
    for (const id of ["", "a b", "x".repeat(65), "a\tb", "<script>", "a,b", "é", "../x", "%0a", "{}", '"']) {
      assert.equal(describeOne({ "x-request-id": id }).id, fresh, id);
    }
    assert.equal(describeOne({}).id, fresh);
  });
});

describe("what is known of a request", () => {
  it("is bounded, however long its headers are", () => {
    const { describeOne } = createReader();
    const info = describeOne({
      "user-agent": "x".repeat(100_000),
      "accept-language": `${"fr,".repeat(50_000)}pt`,
      "x-forwarded-for": "1.2.3.4,".repeat(20_000),
    });
    assert.deepEqual([info.userAgent.length, info.language], [300, "en"]);
  });

  it("has no half of a character where it was cut", () => {
    const { describe: read } = createReader();
    const request = new Request("http://localhost/");
    // No client can send this as it stands; a framework that embeds us may hand it on.
    Object.defineProperty(request, "headers", { value: new Map([["user-agent", `${"x".repeat(299)}😀`]]) });
    assert.ok(read(request, "").userAgent.isWellFormed());
  });
});

describe("the log of a request", () => {
  const token = "0b57f3a6-5c1e-4d0e-9b1a-2f6f3c2b7a10";

  it("has no token of a mailed link, however the path is spelt", () => {
    const { logged } = createReader();
    for (const path of [
      ...[
        `/verify-email/${token}/`,
        `/reset-password/${token}`,
        `/api/auth/verify-email/${token}/`,
        `/_/x/${token}`,
      ],
      ...[
        `/%76erify-email/${token}/`,
        `/api/auth/verify-email//${token}/`,
        `/VERIFY-EMAIL/${token}/`,
        `/x${token}y`,
      ],
      ...[`/verify-email/${token.replaceAll("-", "%2d")}/`, `/verify-email/${token.replaceAll("-", "")}/`],
      ...[
        `/reset-password/${token.toUpperCase()}/`,
        `/verify-email/resend${token}/`,
        `/verify-email/%zz/${token}`,
      ],
    ]) {
      const line = JSON.stringify(logged(path));
      assert.doesNotMatch(line.replaceAll(/%2d|-/gi, ""), new RegExp(token.replaceAll("-", ""), "i"), path);
    }
    assert.equal(logged("/%76erify-email/not-a-uuid-but-a-secret/").fields.path, "/verify-email/…/");
    assert.equal(logged("/verify-email/not-a-uuid-but-a-secret/").fields.path, "/verify-email/…/");
    assert.equal(logged("/api/auth/verify-email/resend/").fields.path, "/api/auth/verify-email/resend/");
  });

  it("has no access token that somebody put into a path", () => {
    const { logged } = createReader();
    for (const path of [
      "/api/auth/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln/x",
      "/x=%65yJhbGciOiJIUzI1NiJ9.e30.",
    ]) {
      assert.doesNotMatch(JSON.stringify(logged(path)), /eyJ|c2ln/, path);
    }
  });

  it("has no query, which may hold what a page was asked with", () => {
    const { logged } = createReader();
    assert.doesNotMatch(JSON.stringify(logged("/api/x/?email=ada@example.org&token=hunter2")), /ada|hunter2/);
  });

  it("has a path of 500 characters at the most, well formed", () => {
    const { logged } = createReader();
    const path = String(logged(`/${"%F0%9F%98%80".repeat(2000)}`).fields.path);
    assert.ok(path.length <= 500 && path.isWellFormed());
  });

  it("tells in one short line why a call was refused, by the name of what stood in its way", () => {
    const { logged } = createReader();
    class Full extends defineError(503, "full", sentence("It is full.", "Está cheio.")) {}
    const why = (error: unknown) => {
      const { level, message, fields } = logged("/api/x/", 503, error);
      assert.deepEqual([level, message], ["warn", "request refused"]);
      return fields.error;
    };
    assert.equal(why(new Full()), "Full: It is full.");
    const away = new DatabaseUnreachable(new Error("socket"), "PostgreSQL at db:5432 cannot be reached.");
    assert.equal(why(away), "DatabaseUnreachable: PostgreSQL at db:5432 cannot be reached.");
    assert.equal(
      why(new Unavailable({ cause: away })),
      "Unavailable: The service is busy. Please try again. <- DatabaseUnreachable: PostgreSQL at db:5432 cannot be reached.",
    );
    const bug = logged("/api/x/", 500, new TypeError("x is undefined"));
    assert.equal(bug.level, "error");
    assert.match(String(bug.fields.error), /^TypeError: x is undefined\n +at /);
  });

  it("tells what happened under the id that the caller was given, a bug with its cause", () => {
    const { logged } = createReader();
    assert.deepEqual(logged("/api/x/", 404), {
      level: "info",
      message: "request",
      fields: {
        ref: "07070707-0707-4707-8707-070707070707",
        method: "GET",
        path: "/api/x/",
        status: 404,
        ms: 0,
      },
    });
    const line = logged("/api/x/", 500, new Error("outer", { cause: new Error("inner") }));
    assert.deepEqual(
      [line.level, line.message, line.fields.ref],
      ["error", "request failed", line.fields.ref],
    );
    assert.match(String(line.fields.error), /outer[\s\S]*<- Error: inner/);
  });
});

describe("other origins", () => {
  const loopback = [
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://127.0.0.2",
    "http://[::1]:8080",
    "http://localhost",
  ];

  it("are those of the settings and of the front end, to the letter", () => {
    const { allows } = createReader({
      NODE_ENV: "production",
      CORS_ALLOWED_ORIGINS: "https://app.example.com, https://other.example.com:8443",
      FRONTEND_URL: "https://www.example.com/accounts",
    }).crossOrigin;
    for (const origin of [
      "https://app.example.com",
      "https://other.example.com:8443",
      "https://www.example.com",
    ]) {
      assert.ok(allows(origin), origin);
    }
    for (const origin of [
      ...[
        "http://app.example.com",
        "https://app.example.com:443",
        "https://other.example.com",
        "https://example.com",
      ],
      ...[
        "https://www.example.com/accounts",
        "https://app.example.com.",
        "HTTPS://app.example.com",
        "null",
        "*",
        "",
      ],
      ...["https://app.example.com.evil.example", "https://evil-app.example.com", ...loopback],
    ]) {
      assert.ok(!allows(origin), origin);
    }
  });

  it("may be those of applications, to the letter, and never null", () => {
    const listed = ["capacitor://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"];
    const { allows } = createReader({
      ...{ NODE_ENV: "production", CORS_ALLOWED_ORIGINS: listed.join() },
    }).crossOrigin;
    for (const origin of listed) assert.ok(allows(origin), origin);
    for (const origin of [
      ...["capacitor://localhost:1", "capacitor://localhost.evil.example", "ionic://localhost", "null"],
      ...["chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba", "CAPACITOR://localhost", "capacitor://"],
      ...["http://localhost", "https://localhost", "capacitor://localhost/"],
    ])
      assert.ok(!allows(origin), origin);
  });

  it("are never null, whatever a setting is made of", () => {
    const reader = createReader();
    const config = {
      ...reader.config,
      corsAllowedOrigins: ["null", "*"],
      frontendUrl: "com.example.app://open",
    };
    const { allows } = createRequestReader({ ...reader.system, config }).crossOrigin;
    for (const origin of ["null", "*", "https://evil.example"]) assert.ok(!allows(origin), origin);
  });

  it("on loopback are let in while developing, over http alone", () => {
    const { allows } = createReader({ NODE_ENV: "development" }).crossOrigin;
    for (const origin of loopback) assert.ok(allows(origin), origin);
    for (const origin of [
      ...[
        "https://localhost:5173",
        "http://localhost.evil.example",
        "http://localhost:5173/",
        "http://localhost:",
        "null",
      ],
      ...[
        "http://localhost:5173@evil.example",
        "http://127.0.0.1.evil.example",
        "http://192.168.1.2",
        "http://evil.localhost",
      ],
      ...["http://localhost:x", "http://127.1", "xhttp://localhost", "http://localhost\n", "*", ""],
    ]) {
      assert.ok(!allows(origin), origin);
    }
  });
});
