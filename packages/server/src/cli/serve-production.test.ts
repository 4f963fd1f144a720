import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import PostalMime from "postal-mime";
import { openWire } from "../platform/http/wire.testing.ts";
import { type Box, openBox, type RunningServer } from "../testing/command-line.ts";
import { startSmtpServer, type TestSmtpServer } from "../testing/smtp-server.ts";

const ada = {
  email: "ada@example.org",
  password: "Blue-Harbour-71",
  next: "Green-Meadow-52",
  last: "Red-Lantern-93",
};

const settings = {
  SECRET_KEY: randomBytes(32).toString("base64url"),
  SECRET_KEY_FALLBACKS: randomBytes(32).toString("base64url"),
  EMAIL_HOST_PASSWORD: randomBytes(16).toString("hex"),
};

/** A server as an operator runs it: no convenience of development, everything logged. */
async function serveProduction(box: Box, smtp: TestSmtpServer): Promise<RunningServer> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  const env = {
    ...{
      NODE_ENV: "production",
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      LOG_LEVEL: "debug",
      SHUTDOWN_DELAY: "0s",
      ARGON2: "",
      ...settings,
    },
    ...{ EMAIL_HOST: smtp.host, EMAIL_PORT: String(smtp.port), EMAIL_HOST_USER: "mailer" },
    DEFAULT_FROM_EMAIL: "noreply@example.org",
  };
  return box.serve(["--port", String(port)], { env });
}

/** The newest mail to her that matches: its link's token, and its code. */
async function readMail(smtp: TestSmtpServer, link: string, seen: Set<string>) {
  for (let n = 0; n < 1000; n += 1) {
    for (const { raw } of smtp.mailFor(ada.email)) {
      const { text = "" } = await PostalMime.parse(raw);
      const token = new RegExp(`/${link}/([0-9a-f-]{36})/`).exec(text)?.[1];
      if (!token || seen.has(token)) continue;
      seen.add(token);
      const code = /\b(\d{3}) ?(\d{3})\b/.exec(text);
      if (code) seen.add(`${code[1]}${code[2]}`).add(`${code[1]} ${code[2]}`);
      return token;
    }
    await pause(10);
  }
  return assert.fail(`no mail with /${link}/`);
}

interface Answered {
  readonly status: number;
  readonly body: { readonly access: string; readonly refresh: string };
}

