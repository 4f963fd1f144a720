/** Carries mail to a mail server by SMTP: encrypted as demanded or not at all, to one recipient, within a given time. */

import type { ConnectionOptions } from "node:tls";
import { createTransport, type SendMailOptions } from "nodemailer";
import type { Clock } from "../../../platform/clock.ts";
import { isMailableAddress, type Mailbox } from "../mailbox.ts";
import type { Message } from "../message.ts";
import { MailRefused, MailUnreachable, type Transport } from "./transport.ts";

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** EMAIL_USE_TLS: STARTTLS (RFC 3207), without which nothing is sent. */
  readonly startTls: boolean;
  /** EMAIL_USE_SSL: TLS from the first byte (RFC 8314). With neither, the connection is plain, as in Django. */
  readonly implicitTls: boolean;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** How long one mail may take from the first look-up of the host to the server's last word. */
  readonly timeoutMs: number;
  readonly now: Clock;
  /** More about TLS, such as a private authority's certificate. The server's certificate is always checked. */
  readonly tls?: ConnectionOptions;
}

/**
 * A transport with one connection a mail, opened when it is needed.
 *
 * A mail that is tried again may arrive twice in one case, which SMTP cannot rule out (RFC 5321, 4.5.3.2.6): the
 * server took it, and we were cut off, or ran out of time, before it could say so. Such a mail is sent again, since a
 * second reset mail is better than none; it bears the same Message-ID, by which most mailboxes drop it.
 */
export function createSmtpTransport(settings: SmtpSettings): Transport {
  if (settings.startTls && settings.implicitTls)
    throw new Error("STARTTLS and TLS from the first byte exclude each other.");
  const transporter = openTransporter(settings);
  const explain = (error: unknown) => toMailError(error, settings);
  return {
    name: "smtp",
    async send(message, mail = "mail") {
      if (!isMailableAddress(message.to)) {
        throw new MailRefused({ permanent: true, reply: "not an address that mail is sent to" });
      }
      const composed = compose(message, mail, settings);
      try {
        const { response } = await transporter.sendMail(composed);
        return { reply: withoutPassword(response, settings) };
      } catch (error) {
        throw explain(error);
      }
    },
    async verify() {
      try {
        await transporter.verify();
      } catch (error) {
        throw explain(error);
      }
    },
    close: () => transporter.close(),
  };
}

function openTransporter(settings: SmtpSettings) {
  const { host, port, startTls, implicitTls, user, password, timeoutMs } = settings;
  return createTransport({
    host,
    port,
    secure: implicitTls,
    requireTLS: startTls,
    ignoreTLS: !startTls,
    // Used only where the server offers it: a server that wants none has no business with our password.
    ...(user && password && { auth: { user, pass: password } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    maxResponseSize: 64 * 1024,
    disableFileAccess: true,
    disableUrlAccess: true,
    // Said aloud, so that no environment variable switches it off.
    tls: { rejectUnauthorized: true, minVersion: "TLSv1.2", ...settings.tls },
  });
}

/** Addresses are objects, never text: text is parsed as a list, and what one person typed could name another. */
function compose(
  message: Message,
  mail: string,
  { from, replyTo, timeoutMs, now }: SmtpSettings,
): SendMailOptions {
  if (!/^[\w-]{1,100}$/.test(message.id)) throw new Error("A message's id must fit into a Message-ID.");
  return {
    from: { ...from },
    to: { name: "", address: message.to },
    ...(replyTo && { replyTo: { ...replyTo } }),
    subject: message.subject,
    text: message.text,
    html: message.html,
    textEncoding: "quoted-printable",
    date: now(),
    messageId: `<${message.id}@${from.address.slice(from.address.lastIndexOf("@") + 1)}>`,
    headers: {
      // So that no absence note answers (RFC 3834, 5; the second is Exchange's).
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
      // So that Gmail does not fold the newest code into the thread of an older one.
      "X-Entity-Ref-ID": message.id,
      "Content-Language": message.language,
      // So that Google's postmaster tools count complaints by kind of mail; the first two fields may be empty.
      "Feedback-ID": `::${mail}:imagaine-auth`,
    },
    // The other limits are on silence; this one also ends a server that keeps talking.
    signal: AbortSignal.timeout(timeoutMs),
  };
}

interface SmtpError {
  readonly code?: unknown;
  readonly command?: unknown;
  readonly response?: unknown;
  readonly message: string;
}

function toMailError(error: unknown, settings: SmtpSettings): Error {
  if (error instanceof MailRefused || !(error instanceof Error)) return error as Error;
  const { code, command, response, message }: SmtpError = error;
  if (typeof response === "string" && /^[45]\d\d/.test(response) && code !== "ETLS") {
    return toRefusal(withoutPassword(response, settings), String(command));
  }
  const reason =
    code === "EABORT" ? `no end within ${settings.timeoutMs} ms` : withoutPassword(message, settings);
  return new MailUnreachable(`${settings.host}:${settings.port}: ${reason}`);
}

/** Replies about us rather than about the mail: it can be sent once the operator has set them right (RFC 4954, 6). */
const aboutUs = new Set(["503", "530", "534", "535", "538"]);

function toRefusal(reply: string, command: string): MailRefused {
  // A wrong password, a sender the server does not like or a greeting of 554 are no fault of this mail either.
  const isAboutMail = command === "RCPT TO" || command === "DATA";
  const permanent = isAboutMail && reply.startsWith("5") && !aboutUs.has(reply.slice(0, 3));
  return new MailRefused({ permanent, reply });
}

/** On one line, and without our password in any form in which a server could repeat what it was sent. */
function withoutPassword(text: string, { user = "", password }: SmtpSettings): string {
  const forms = password
    ? [`\0${user}\0${password}`, password].map((form) => Buffer.from(form).toString("base64"))
    : [];
  const hidden = [...forms, password ?? ""]
    .filter(Boolean)
    .reduce((sum, form) => sum.replaceAll(form, "[password]"), text);
  return hidden.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").slice(0, 500);
}
