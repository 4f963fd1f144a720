import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import PostalMime from "postal-mime";
import { emailMaxLength, storedEmail } from "../../../platform/http/email-address.ts";
import { email } from "../../../platform/http/fields.ts";
import { ambiguousAddresses } from "../../../testing/ambiguous-addresses.ts";
import { isemailAddresses } from "../../../testing/isemail.ts";
import { type SmtpMode, startSmtpServer, type TestSmtpServer } from "../../../testing/smtp-server.ts";
import { type Message, renderMessage } from "../message.ts";
import { createSmtpTransport, type SmtpSettings } from "./smtp.ts";
import { MailRefused, MailUnreachable } from "./transport.ts";

const account = { user: "mailer", password: "s3cret-p4ss" };
/** Each test has its own server, which waits a tenth of a second before it greets. */
const together = { concurrency: true };
const moment = new Date("2026-11-23T14:02:03Z");

const hello: Message = renderMessage(
  {
    subject: "Hello",
    preheader: "A greeting.",
    paragraphs: [
      "A line longer than seventy-eight characters, as paragraphs are, with ümlauts, to be folded on its way and unfolded again.",
    ],
    button: {
      label: "Open",
      url: "https://auth.example.org/verify-email/3b1b7f0e-9c3a-4c55-8f0a-2a7e1f1b9d10/",
    },
  },
  { appName: "Example", language: "en", to: "ada@x.test", id: "0b8f7c1e-5a43-4a8e-9d35-6f1d2f7b9c10" },
);

function transportTo(server: Pick<TestSmtpServer, "host" | "port">, settings: Partial<SmtpSettings> = {}) {
  return createSmtpTransport({
    host: server.host,
    port: server.port,
    startTls: false,
    implicitTls: false,
    from: { name: "Example", address: "noreply@example.org" },
    name: "auth.example.org",
    // Longer than anything takes on a machine that does much else.
    ...{ stepMs: 60_000, timeoutMs: 60_000 },
    now: () => moment,
    ...settings,
  });
}

/** What sending the mail fails with. */
async function failureOf(sending: Promise<unknown>): Promise<unknown> {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(
    error instanceof MailRefused || error instanceof MailUnreachable,
    `an explained failure: ${String(error)}`,
  );
  return error;
}

async function refusalOf(mode: SmtpMode): Promise<MailRefused> {
  await using server = await startSmtpServer({ mode });
  const error = await failureOf(transportTo(server).send(hello));
  assert.ok(error instanceof MailRefused, `a refusal: ${String(error)}`);
  assert.equal(server.received.length, 0);
  return error;
}

const headerBlock = (raw: string) => raw.slice(0, raw.indexOf("\r\n\r\n"));
const headerNames = (raw: string) =>
  [...headerBlock(raw).matchAll(/^([A-Za-z-]+):/gm)].map(([, name]) => name?.toLowerCase());