/** Goes through everything that a person does with a secret; gives every secret that was shown or sent. */
async function liveThere(server: RunningServer, smtp: TestSmtpServer): Promise<Set<string>> {
  const secrets = new Set([ada.password, ada.next, ada.last, "Wrong-Compass-14"]);
  const send = async (method: string, path: string, body?: unknown, access?: string): Promise<Answered> => {
    const answer = await fetch(new URL(path, server.url), {
      method,
      headers: { "content-type": "application/json", ...(access && { authorization: `Bearer ${access}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const token of answer.headers.get("device-token")?.split("~") ?? []) secrets.add(token);
    const text = await answer.text();
    // Of a token, its signature: the rest is no secret.
    for (const [, signature = ""] of text.matchAll(/eyJ[\w-]+\.[\w-]+\.([\w-]{20,})/g))
      secrets.add(signature);
    return { status: answer.status, body: JSON.parse(text || "{}") };
  };
  const post = (path: string, body: unknown, access?: string) =>
    send("POST", `/api/auth/${path}`, body, access);
  const expect = async (status: number, answer: Promise<Answered>) => {
    const { body, ...answered } = await answer;
    assert.equal(answered.status, status, JSON.stringify(body));
    return body;
  };
  const login = (password: string) => post("login/", { email: ada.email, password });
  const names = { username: "ada", first_name: "", last_name: "" };
  await expect(
    201,
    post("register/", { ...names, email: ada.email, password: ada.password, password2: ada.password }),
  );
  const link = await readMail(smtp, "verify-email", secrets);
  await expect(200, send("GET", `/api/auth/verify-email/${link}/?again=${link}`));
  await expect(400, login("Wrong-Compass-14"));
  // An address typed into the wrong field, and a password in place of the address.
  await expect(400, post("login/", { email: ada.password, password: ada.email }));
  const first = await expect(200, login(ada.password));
  const second = await expect(200, post("token/refresh/", { refresh: first.refresh }));
  await expect(200, post("token/verify/", { token: second.access }));
  await send("GET", `/api/auth/profile/${second.access}?token=${second.access}`, undefined, second.access);
  await send("GET", `/api/auth/profile/`, undefined, `${second.access}x`);
  await expect(
    200,
    post(
      "password/change/",
      { current_password: ada.password, new_password: ada.next, new_password_confirm: ada.next },
      second.access,
    ),
  );
  await expect(200, post("password/reset/request/", { email: ada.email }));
  const reset = await readMail(smtp, "reset-password", secrets);
  await expect(
    200,
    post("password/reset/confirm/", { token: reset, new_password: ada.last, new_password_confirm: ada.last }),
  );
  await expect(200, login(ada.last));
  return secrets;
}

/** All bytes below a folder: the database, its journal, whatever else is kept there. */
async function readAll(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file)] as const)));
}

describe("a server in production", () => {
  it("keeps no secret in a log line or a file, while it runs and after", async () => {
    await using box = await openBox();
    const account = { user: "mailer", password: settings.EMAIL_HOST_PASSWORD };
    await using smtp = await startSmtpServer({ account });
    const server = await serveProduction(box, smtp);
    const secrets = [...(await liveThere(server, smtp)), ...Object.values(settings)];
    assert.ok(secrets.length > 15, String(secrets.length));
    const running = await readAll(box.folder);
    assert.ok([...running.keys()].some((file) => file.endsWith("auth.db-wal")));
    assert.deepEqual(await server.stop(), [0, null]);
    const places = [
      ...running,
      ...(await readAll(box.folder)),
      ["the log", Buffer.from(`${server.lines.join("\n")}${server.err()}`)] as const,
    ];
    for (const [place, bytes] of places)
      for (const secret of secrets)
        assert.ok(!bytes.includes(secret), `${secret.slice(0, 3)}… is in ${place}`);
    for (const line of server.lines) assert.doesNotThrow(() => JSON.parse(line), line);
    assert.ok(server.lines.length > 20);
  });

  it("stays in step whatever bytes come, and nobody slips a call in behind another's", async () => {
    await using box = await openBox();
    await using smtp = await startSmtpServer();
    const server = await serveProduction(box, smtp);
    const port = Number(new URL(server.url).port);
    const body = JSON.stringify({ email: ada.email, password: ada.password });
    const call = (path: string, headers: string, text = "") =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}\r\n${text}`;
    const login = call("/api/auth/login/", `Content-Length: ${body.length}\r\n`, body);
    const health = "GET /_/health/ HTTP/1.1\r\nHost: x\r\n\r\n";
    const chunked = "Transfer-Encoding: chunked\r\n";
    const nested = `{"email":${"[".repeat(30_000)}`;
    const last = health.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    // What is sent before a last call, and the answers that come: the last one's too, unless the connection is over.
    const exchanges: [string, string, number[]][] = [
      ["two lengths", call("/api/auth/login/", "Content-Length: 0\r\nContent-Length: 9\r\n", login), [400]],
      ["a length and chunks", call("/api/auth/login/", `Content-Length: 0\r\n${chunked}`, login), [400]],
      ["chunks, then more", call("/api/nothing/", chunked, `0\r\n\r\n${health}`), [404, 200, 200]],
      [
        "a body that nobody reads",
        call("/_/health/", `Content-Length: ${login.length}\r\n`, login),
        [405, 200],
      ],
      ["a call of a whole address", login.replace(" /api", " http://other.example/api"), [400, 200]],
      ["a head of 20 KiB", login.replace("Host: x", `Host: x\r\nCookie: ${"y".repeat(20_000)}`), [431]],
      ["calls behind each other", health + login + health, [200, 400, 200, 200]],
      ["deep nesting", call("/api/auth/login/", `Content-Length: ${nested.length}\r\n`, nested), [400, 200]],
      ["nonsense", "\x16\x03\x01\0\0\r\n\r\n", [400]],
    ];
    for (const [about, text, statuses] of exchanges) {
      const line = openWire(port);
      line.write(Buffer.from(text + last, "latin1"));
      const answered: number[] = [];
      for (let answer = await line.answer(); answer; answer = await line.answer())
        answered.push(answer.status);
      assert.deepEqual(answered, statuses, about);
      line.socket.destroy();
    }
    assert.deepEqual(await (await fetch(`${server.url}/_/health/`)).json(), { status: "ok" });
    assert.deepEqual(await server.stop(), [0, null]);
    assert.equal(server.err(), "");
    assert.ok(server.lines.every((one) => JSON.parse(one).level !== "error"));
  });
});
