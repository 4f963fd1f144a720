import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { makeCertificate, makeSelfSignedCertificate } from "../../../testing/self-signed-certificate.ts";
import { type SmtpServerOptions, startSmtpServer } from "../../../testing/smtp-server.ts";
import { type Message, renderMessage } from "../message.ts";
import { createSmtpTransport, type SmtpSettings } from "./smtp.ts";
import { MailRefused, MailUnreachable } from "./transport.ts";

const together = { concurrency: true };
const account = { user: "mailer", password: "s3cret-p4ss" };
const day = 86_400_000;

const hello: Message = renderMessage(
  { subject: "Hello", preheader: "A greeting.", paragraphs: ["Hello."] },
  { appName: "Example", language: "en", to: "ada@x.test", id: "0b8f7c1e-5a43-4a8e-9d35-6f1d2f7b9c10" },
);

function transportTo(port: number, settings: Partial<SmtpSettings> = {}) {
  return createSmtpTransport({
    host: "127.0.0.1",
    port,
    startTls: false,
    implicitTls: false,
    from: { name: "Example", address: "noreply@example.org" },
    name: "auth.example.org",
    // Longer than anything takes on a machine that does much else.
    ...{ stepMs: 30_000, timeoutMs: 60_000 },
    now: () => new Date(),
    ...settings,
  });
}

type Failure = MailRefused | MailUnreachable;

async function failureOf(port: number, settings: Partial<SmtpSettings> = {}): Promise<Failure> {
  const error: unknown = await transportTo(port, settings)
    .send(hello)
    .then(
      () => assert.fail("it was sent"),
      (reason: unknown) => reason,
    );
  assert.ok(error instanceof MailRefused || error instanceof MailUnreachable, String(error));
  // Whatever it is, it is a sentence, not what a library says to its authors.
  assert.doesNotMatch(error.message, /SSL routines|--use-system-ca|s3cret/);
  return error;
}

