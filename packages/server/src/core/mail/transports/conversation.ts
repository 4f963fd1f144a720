/** One conversation with a mail server (RFC 5321), from the look-up of its name on: each failure says in which step. */

import { isIP } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import SmtpConnection from "nodemailer/lib/smtp-connection";

export interface Server {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte, STARTTLS or nothing; `offered`: STARTTLS where the server offers it. */
  readonly tls: "implicit" | "starttls" | "offered" | "none";
  readonly tlsOptions: ConnectionOptions;
  /** What we call ourselves in EHLO. */
  readonly name: string;
  readonly account?: { readonly user: string; readonly pass: string } | undefined;
  /** How long each step before the mail may take: until the server has greeted, and until it has signed us in. */
  readonly stepMs: number;
  /** How long all of it may take. */
  readonly wholeMs: number;
}

export interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly raw: Buffer;
}

export type Step = "connect" | "sign in" | "mail";

/** What went wrong, and how far the conversation had come by then. */
export class StepFailed extends Error {
  readonly step: Step;
  /** What the server said to it, if it did. */
  readonly response: string | undefined;
  /** The command that it answered. */
  readonly command: string;
  /** Every code that a layer below gave it: `ESOCKET`, `ECONNREFUSED`, `ERR_SSL_…`. */
  readonly codes: readonly string[];

  constructor(step: Step, error: unknown) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
    this.step = step;
    const { code, originalCode, timeoutType, response, command, reason } = error as Record<string, unknown>;
    this.codes = [code, originalCode, timeoutType, reason].filter((one) => typeof one === "string");
    this.response = typeof response === "string" && /^[2-5]\d\d/.test(response) ? response : undefined;
    this.command = typeof command === "string" ? command : "";
  }
}

const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

/** Whether a server speaks TLS at once is asked after so much silence, or a third of a step's time if that is shorter. */
const silenceMs = 3000;

/** Hands a mail over, or only signs in where there is none; the server's last word. Throws StepFailed. */
export async function converse(server: Server, mail?: Envelope, signal?: AbortSignal): Promise<string> {
  const { stepMs, wholeMs, account } = server;
  const connection = open(server);
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  connection.on("error", broken.reject);
  const over = AbortSignal.any([
    AbortSignal.timeout(wholeMs),
    // Aborted by the worker: it is told as any other end of the time, and by then nobody asks which.
    ...(signal ? [signal] : []),
  ]);
  const giveUp = (ms: number) => {
    const code = connection.stage === "connected" ? "ESILENT" : "EABORT";
    broken.reject(failure(code, `no end within ${ms} ms`));
  };
  const end = () => giveUp(wholeMs);
  over.addEventListener("abort", end);
  if (over.aborted) end();
  const take = async <T>(
    step: Step,
    ms: number,
    work: (done: (error: unknown, value?: T) => void) => void,
  ) => {
    const timer = setTimeout(() => giveUp(ms), ms);
    const stopListening = step === "connect" ? askForTls(server, broken.reject) : undefined;
    try {
      const taken = new Promise<T | undefined>((resolve, reject) =>
        work((error, value) => (error ? reject(error) : resolve(value))),
      );
      return await Promise.race([taken, broken.promise]);
    } catch (error) {
      throw new StepFailed(step, error);
    } finally {
      clearTimeout(timer);
      stopListening?.();
    }
  };
  try {
    await take("connect", Math.min(stepMs, wholeMs), (done) => connection.connect(done));
    if (account) {
      await take("sign in", Math.min(stepMs, wholeMs), (done) => {
        // A server that wants no password has no business with ours.
        if (connection.allowsAuth) connection.login({ credentials: account }, done);
        else done(failure("ENOAUTH", "no sign-in offered"));
      });
    }
    if (!mail) {
      leave(connection);
      return "";
    }
    const { from, to, raw } = mail;
    const sent = await take<{ response?: string | undefined }>("mail", wholeMs, (done) =>
      connection.send({ from, to, size: raw.length }, raw, done),
    );
    leave(connection);
    return sent?.response ?? "";
  } catch (error) {
    // No word more: it could be taken for a part of the mail.
    connection.close();
    throw error;
  } finally {
    over.removeEventListener("abort", end);
  }
}

function open({ host, port, tls, tlsOptions, name, wholeMs }: Server): SmtpConnection {
  return new SmtpConnection({
    host,
    port,
    name,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    // If the server then refuses, the mail goes in clear text, and the password not at all.
    opportunisticTLS: tls === "offered",
    // Ours are stricter: these only end what is left of a connection that we gave up.
    connectionTimeout: wholeMs,
    greetingTimeout: wholeMs,
    socketTimeout: wholeMs,
    dnsTimeout: wholeMs,
    maxResponseSize: 64 * 1024,
    tls: tlsOptions,
  });
}

/** Says goodbye, and does not wait long for an answer. */
function leave(connection: SmtpConnection): void {
  connection.on("error", () => undefined);
  if (connection.destroyed || connection.stage !== "connected") return connection.close();
  connection.quit();
  setTimeout(() => connection.close(), 500).unref();
}

/**
 * A server that expects TLS from the first byte waits for us as we wait for its greeting, and says so only to who begins
 * with TLS: after a while of silence we do, on a second connection. `found` is told if that works.
 */
function askForTls({ host, port, tls, stepMs }: Server, found: (error: Error) => void): () => void {
  if (tls === "implicit") return () => undefined;
  let stop = () => undefined as void;
  const timer = setTimeout(
    () => {
      // Only whether it speaks TLS is asked, and nothing is sent.
      const options = { host, port, rejectUnauthorized: false, ...(isIP(host) ? {} : { servername: host }) };
      const socket = connect(options, () => {
        found(failure("ETLSFIRST", "TLS expected from the first byte"));
        socket.destroy();
      });
      socket.on("error", () => undefined);
      stop = () => void socket.destroy();
    },
    Math.min(silenceMs, stepMs / 3),
  );
  return () => {
    clearTimeout(timer);
    stop();
  };
}
