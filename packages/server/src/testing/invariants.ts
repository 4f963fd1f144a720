/** What must hold of every answer in every test, whatever the test is about. */

import assert from "node:assert/strict";

const leaks = [
  /\bat .+\(.+:\d+:\d+\)/, // a stack frame
  /node_modules|SQLITE_|ECONN|syntax error at or near/,
  /\/home\/|\/usr\/|\/work\/|file:\/\//,
  /\$argon2|\$2[aby]\$|pbkdf2_|\$scrypt|bcrypt_sha256/, // a password hash
  /password_hash|secret_key|"[dpq]":|"d[pq]":|"qi":/i,
];

export interface Sent {
  readonly method: string;
  readonly path: string;
  /** Passwords of the request: never in the answer. */
  readonly secrets: readonly string[];
  /** Whether the test made something fail, so that a 5xx is right. */
  readonly hasFault: boolean;
}

export function checkAnswer(sent: Sent, answer: Response, text: string): void {
  const { status, headers } = answer;
  const about = `${sent.method} ${sent.path} → ${status} ${text.slice(0, 300)}`;
  if (!sent.hasFault) assert.ok(status < 500, `a server error: ${about}`);
  for (const leak of leaks) assert.doesNotMatch(text, leak, about);
  for (const secret of sent.secrets) {
    if (secret.length >= 8)
      assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), `a password is echoed: ${about}`);
  }
  assert.equal(headers.get("x-content-type-options"), "nosniff", about);
  assert.ok(headers.get("x-request-id"), about);
  for (const banner of ["server", "x-powered-by"]) assert.equal(headers.get(banner), null, about);
  if (sent.path.startsWith("/api/auth/")) assert.equal(headers.get("cache-control"), "no-store", about);
  if (status === 401) assert.ok(headers.get("www-authenticate"), about);
  if (status === 405) assert.ok(headers.get("allow"), about);
  if (status === 429) assert.match(headers.get("retry-after") ?? "", /^\d+$/, about);
  assert.notEqual(headers.get("access-control-allow-origin"), "*", about);
  assert.match(
    headers.get("content-security-policy") ?? "",
    /^default-src 'none'; .*frame-ancestors '/,
    about,
  );
  assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", about);
  for (const cookie of headers.getSetCookie()) {
    assert.match(cookie, /; HttpOnly/, about);
    assert.match(cookie, /; SameSite=Lax/, about);
    assert.ok(cookie.length < 4096, about);
  }
  checkBody(sent, answer, text, about);
}

function checkBody(sent: Sent, { status, headers }: Response, text: string, about: string): void {
  const type = headers.get("content-type") ?? "";
  if (sent.method === "HEAD" || status === 204) return assert.equal(text, "", about);
  // A browser that opens the API's root is shown where it is described; everything else there is for programs.
  const isRoot = sent.path.replace(/\/$/, "") === "/api/auth" && status === 200;
  if (sent.path.startsWith("/api/") && !isRoot)
    assert.match(type, /^application\/(?:problem\+)?json$/, about);
  if (!type.includes("json")) return assert.equal(type, "text/html; charset=utf-8", about);
  const body: unknown = JSON.parse(text);
  if (status < 400) return undefined;
  assert.ok(body && typeof body === "object" && !Array.isArray(body), about);
  const isDetail = typeof (body as { detail?: unknown }).detail === "string";
  const isFields = Object.values(body).every(
    (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  );
  assert.ok(isDetail || isFields, `not an error body: ${about}`);
}

/** What no log line may hold. */
export function checkLog(lines: readonly string[], secrets: Iterable<string>): void {
  const log = lines.join("\n");
  const leaked = lines.find((line) => /\$argon2|eyJhbGciOi/.test(line));
  assert.equal(leaked, undefined, "a hash or token is in the log");
  for (const secret of secrets) {
    if (secret.length >= 6)
      assert.ok(!log.includes(secret), `a secret is in the log: ${secret.slice(0, 3)}…`);
  }
  for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), `not one line of JSON: ${line}`);
}
