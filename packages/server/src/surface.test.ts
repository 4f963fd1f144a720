import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { captureMail } from "./core/mail/captured.ts";
import { standardFeatures } from "./features.ts";
import { type TestAuth, testAuth } from "./testing/test-auth.ts";

const local = { host: "localhost:8000", accept: "text/html" };

const pagePaths = standardFeatures.flatMap((one) =>
  "pages" in one ? one.pages.map(({ path }) => path) : [],
);
const mailFrame = "/_/mailbox/:id/html/";

/** Sends what waits, and puts one of it into the mailbox, as in development; its id there. */
async function keepMail(t: TestAuth): Promise<string> {
  const [mail] = await t.mailbox();
  assert.ok(mail);
  await captureMail(t.ctx, mail.mail, mail);
  return String((await t.rows("captured_mails"))[0]?.id);
}

/** A policy by its directives. */
const readPolicy = (policy: string | null) =>
  new Map(
    (policy ?? "").split("; ").map((one) => [one.split(" ")[0] ?? "", one.split(" ").slice(1).join(" ")]),
  );

describe("every page", () => {
  for (const path of pagePaths) {
    it(`is guarded by its headers, and asks no other address for anything: ${path}`, async () => {
      await using t = await testAuth({ environment: { PUBLIC_URL: "https://localhost:8000" } });
      const { email } = await t.person();
      const verification = await t.linkToken("verify-email", email);
      await t.auth.passwordReset.request(email);
      const reset = await t.linkToken("reset-password", email);
      const token = path.startsWith("/verify-email/") ? verification : reset;
      const address = path.replace(":id", await keepMail(t)).replace(":token", token);
      const { status, headers, text } = await t.http.get(address, { headers: local });
      assert.equal(status, 200);
      const policy = readPolicy(headers.get("content-security-policy"));
      const isFrame = path === mailFrame;
      assert.equal(policy.get("default-src"), "'none'");
      assert.equal(policy.get("base-uri"), "'none'");
      assert.equal(policy.get("form-action"), isFrame ? "'none'" : "'self'");
      assert.equal(policy.get("frame-ancestors"), isFrame ? "'self'" : "'none'");
      // A mail brings its own styles, and may therefore do nothing else.
      if (isFrame) assert.equal(policy.get("sandbox"), "allow-popups allow-popups-to-escape-sandbox");
      else assert.match(policy.get("style-src") ?? "", /^'sha256-[\w+/]{43}='$/);
      assert.match(policy.get("script-src") ?? "'none'", /^(?:'none'|'sha256-[\w+/]{43}=')$/);
      for (const source of policy.values())
        assert.doesNotMatch(source, /\*|https?:|unsafe-eval|strict-dynamic/);
      const expected = {
        ...{
          "content-type": "text/html; charset=utf-8",
          "cache-control": "no-store",
          "referrer-policy": "no-referrer",
        },
        ...{
          "x-frame-options": isFrame ? "SAMEORIGIN" : "DENY",
          "cross-origin-opener-policy": "same-origin",
        },
        ...{ "cross-origin-resource-policy": "same-origin", "x-content-type-options": "nosniff" },
        "strict-transport-security": "max-age=31536000",
        "access-control-allow-origin": null,
      };
      for (const [name, value] of Object.entries(expected)) assert.equal(headers.get(name), value, name);
      assert.match(headers.get("permissions-policy") ?? "", /camera=\(\)/);
      assert.doesNotMatch(text, /\s(?:src|action|srcset|data|poster)=["']?(?:https?:)?\/\//i);
      assert.doesNotMatch(text, /\son\w+=|javascript:|@import|<(?:script|link|iframe)[^>]*\/\/\w/i);
    });
  }
});

describe("an answer over https", () => {
  it("speaks for the subdomains only where the operator says so, and over http for nobody", async () => {
    for (const [environment, expected] of [
      [{ PUBLIC_URL: "http://auth.example.com", SECURE_HSTS_INCLUDE_SUBDOMAINS: "on" }, null],
      [{ PUBLIC_URL: "https://auth.example.com" }, "max-age=31536000"],
      [
        { PUBLIC_URL: "https://auth.example.com", SECURE_HSTS_INCLUDE_SUBDOMAINS: "on" },
        "max-age=31536000; includeSubDomains",
      ],
    ] as const) {
      await using t = await testAuth({ environment });
      for (const path of ["/_/health/", "/api/auth/profile/", "/nothing"]) {
        const { headers } = await t.http.get(path);
        assert.equal(headers.get("strict-transport-security"), expected, path);
      }
    }
  });
});

describe("GET, HEAD and OPTIONS", () => {
  it("change nothing, wherever they are sent, with whatever rights and live tokens", async () => {
    await using t = await testAuth({
      environment: { RATE_LIMITS: "off" },
      fields: { preferences: { type: "json", default: null } },
    });
    const ada = await t.person();
    const { access } = await ada.signIn();
    await ada.signIn();
    const eve = await t.person({ verified: false });
    await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
    const mail = await keepMail(t);
    const session = String((await t.rows("sessions"))[0]?.id);
    const verify = await t.linkToken("verify-email", eve.email);
    const reset = await t.linkToken("reset-password", ada.email);
    const paths = new Set([...t.ctx.additions.endpoints.map(({ path }) => path), ...pagePaths]);
    const before = await t.snapshot();
    let answered = 0;
    for (const parts of [
      { token: verify, id: session },
      { token: reset, id: mail },
    ]) {
      for (const path of paths) {
        const address = path.replace(":token", parts.token).replace(":id", parts.id);
        for (const method of ["GET", "HEAD", "OPTIONS"]) {
          const headers = { ...local, authorization: `Bearer ${access}`, "x-http-method-override": "DELETE" };
          const request = new Request(`http://localhost:8000${address}?_method=DELETE`, { method, headers });
          const { status } = await t.http.send(request);
          if (status === 200) answered += 1;
        }
      }
    }
    assert.ok(answered > 30, String(answered));
    assert.deepEqual(await t.snapshot(), before);
  });
});

describe("an address of the API that only looks like a file", () => {
  it("is none, so that no cache keeps what belongs to one person", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    for (const tail of [
      "/x.css",
      ";.js",
      "/;.js",
      "%0a.css",
      ".css",
      "%3f.css",
      "/..%2fx.css",
      "%23.png",
      "/index.html",
    ]) {
      const answer = await t.http.get(`/api/auth/profile${tail}`, { token: access });
      assert.deepEqual([answer.status, answer.headers.get("cache-control")], [404, "no-store"], tail);
    }
  });
});