/** Something on a port that is no well configured mail server: what it does with each connection. */
async function listen(greet: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    greet(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe("a mail server that cannot be reached is told with the setting to change:", together, () => {
  it("a name that nobody knows", async () => {
    const error = await failureOf(587, { host: "nowhere.invalid" });
    assert.match(
      error.message,
      /EMAIL_HOST is nowhere\.invalid, and (?:there is no such name|the name cannot be)/,
    );
    assert.equal(error.about, "server");
  });

  it("a port on which nobody listens", async () => {
    const { port, ...server } = await listen(() => undefined);
    await server[Symbol.asyncDispose]();
    const error = await failureOf(port);
    assert.match(
      error.message,
      new RegExp(
        `^Mail server unreachable: Nothing listens at 127\\.0\\.0\\.1:${port}: set EMAIL_HOST and EMAIL_PORT`,
      ),
    );
    assert.equal(error.about, "server");
  });

  it("a port on which somebody listens and says nothing", async () => {
    await using server = await listen(() => undefined);
    const error = await failureOf(server.port, { stepMs: 2000 });
    assert.match(
      error.message,
      /takes the connection and does not come to an end of its greeting in 2 s: set EMAIL_PORT/,
    );
    assert.equal(error.about, "server");
  });

  it("a port of something else", async () => {
    for (const banner of ["* OK IMAP4rev1 ready\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "+OK POP3\r\n"]) {
      await using server = await listen((socket) => socket.write(banner));
      const error = await failureOf(server.port);
      assert.match(error.message, /is no mail server \(SMTP\): set EMAIL_PORT/);
      assert.equal(error.about, "server");
    }
  });

  it("one that hangs up, and one that turns this machine away", async () => {
    await using gone = await listen((socket) => socket.end());
    assert.match(
      (await failureOf(gone.port)).message,
      /hangs up before it has greeted: set EMAIL_HOST and EMAIL_PORT/,
    );
    await using away = await listen((socket) => socket.end("554 5.7.1 You are on a list\r\n"));
    const refused = await failureOf(away.port);
    assert.match(
      refused.message,
      /turns this server away: allow its address .* It said: 554 5\.7\.1 You are on a list$/,
    );
    assert.deepEqual([refused.about, (refused as MailRefused).permanent], ["server", false]);
  });

  it("one that does not like what we call ourselves", async () => {
    await using server = await listen((socket) => {
      socket.write("220 strict ESMTP\r\n");
      socket.on("data", () =>
        socket.write("550 5.7.1 Helo command rejected: need fully-qualified hostname\r\n"),
      );
    });
    const error = await failureOf(server.port);
    assert.match(
      error.message,
      /does not like the name that this server greets with, auth\.example\.org: set PUBLIC_URL/,
    );
    assert.equal(error.about, "server");
  });
});

describe("the wrong kind of TLS is told with the setting to change:", together, () => {
  const cases: readonly (readonly [string, SmtpServerOptions, Partial<SmtpSettings>, RegExp])[] = [
    [
      "EMAIL_USE_TLS on a port that expects TLS from the first byte",
      { tls: "implicit" },
      { startTls: true },
      /expects TLS from the first byte: set EMAIL_USE_SSL=on and EMAIL_USE_TLS=off/,
    ],
    [
      "no TLS on such a port",
      { tls: "implicit" },
      {},
      /expects TLS from the first byte: set EMAIL_USE_SSL=on/,
    ],
    [
      "EMAIL_USE_SSL on a port with STARTTLS",
      { tls: "starttls" },
      { implicitTls: true },
      /EMAIL_USE_SSL is on, and .* does not begin with TLS: set EMAIL_USE_TLS=on and EMAIL_USE_SSL=off/,
    ],
    [
      "EMAIL_USE_TLS on a port that offers no STARTTLS",
      {},
      { startTls: true },
      /EMAIL_USE_TLS is on, and .* offers no STARTTLS: set EMAIL_PORT/,
    ],
    [
      "a certificate of an authority that nobody knows",
      { tls: "starttls" },
      { startTls: true },
      /signed by nobody whom this machine trusts: set EMAIL_CA_FILE/,
    ],
    [
      "a certificate of another authority than that of EMAIL_CA_FILE",
      { tls: "implicit" },
      { implicitTls: true, ca: makeSelfSignedCertificate("elsewhere").cert },
      /nobody whom this machine or EMAIL_CA_FILE trusts: set EMAIL_CA_FILE/,
    ],
    [
      "TLS that is too old",
      {
        tls: "implicit",
        tlsOptions: { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
      },
      { implicitTls: true },
      /speaks no TLS of version 1\.2 or newer: bring that mail server up to date/,
    ],
    [
      "TLS that is too old after STARTTLS",
      {
        tls: "starttls",
        tlsOptions: { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
      },
      { startTls: true },
      /speaks no TLS of version 1\.2 or newer/,
    ],
    [
      "a server that asks for a certificate of ours",
      { tls: "implicit", tlsOptions: { requestCert: true, rejectUnauthorized: true } },
      { implicitTls: true, ca: "own" },
      /asks for a certificate of ours, and there is none \(Django's EMAIL_SSL_CERTFILE is not supported\)/,
    ],
  ];
  for (const [what, server, settings, says] of cases) {
    it(what, async () => {
      await using smtp = await startSmtpServer(server);
      const ca = settings.ca === "own" ? smtp.certificate : settings.ca;
      const error = await failureOf(smtp.port, { ...settings, ca });
      assert.match(error.message, says);
      assert.equal(error.about, "server");
      assert.deepEqual(smtp.envelopes, []);
    });
  }

  it("a certificate for another name, one that has expired and one that is not valid yet", async () => {
    const now = Date.now();
    for (const [names, from, until, says] of [
      [["mail.example.org"], now - day, now + day, /is not for 127\.0\.0\.1: set EMAIL_HOST to a name/],
      [["127.0.0.1"], now - 9 * day, now - day, /has expired: renew it there/],
      [["127.0.0.1"], now + day, now + 9 * day, /is not valid yet: set the clock/],
    ] as const) {
      const certificate = makeCertificate(names, { from, until });
      await using smtp = await startSmtpServer({ tls: "implicit", certificate });
      const error = await failureOf(smtp.port, { implicitTls: true, ca: certificate.cert });
      assert.match(error.message, says);
      assert.equal(error.about, "server");
    }
  });
});

describe("a mail server that does not take us is told with the setting to change:", together, () => {
  it("a wrong password, and none where it wants one", async () => {
    await using smtp = await startSmtpServer({ account });
    const wrong = await failureOf(smtp.port, { ...account, password: "another" });
    assert.match(
      wrong.message,
      /^Mail refused: .* does not take EMAIL_HOST_USER and EMAIL_HOST_PASSWORD: .* It said: 535/,
    );
    const none = await failureOf(smtp.port);
    assert.match(
      none.message,
      /only from who signs in: set EMAIL_HOST_USER and EMAIL_HOST_PASSWORD\. It said: 530/,
    );
    for (const { about } of [wrong, none]) assert.equal(about, "server");
  });

  it("a user where nobody can sign in, with and without TLS", async () => {
    await using plain = await startSmtpServer();
    assert.match(
      (await failureOf(plain.port, account)).message,
      /lets nobody sign in without TLS: set EMAIL_USE_TLS=on/,
    );
    await using encrypted = await startSmtpServer({ tls: "implicit" });
    const error = await failureOf(encrypted.port, {
      ...account,
      implicitTls: true,
      ca: encrypted.certificate,
    });
    assert.match(error.message, /lets nobody sign in: leave EMAIL_HOST_USER and EMAIL_HOST_PASSWORD out/);
    assert.equal(error.about, "server");
    assert.deepEqual(encrypted.envelopes, []);
  });

  it("a server that takes nothing without TLS", async () => {
    await using smtp = await startSmtpServer({
      mode: { refuseAt: "sender", reply: "530 5.7.0 Must issue a STARTTLS command first" },
    });
    const error = await failureOf(smtp.port);
    assert.match(error.message, /takes nothing without TLS: set EMAIL_USE_TLS=on/);
    assert.equal(error.about, "server");
  });

  const replies = [
    [
      "550 5.7.1 Not your address",
      "sender",
      /does not take noreply@example\.org as the sender: set DEFAULT_FROM_EMAIL/,
      "server",
      false,
    ],
    [
      "553 5.7.1 <noreply@example.org>: Sender address rejected: not owned by user",
      "recipient",
      /set DEFAULT_FROM_EMAIL/,
      "mail",
      false,
    ],
    ["454 4.7.1 Relay access denied", "recipient", /come back later/, "mail", false],
    [
      "554 5.7.1 <ada@x.test>: Relay access denied",
      "recipient",
      /passes no mail on .*: set EMAIL_HOST_USER and EMAIL_HOST_PASSWORD/,
      "mail",
      false,
    ],
    [
      "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
      "recipient",
      /passes no mail on/,
      "mail",
      false,
    ],
    [
      "552 5.3.4 Message size exceeds fixed limit",
      "sender",
      /larger than the mail server takes/,
      "mail",
      true,
    ],
    [
      "552 5.3.4 Message size exceeds fixed limit",
      "message",
      /larger than the mail server takes/,
      "mail",
      true,
    ],
    [
      "450 4.2.0 Greylisted, see http://postgrey.example/",
      "recipient",
      /asks to come back later \(greylisting\)/,
      "mail",
      false,
    ],
    ["451 4.3.0 Try again", "sender", /takes nothing from this sender just now/, "server", false],
    ["552 5.2.2 Mailbox full", "recipient", /^Mail refused: 552 5\.2\.2/, "mail", true],
    [
      "550 5.1.1 <ada@x.test>: Recipient address rejected: User unknown in relay recipient table",
      "recipient",
      /^Mail refused: 550 5\.1\.1/,
      "mail",
      true,
    ],
  ] as const;
  for (const [reply, refuseAt, says, about, permanent] of replies) {
    it(`"${reply}" at the ${refuseAt}`, async () => {
      await using smtp = await startSmtpServer({ mode: { refuseAt, reply } });
      const error = await failureOf(smtp.port);
      assert.match(error.message, says);
      assert.ok(
        error instanceof MailRefused && error.message.includes(reply),
        "in the server's own words too",
      );
      assert.deepEqual([error.about, error.permanent], [about, permanent]);
      assert.equal(error.isGreylisted, refuseAt === "recipient" && reply.startsWith("4"));
    });
  }

  it("a mail that is larger than the server says it takes", async () => {
    await using smtp = await startSmtpServer({ size: 100 });
    const error = await failureOf(smtp.port);
    assert.match(error.message, /larger than the mail server takes: raise its limit/);
    assert.deepEqual([error.about, (error as MailRefused).permanent, smtp.envelopes], ["mail", true, []]);
  });
});

describe("a mail that was cut off", together, () => {
  it("is told apart from a server that nobody reaches, since it may be the mail's doing", async () => {
    for (const step of ["recipient", "body", "message", "accepted"] as const) {
      await using smtp = await startSmtpServer({ mode: { dropAt: step } });
      assert.equal((await failureOf(smtp.port)).about, "mail", step);
    }
    await using smtp = await startSmtpServer({ mode: { dropAt: "connection" } });
    assert.equal((await failureOf(smtp.port)).about, "server");
  });

  it("ends at once when it is told to", async () => {
    await using smtp = await startSmtpServer({ mode: { stallAt: "recipient" } });
    const stop = new AbortController();
    const sending = transportTo(smtp.port).send(hello, "note", stop.signal);
    while (smtp.envelopes.length < 2) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await assert.rejects(sending, MailUnreachable);
  });
});

describe("TLS that nobody demanded", together, () => {
  it("is taken where it is offered, from whatever server, before a password is sent", async () => {
    await using smtp = await startSmtpServer({ tls: "starttls", account });
    await transportTo(smtp.port, { ...account, takesTls: true }).send(hello);
    assert.deepEqual([smtp.received[0]?.isEncrypted, smtp.received[0]?.user], [true, "mailer"]);
    await using plain = await startSmtpServer({ account });
    await transportTo(plain.port, { ...account, takesTls: true }).send(hello);
    assert.deepEqual([plain.received[0]?.isEncrypted, plain.received[0]?.user], [false, "mailer"]);
  });

  it("and fails after it was offered gets no password in clear text", async () => {
    const said: string[] = [];
    await using server = await listen((socket) => {
      socket.write("220 mail ESMTP\r\n");
      socket.on("data", (chunk) => {
        said.push(chunk.toString());
        if (chunk.toString().startsWith("EHLO"))
          socket.write("250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n");
        else socket.write("454 4.7.0 TLS not available\r\n");
      });
    });
    const error = await failureOf(server.port, { ...account, takesTls: true });
    assert.match(error.message, /lets nobody sign in without TLS: set EMAIL_USE_TLS=on/);
    assert.doesNotMatch(said.join(), /AUTH|czNjcmV0LXA0c3M|AG1haWxlcg/);
  });
});

describe("EHLO", () => {
  it("names this server", async () => {
    await using smtp = await startSmtpServer();
    await transportTo(smtp.port).send(hello);
    assert.deepEqual(smtp.greetings, ["auth.example.org"]);
  });
});