describe("a mail sent by SMTP", together, () => {
  it("arrives as it was written, with the headers of an automatic mail and nobody else in them", async () => {
    await using server = await startSmtpServer();
    const { reply } = await transportTo(server, { replyTo: { name: "", address: "help@example.org" } }).send(
      hello,
      "verify-email",
    );
    assert.match(reply, /^250 .*Taken/);
    const [{ raw, from, to } = assert.fail("nothing arrived")] = server.received;
    assert.deepEqual([from, to], ["noreply@example.org", ["ada@x.test"]]);

    const mail = await PostalMime.parse(raw);
    assert.deepEqual(mail.from, { name: "Example", address: "noreply@example.org" });
    assert.deepEqual(
      mail.to?.map(({ address }) => address),
      to,
    );
    assert.deepEqual(
      mail.replyTo?.map(({ address }) => address),
      ["help@example.org"],
    );
    assert.equal(mail.subject, hello.subject);
    assert.equal(mail.text?.trim(), hello.text.trim());
    assert.equal(mail.html?.trim(), hello.html.trim());
    assert.equal(mail.messageId, `<${hello.id}@example.org>`);
    assert.equal(mail.date, moment.toISOString());
    const header = (name: string) => mail.headers.find(({ key }) => key === name)?.value;
    assert.equal(header("auto-submitted"), "auto-generated");
    assert.equal(header("x-auto-response-suppress"), "All");
    assert.equal(header("x-entity-ref-id"), hello.id);
    assert.equal(header("content-language"), "en");
    assert.equal(header("feedback-id"), "::verify-email:imagaine-auth");
    for (const absent of ["cc", "bcc", "sender", "list-unsubscribe", "precedence", "x-mailer"])
      assert.equal(header(absent), undefined);
  });

  it("is text first and HTML second, quoted-printable in lines of ASCII", async () => {
    await using server = await startSmtpServer();
    await transportTo(server).send(hello);
    const raw = server.received[0]?.raw ?? "";
    assert.match(headerBlock(raw), /^Content-Type: multipart\/alternative;/m);
    assert.match(
      raw,
      /text\/plain; charset=utf-8[^]*?quoted-printable[^]*?text\/html; charset=utf-8[^]*?quoted-printable/,
    );
    assert.equal(raw.match(/^Content-Type:/gm)?.length, 3);
    for (const line of raw.split("\r\n")) assert.match(line, /^[\x20-\x7e]{0,78}$/);
  });

  it("is quoted-printable whatever its script, so that a spam filter can read it", async () => {
    await using server = await startSmtpServer();
    await transportTo(server).send({ ...hello, text: "日本語の文章\n", html: "<p>日本語の文章</p>" });
    const encodings = server.received[0]?.raw.match(/^Content-Transfer-Encoding: .*$/gm);
    assert.deepEqual(encodings, Array(2).fill("Content-Transfer-Encoding: quoted-printable"));
  });

  it("keeps its Message-ID when it is sent again, by which the second copy can be told", async () => {
    await using server = await startSmtpServer({ mode: { dropAt: "accepted" } });
    const transport = transportTo(server);
    assert.ok((await failureOf(transport.send(hello))) instanceof MailUnreachable);
    server.mode = "accept";
    await transport.send(hello);
    const ids = server.received.map(({ raw }) => /^Message-ID: (.*)$/m.exec(raw)?.[1]);
    assert.deepEqual(ids, [`<${hello.id}@example.org>`, `<${hello.id}@example.org>`]);
  });

  it("carries subjects and names in every language there and back", async () => {
    await using server = await startSmtpServer();
    const subjects = [
      ["en", "493 771 is your Example code"],
      ["en", "New sign-in: Chrome on Windows – “Zoë’s PC”"],
      ["pt-BR", "Sua conta será excluída em 7 dez."],
      ["pt-BR", `${"Confirme já o endereço, João; ".repeat(12)}👩‍👩‍👧`.trim()],
    ] as const;
    const transport = transportTo(server, {
      from: { name: "Aplicação, “Ímã” <x>", address: "noreply@example.org" },
    });
    for (const [language, subject] of subjects) {
      const text = `${subject}\nção, ãé, 日本語, 👩‍👩‍👧\n`;
      await transport.send({ ...hello, language, subject, text });
      const mail = await PostalMime.parse(server.received.at(-1)?.raw ?? "");
      assert.equal(mail.subject, subject);
      assert.equal(mail.text?.trim(), text.trim());
      assert.deepEqual(mail.from, { name: "Aplicação, “Ímã” <x>", address: "noreply@example.org" });
      assert.equal(mail.headers.find(({ key }) => key === "content-language")?.value, language);
    }
  });

  it("gives no header and no recipient to whoever writes line breaks into subject, name or text", async () => {
    await using server = await startSmtpServer();
    await transportTo(server).send(hello);
    const usual = headerNames(server.received[0]?.raw ?? "");
    const lineBreaks = [
      "\r\n",
      "\n",
      "\r",
      "\n\n",
      "\r\n\t",
      "\r\n ",
      "\u0085",
      "\u2028",
      "\u2029",
      "\0",
      "\v",
      "\f",
    ];
    const attacks = lineBreaks.map(
      (end) => `x${end}Bcc: eve@y.test${end}${end}.\r\n.\r\nRCPT TO:<eve@y.test>`,
    );
    await Promise.all(
      attacks.map((attack) =>
        transportTo(server, { from: { name: attack, address: "noreply@example.org" } }).send({
          ...hello,
          subject: attack,
          text: attack,
        }),
      ),
    );
    assert.equal(server.received.length, 1 + attacks.length);
    for (const { raw, to } of server.received) {
      assert.deepEqual(to, ["ada@x.test"]);
      assert.deepEqual(headerNames(raw), usual);
      assert.equal((await PostalMime.parse(raw)).bcc, undefined);
    }
    assert.ok(!server.envelopes.includes("eve@y.test"));
  });

  it("reaches nobody but the address as a whole, however it can be read", async () => {
    await using server = await startSmtpServer();
    for (const to of ambiguousAddresses) {
      const error = await failureOf(transportTo(server).send({ ...hello, to }));
      assert.ok(error instanceof MailRefused && error.permanent, to);
    }
    assert.deepEqual(server.envelopes, []);
    assert.equal(server.connections(), 0);
    for (const to of ["o'neill+tag@x.test", "ann@x.test"]) {
      await transportTo(server).send({ ...hello, to });
      assert.deepEqual(server.received.at(-1)?.to, [to]);
    }
  });

  it("reaches each address that can be registered and none beside it, or is refused for good (isemail)", async () => {
    await using server = await startSmtpServer();
    const registered = isemailAddresses().flatMap((text) => {
      const checked = email({ maxLength: emailMaxLength }).check(text);
      return "value" in checked ? [storedEmail(checked.value)] : [];
    });
    const refused: string[] = [];
    await Promise.all(
      [...new Set(registered)].map((to) =>
        transportTo(server)
          .send({ ...hello, to })
          .catch((error: unknown) => {
            assert.ok(error instanceof MailRefused && error.permanent, to);
            refused.push(to);
          }),
      ),
    );
    assert.ok(refused.length < 50, `${refused.length} of ${registered.length} refused`);
    // This server shows domains in their own script, so what was sent is told by the header beside it.
    const reached = server.received.map(({ raw, to }) => {
      const header = /^To:(.*(?:\r\n .*)*)/m.exec(raw)?.[1]?.replaceAll("\r\n", "").trim();
      assert.equal(to.length, 1);
      return header?.replace(/^<(.*)>$/, "$1");
    });
    assert.deepEqual(new Set([...reached, ...refused]), new Set(registered));
    const recipients = server.envelopes.filter((address) => address !== "noreply@example.org");
    assert.equal(recipients.length, reached.length, "somebody else was named");
  });

  it("refuses an id that is no part of a Message-ID", async () => {
    await using server = await startSmtpServer();
    await assert.rejects(
      transportTo(server).send({ ...hello, id: "x@y>\r\nBcc: eve@y.test" }),
      /^Error: A message's id must fit/,
    );
    assert.equal(server.connections(), 0);
  });
});

