/** A real mail server on loopback that keeps what it gets, and that refuses, stalls or hangs up where a test says so. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { SMTPServer as Server, type SMTPServer } from "smtp-server";
import { type Certificate, makeSelfSignedCertificate } from "./self-signed-certificate.ts";

/** `body` is amid the mail, `message` at its end, `accepted` once it is kept and only the answer is missing. */
export type SmtpStep = "connection" | "sender" | "recipient" | "body" | "message" | "accepted";

/** How the server behaves; may be changed while it runs. A reply is written as it is sent: `451 4.7.1 Later`. */
export type SmtpMode =
  | "accept"
  | { readonly refuseAt: Exclude<SmtpStep, "body" | "accepted">; readonly reply: string }
  | { readonly stallAt: SmtpStep }
  /** Goes on once the promise is settled. */
  | { readonly holdAt: SmtpStep; readonly until: Promise<unknown> }
  | { readonly dropAt: SmtpStep };

export interface SmtpServerOptions {
  readonly mode?: SmtpMode;
  /** Where an earlier server was; unsaid: a free port. */
  readonly port?: number;
  /** Unsaid: no encryption, and STARTTLS is an unknown command. */
  readonly tls?: "starttls" | "implicit";
  /** Unsaid: whoever comes is served. Said: nobody else is. */
  readonly account?: { readonly user: string; readonly password: string };
  readonly banner?: string;
  /** Unsaid: one for localhost and 127.0.0.1 that is valid now. */
  readonly certificate?: Certificate;
  /** More about TLS, such as how old it is. */
  readonly tlsOptions?: TlsOptions;
  /** The largest mail it takes, which it says in its greeting (RFC 1870). */
  readonly size?: number;
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

export interface TestSmtpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The certificate to trust, for a server with TLS. */
  readonly certificate: string;
  mode: SmtpMode;
  readonly received: readonly ReceivedMail[];
  /** Every sender and recipient that was named, in whatever became of the mail. */
  readonly envelopes: readonly string[];
  /** What each client called itself in EHLO, in each mail that it began. */
  readonly greetings: readonly string[];
  readonly connections: () => number;
  /** How often a password was given, right or wrong. */
  readonly logins: () => number;
  mailFor(address: string): ReceivedMail[];
  close(): Promise<void>;
}

/** Starts the server on a free port. Close it, or declare it with `await using`. */
export async function startSmtpServer(options: SmtpServerOptions = {}): Promise<TestSmtpServer> {
  const { key, cert } = options.certificate ?? makeSelfSignedCertificate("localhost", "127.0.0.1");
  const received: ReceivedMail[] = [];
  const envelopes: string[] = [];
  const greetings: string[] = [];
  let connections = 0;
  let logins = 0;

  const server: SMTPServer = new Server({
    ...(options.tls && { key, cert, ...options.tlsOptions }),
    ...(options.size !== undefined && { size: options.size }),
    secure: options.tls === "implicit",
    ...(options.banner !== undefined && { banner: options.banner }),
    disabledCommands: [
      ...(options.tls === "starttls" ? [] : ["STARTTLS"]),
      ...(options.account ? [] : ["AUTH"]),
    ],
    allowInsecureAuth: options.tls === undefined,
    disableReverseLookup: true,
    closeTimeout: 1,
    onConnect: ({ id }, next) => follow("connection", id, next),
    onAuth({ username, password }, _session, answer) {
      logins += 1;
      const isRight = username === options.account?.user && password === options.account?.password;
      // Repeats what it got, as some servers do, so that a test can see that we do not.
      if (isRight) answer(null, { user: username });
      else answer(toReply(`535 5.7.8 Not known: ${username} ${password}`));
    },
    onMailFrom({ address }, { id, hostNameAppearsAs }, next) {
      envelopes.push(address);
      greetings.push(hostNameAppearsAs);
      follow("sender", id, next);
    },
    onRcptTo({ address }, { id }, next) {
      envelopes.push(address);
      follow("recipient", id, next);
    },
    onData(stream, session, next) {
      const { envelope, secure, user, id } = session;
      const chunks: Buffer[] = [];
      stream.once("data", () => follow("body", id, () => undefined));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        // All of it may have come at once, and we hung up on the first of it.
        if (isCutOff()) return;
        follow("message", id, (error) => {
          if (error) return next(error);
          const from = envelope.mailFrom ? envelope.mailFrom.address : "";
          const to = envelope.rcptTo.map(({ address }) => address);
          received.push({
            from,
            to,
            raw: Buffer.concat(chunks).toString(),
            isEncrypted: secure,
            user: user?.toString(),
          });
          follow("accepted", id, (late) => next(late, "Taken"));
        });
      });
    },
  });

  const isCutOff = () =>
    typeof handle.mode === "object" && "dropAt" in handle.mode && handle.mode.dropAt === "body";

  function follow(step: SmtpStep, id: string, next: (error?: Error | null) => void): void {
    const { mode } = handle;
    if (mode === "accept") return next();
    if ("stallAt" in mode && mode.stallAt === step) return;
    if ("holdAt" in mode && mode.holdAt === step) return void goOnAfter(mode.until, next);
    if ("dropAt" in mode && mode.dropAt === step) return hangUp(id);
    if ("refuseAt" in mode && mode.refuseAt === step) return next(toReply(mode.reply));
    next();
  }

  /** Destroys the outermost socket of a connection: Node 24 crashes when one goes from under its TLS socket. */
  function hangUp(id?: string): void {
    for (const connection of server.connections) {
      // oxlint-disable-next-line no-underscore-dangle -- the only name it has
      if (id === undefined || connection.id === id) connection._socket.destroy();
    }
  }

  server.server.on("connection", () => {
    connections += 1;
  });
  // A client that hangs up, or that does not trust the certificate, is what some tests are about.
  server.on("error", () => undefined);
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server.server, "listening");

  async function close(): Promise<void> {
    hangUp();
    await new Promise<void>((resolve) => server.close(resolve));
  }
  const handle: TestSmtpServer = {
    host: "127.0.0.1",
    port: (server.server.address() as AddressInfo).port,
    certificate: cert,
    mode: options.mode ?? "accept",
    received,
    envelopes,
    greetings,
    connections: () => connections,
    logins: () => logins,
    mailFor: (address) => received.filter(({ to }) => to.includes(address)),
    close,
    [Symbol.asyncDispose]: close,
  };
  return handle;
}

function toReply(reply: string): Error & { responseCode: number } {
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) });
}

async function goOnAfter(moment: Promise<unknown>, next: () => void): Promise<void> {
  await moment;
  next();
}
