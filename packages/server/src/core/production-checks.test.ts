import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { loadConfig } from "../config.ts";
import type { Environment } from "../platform/settings.ts";
import { findAllowedProblems, findDevelopmentWarnings, findProductionProblems } from "./production-checks.ts";

const good: Environment = {
  NODE_ENV: "production",
  PUBLIC_URL: "https://auth.example.com",
  SECRET_KEY: makeSecret("one"),
  EMAIL_HOST: "smtp.example.com",
  DEFAULT_FROM_EMAIL: "Example <noreply@example.com>",
};

const otherSecret = makeSecret("other");

/** Worked out, since a secret that is written down here is one that everybody knows. */
function makeSecret(name: string): string {
  return createHash("sha256").update(`the secret ${name}`).digest("base64url");
}

function configOf(environment: Environment) {
  const { config, problems } = loadConfig(environment);
  assert.deepEqual(problems, []);
  return config;
}

const problemsOf = (changes: Environment) => findProductionProblems(configOf({ ...good, ...changes }));
const saidOf = (changes: Environment) => problemsOf(changes).map(({ problem }) => problem);

describe("a server in production", () => {
  it("starts when nothing is wrong", () => {
    assert.deepEqual(problemsOf({}), []);
    assert.deepEqual(
      problemsOf({ SECRET_KEY_FALLBACKS: otherSecret, FRONTEND_URL: "https://app.example.com" }),
      [],
    );
  });

  it("says all that is missing at once, each with a reason and a fix", () => {
    const problems = findProductionProblems(configOf({ NODE_ENV: "production", RATE_LIMITS: "off" }));
    assert.deepEqual(
      problems.map(({ problem }) => problem),
      [
        ...["PUBLIC_URL is missing", "SECRET_KEY is missing", "no mail server is named"],
        ...["DEFAULT_FROM_EMAIL is still noreply@localhost", "RATE_LIMITS is off"],
      ],
    );
    for (const { because, fixes } of problems) assert.ok(because.length > 10 && fixes.length > 0);
  });

  it("needs an address that was said, even when the one worked out would do", () => {
    assert.deepEqual(saidOf({ PUBLIC_URL: "" }), ["PUBLIC_URL is missing"]);
  });

  it("is reached over https, unless from the machine itself", () => {
    for (const address of [
      ...[
        "http://auth.example.com",
        "http://10.0.0.5:8000",
        "http://localhost.example.com",
        "http://127.0.0.1.nip.io",
      ],
      ...["http://[::2]", "http://0.0.0.0:8000", "http://example.com/localhost"],
    ]) {
      assert.deepEqual(saidOf({ PUBLIC_URL: address }), [`PUBLIC_URL is ${address}`]);
      assert.deepEqual(saidOf({ FRONTEND_URL: address }), [`FRONTEND_URL is ${address}`]);
    }
    for (const address of [
      "http://localhost:8000",
      "http://127.0.0.1",
      "http://[::1]:8000",
      "http://auth.localhost",
    ]) {
      assert.deepEqual(saidOf({ PUBLIC_URL: address, FRONTEND_URL: address }), [], address);
    }
    assert.deepEqual(problemsOf({ PUBLIC_URL: "http://auth.example.com" })[0]?.fixes, [
      "PUBLIC_URL=https://auth.example.com (TLS may end at your proxy)",
    ]);
  });

  it("has a secret key that nobody knows or guesses", () => {
    assert.deepEqual(saidOf({ SECRET_KEY: "" }), ["SECRET_KEY is missing"]);
    assert.match(saidOf({ SECRET_KEY: "only-12-byte" })[0] ?? "", /^SECRET_KEY has 12 bytes/);
    assert.match(saidOf({ SECRET_KEY: "ab".repeat(20) })[0] ?? "", /^SECRET_KEY has fewer than 8/);
    assert.match(
      saidOf({ SECRET_KEY: "this_is_not_secure_generate_a_password" })[0] ?? "",
      /^SECRET_KEY is a published/,
    );
  });

  it("trusts no earlier secret that somebody else may know", () => {
    const said = saidOf({
      SECRET_KEY_FALLBACKS: `${otherSecret},this_is_not_secure_generate_a_password,short`,
    });
    assert.deepEqual(said, [
      "SECRET_KEY_FALLBACKS, value 2, is a published one, which attackers try first",
      "SECRET_KEY_FALLBACKS, value 3, has 5 bytes, and needs at least 32 random ones",
    ]);
  });

  it("never shows a secret", () => {
    const weak = "this_is_not_secure_generate_a_password";
    assert.doesNotMatch(
      JSON.stringify(problemsOf({ SECRET_KEY: weak, SECRET_KEY_FALLBACKS: weak })),
      /not_secure/,
    );
  });

  it("sends mail, or says on purpose that it does not", () => {
    assert.deepEqual(saidOf({ EMAIL_HOST: "" }), ["no mail server is named"]);
    assert.deepEqual(saidOf({ EMAIL_HOST: "", EMAIL_BACKEND: "smtp" }), ["no mail server is named"]);
    assert.deepEqual(saidOf({ EMAIL_HOST: "", EMAIL_BACKEND: "off", DEFAULT_FROM_EMAIL: "" }), []);
  });

  it("keeps no mail where it could be read", () => {
    assert.deepEqual(saidOf({ EMAIL_BACKEND: "capture" }), ["EMAIL_BACKEND is capture"]);
    assert.deepEqual(saidOf({ EMAIL_BACKEND: "both" }), ["EMAIL_BACKEND is both"]);
  });

  it("sends the password of the mail server over TLS, to this machine, or in clear text on purpose", () => {
    const problem = ["EMAIL_HOST_USER is set without TLS"];
    const login = { EMAIL_HOST_USER: "mailer", EMAIL_HOST_PASSWORD: "a-password-of-a-mail-server" };
    assert.deepEqual(saidOf(login), problem);
    for (const host of ["mail", "10.0.0.5", "127.0.0.1.example.com", "localhost.example.com"])
      assert.deepEqual(saidOf({ ...login, EMAIL_HOST: host }), problem, host);
    for (const host of ["localhost", "LOCALHOST", "mail.localhost", "127.0.0.1", "127.1.2.3", "::1"])
      assert.deepEqual(saidOf({ ...login, EMAIL_HOST: host }), [], host);
    for (const safe of [{ EMAIL_USE_TLS: "on" }, { EMAIL_USE_SSL: "on" }, { ALLOW_INSECURE: "mail" }])
      assert.deepEqual(saidOf({ ...login, ...safe }), []);
    assert.deepEqual(saidOf({}), [], "nothing to be read on the way");
    const allowed = findAllowedProblems(configOf({ ...good, ...login, ALLOW_INSECURE: "mail" }));
    assert.deepEqual(
      allowed.map(({ problem }) => problem),
      problem,
      "it is still worth a warning",
    );
    assert.deepEqual(findAllowedProblems(configOf({ ...good, ALLOW_INSECURE: "mail" })), []);
  });

  it("sends mail under a name of its own", () => {
    assert.deepEqual(saidOf({ DEFAULT_FROM_EMAIL: "" }), ["DEFAULT_FROM_EMAIL is still noreply@localhost"]);
  });

  it("makes a stolen hash as dear to guess as OWASP asks for at least, by memory or by passes", () => {
    for (const dear of [
      "19456,2,1",
      "19456,2,4",
      "47104,1,1",
      "12288,3,1",
      "9216,4,1",
      "7168,5,1",
      "65536,3,2",
    ])
      assert.deepEqual(saidOf({ ARGON2: dear }), [], dear);
    for (const cheap of ["8,1,1", "19455,2,1", "19456,1,1", "47103,1,1", "12287,3,1", "7167,10,1", "64,5,4"])
      assert.deepEqual(saidOf({ ARGON2: cheap }), [`ARGON2 is ${cheap}`], cheap);
  });

  it("keeps its limits", () => {
    assert.deepEqual(saidOf({ RATE_LIMITS: "off" }), ["RATE_LIMITS is off"]);
  });
});

describe("a server in development", () => {
  it("is warned of a weak secret that it was given, and of nothing else", () => {
    assert.deepEqual(findDevelopmentWarnings(configOf({})), []);
    assert.deepEqual(findDevelopmentWarnings(configOf({ SECRET_KEY: otherSecret })), []);
    const [warning, ...more] = findDevelopmentWarnings(configOf({ SECRET_KEY: "changeme" }));
    assert.match(warning?.problem ?? "", /^SECRET_KEY has 8 bytes/);
    assert.deepEqual(more, []);
  });
});