describe("encryption", together, () => {
  it("is not used unless it is demanded", async () => {
    await using server = await startSmtpServer({ tls: "starttls" });
    await transportTo(server).send(hello);
    assert.equal(server.received[0]?.isEncrypted, false);
  });

  it("protects the mail and the password from the first command on, with STARTTLS", async () => {
    await using server = await startSmtpServer({ tls: "starttls", account });
    await transportTo(server, { ...account, startTls: true, ca: server.certificate }).send(hello);
    assert.deepEqual([server.received[0]?.isEncrypted, server.received[0]?.user], [true, "mailer"]);
  });

  it("protects them from the first byte on, with TLS at once", async () => {
    await using server = await startSmtpServer({ tls: "implicit", account });
    const transport = transportTo(server, { ...account, implicitTls: true, ca: server.certificate });
    await transport.verify();
    await transport.send(hello);
    assert.deepEqual([server.received[0]?.isEncrypted, server.received[0]?.user], [true, "mailer"]);
  });

  it("that is demanded and not offered means that nothing is sent, not even a password", async () => {
    await using server = await startSmtpServer({ account });
    const transport = transportTo(server, { ...account, startTls: true });
    for (const attempt of [() => transport.send(hello), () => transport.verify()]) {
      assert.ok((await failureOf(attempt())) instanceof MailUnreachable);
    }
    assert.deepEqual([server.envelopes, server.received, server.logins()], [[], [], 0]);
  });

  it("with a server nobody vouches for means that nothing is sent", async () => {
    for (const tls of ["starttls", "implicit"] as const) {
      await using server = await startSmtpServer({ tls, account });
      const settings = { ...account, startTls: tls === "starttls", implicitTls: tls === "implicit" };
      assert.match(
        String(await failureOf(transportTo(server, settings).send(hello))),
        /self-signed certificate/,
      );
      const misnamed = { ...settings, ca: server.certificate, servername: "mail.example.org" };
      assert.match(String(await failureOf(transportTo(server, misnamed).send(hello))), /altnames/);
      assert.deepEqual([server.envelopes, server.logins()], [[], 0]);
    }
  });

  it("cannot be demanded in both ways at once", () => {
    assert.throws(
      () => transportTo({ host: "127.0.0.1", port: 1 }, { startTls: true, implicitTls: true }),
      /exclude/,
    );
  });
});

describe("signing in at the mail server", together, () => {
  it("with a wrong password is refused for now, and the password is in no error", async () => {
    await using server = await startSmtpServer({ account });
    const transport = transportTo(server, { user: account.user, password: "wr0ng-p4ss" });
    for (const attempt of [() => transport.send(hello), () => transport.verify()]) {
      const error = await failureOf(attempt());
      assert.ok(error instanceof MailRefused && !error.permanent);
      assert.match(error.reply, /^535 5\.7\.8 Not known: mailer \[password\]/);
      assert.doesNotMatch(
        JSON.stringify(error, Object.getOwnPropertyNames(error)),
        /wr0ng|d3Iwbmc|AG1haWxlcgB3/,
      );
    }
    assert.deepEqual(server.envelopes, []);
  });

  it("hides the password too where a server repeats the command it came in", async () => {
    for (const echo of ["AUTH PLAIN AG1haWxlcgBzM2NyZXQtcDRzcw==", "czNjcmV0LXA0c3M=", "s3cret-p4ss"]) {
      await using server = await startSmtpServer({
        mode: { refuseAt: "recipient", reply: `550 5.5.1 Unknown: ${echo}` },
        account,
      });
      const error = await failureOf(transportTo(server, account).send(hello));
      assert.match(String(error), /550 5\.5\.1 Unknown: (AUTH PLAIN )?\[password\]$/);
    }
  });
});

describe("a mail server that refuses", together, () => {
  const cases = [
    ["550 5.1.1 No such user", "recipient", true],
    ["550 5.1.2 No such domain", "recipient", true],
    ["553 5.1.6 Mailbox has moved", "recipient", true],
    ["550 5.2.1 Mailbox disabled", "recipient", true],
    ["552 5.2.2 Mailbox full", "recipient", true],
    ["554 5.7.1 Looks like spam", "message", true],
    ["550 5.1.1 No such user", "message", true],
    ["550 No such user", "recipient", true],
    ["451 4.7.1 Greylisted, come back later", "recipient", false],
    ["450 5.1.1 Contradicts itself", "recipient", false],
    ["452 4.3.1 Disk full", "message", false],
    ["530 5.7.0 Sign in first", "sender", false],
    ["550 5.1.1 Sender unknown", "sender", false],
    ["503 5.5.1 Commands in a wrong order", "recipient", false],
    ["554 5.3.2 No service here", "connection", false],
    ["421 4.3.2 Too busy", "recipient", false],
  ] as const;
  for (const [reply, refuseAt, permanent] of cases) {
    it(`with "${reply}" at the ${refuseAt} refuses it ${permanent ? "for good" : "for now"}`, async () => {
      const error = await refusalOf({ refuseAt, reply });
      assert.ok(
        error.reply.includes(reply.slice(4)) && error.reply.startsWith(reply.slice(0, 3)),
        error.reply,
      );
      assert.equal(error.permanent, permanent);
    });
  }

  it("for now takes the mail at the next try", async () => {
    await using server = await startSmtpServer({ mode: { refuseAt: "recipient", reply: "451 4.7.1 Later" } });
    const transport = transportTo(server);
    await failureOf(transport.send(hello));
    server.mode = "accept";
    await transport.send(hello);
    assert.equal(server.mailFor("ada@x.test").length, 1);
  });
});

describe("a mail server that cannot be talked to", together, () => {
  for (const step of ["connection", "sender", "recipient", "message", "accepted"] as const) {
    it(`because it says nothing more after the ${step} is given up in time`, async () => {
      await using server = await startSmtpServer({ mode: { stallAt: step } });
      // Where it takes the mail first, a busy machine must have the time for that.
      const timeoutMs = step === "accepted" ? 3000 : 300;
      const error = await failureOf(transportTo(server, { timeoutMs }).send(hello));
      assert.ok(error instanceof MailUnreachable);
      assert.equal(server.received.length, step === "accepted" ? 1 : 0);
    });

    it(`because it hangs up after the ${step} is unreachable`, async () => {
      await using server = await startSmtpServer({ mode: { dropAt: step } });
      assert.ok((await failureOf(transportTo(server).send(hello))) instanceof MailUnreachable);
      assert.equal(server.received.length, step === "accepted" ? 1 : 0);
    });
  }

  it("is given up in time as well when nothing is to be sent to it", { timeout: 5000 }, async () => {
    await using server = await startSmtpServer({ mode: { stallAt: "connection" } });
    const error = await failureOf(transportTo(server, { timeoutMs: 300 }).verify());
    assert.ok(error instanceof MailUnreachable);
  });

  it("because it hangs up in the middle of a long mail is unreachable, and gets no end of it", async () => {
    await using server = await startSmtpServer({ mode: { dropAt: "body" } });
    const long = { ...hello, text: "A line.\n".repeat(500_000) };
    assert.ok((await failureOf(transportTo(server).send(long))) instanceof MailUnreachable);
    assert.equal(server.received.length, 0);
  });

  it("because it never comes to an end is given up in time as well", async () => {
    let hangUp = () => {};
    const endless = createServer((socket) => {
      const timer = setInterval(() => socket.write("250-Wait\r\n"), 20);
      socket.on("error", () => undefined).on("close", () => clearInterval(timer));
      socket.write("220 Hello\r\n");
      hangUp = () => socket.destroy();
    });
    endless.listen(0, "127.0.0.1");
    await once(endless, "listening");
    try {
      const { port } = endless.address() as AddressInfo;
      const error = await failureOf(transportTo({ host: "127.0.0.1", port }, { timeoutMs: 200 }).send(hello));
      assert.match(String(error), /no end within 200 ms/);
    } finally {
      hangUp();
      endless.close();
    }
  });

  it("because its greeting has no end is unreachable, whatever it still has to say", async () => {
    await using server = await startSmtpServer({ banner: "x".repeat(500_000) });
    assert.match(String(await failureOf(transportTo(server).send(hello))), /exceeds/);
    assert.deepEqual(server.envelopes, []);
  });

  it("because nobody listens there is unreachable, and the error says where", async () => {
    const server = await startSmtpServer();
    await server.close();
    const error = await failureOf(transportTo(server).send(hello));
    assert.match(String(error), new RegExp(`127\\.0\\.0\\.1:${server.port}: .*ECONNREFUSED`));
  });

  it("because its name leads nowhere is unreachable", async () => {
    const error = await failureOf(
      transportTo({ host: "nowhere.invalid", port: 25 }, { timeoutMs: 2000 }).send(hello),
    );
    assert.ok(error instanceof MailUnreachable);
  });
});
