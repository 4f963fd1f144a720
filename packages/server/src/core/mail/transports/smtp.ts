/** Carries mail to a mail server by SMTP: encrypted as demanded or not at all, to one recipient, within a given time. */

import { getCACertificates } from "node:tls";
import MailComposer from "nodemailer/lib/mail-composer";
import type { Clock } from "../../../platform/clock.ts";
import { isMailableAddress, type Mailbox } from "../mailbox.ts";
import type { Message } from "../message.ts";
import { converse, type Envelope, type Server, StepFailed } from "./conversation.ts";
import { explainFailure } from "./failures.ts";
import { MailRefused, type Transport } from "./transport.ts";

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** EMAIL_USE_TLS: STARTTLS (RFC 3207), without which nothing is sent. */
  readonly startTls: boolean;
  /** EMAIL_USE_SSL: TLS from the first byte (RFC 8314). With neither, the connection is plain, as in Django, … */
  readonly implicitTls: boolean;
  /** … unless STARTTLS is taken where it is offered, from whatever server: better than nothing (RFC 7435). */
  readonly takesTls?: boolean;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** What we call ourselves in EHLO. */
  readonly name: string;
  /** How long one mail may take from the first look-up of the host to the server's last word. */
  readonly timeoutMs: number;
  /** EMAIL_TIMEOUT: how long until the server has greeted, and again until it has signed us in; within `timeoutMs`. */
  readonly stepMs?: number;
  readonly now: Clock;
  /** EMAIL_CA_FILE: certificates in PEM that are trusted beside the usual ones. The server's is always checked. */
  readonly ca?: string | undefined;
  /** The name that the certificate must hold; unsaid: the host. */
  readonly servername?: string;
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
  const server = toServer(settings);
  const talk = async (mail?: Envelope, signal?: AbortSignal) => {
    try {
      return withoutPassword(await converse(server, mail, signal), settings);
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      const here = {
        ...server,
        from: settings.from.address,
        hasAccount: server.account !== undefined,
        hasCaFile: settings.ca !== undefined,
      };
      throw explainFailure(error, here, (text) => withoutPassword(text, settings));
    }
  };
  return {
    name: "smtp",
    async send(message, mail = "mail", signal) {
      if (!isMailableAddress(message.to)) {
        throw new MailRefused({ permanent: true, reply: "not an address that mail is sent to" });
      }
      return { reply: await talk(await compose(message, mail, settings), signal) };
    },
    verify: async () => void (await talk()),
    // Nothing is kept open between two mails.
    close: () => undefined,
  };
}

function toServer(settings: SmtpSettings): Server {
  const { host, port, startTls, implicitTls, takesTls, user, password, name, ca, servername } = settings;
  const tls = implicitTls ? "implicit" : startTls ? "starttls" : takesTls ? "offered" : "none";
  return {
    host,
    port,
    tls,
    name,
    account: user && password ? { user, pass: password } : undefined,
    stepMs: Math.min(settings.stepMs ?? 10_000, settings.timeoutMs),
    wholeMs: settings.timeoutMs,
    tlsOptions: {
      // Said aloud, so that no environment variable switches it off. What nobody demanded cannot be relied on anyway.
      rejectUnauthorized: tls !== "offered",
      minVersion: "TLSv1.2",
      ...(ca !== undefined && { ca: [...getCACertificates("default"), ca] }),
      ...(servername !== undefined && { servername }),
    },
  };
}

/** Addresses are objects, never text: text is parsed as a list, and what one person typed could name another. */
async function compose(
  message: Message,
  mail: string,
  { from, replyTo, now }: SmtpSettings,
): Promise<Envelope> {
  if (!/^[\w-]{1,100}$/.test(message.id)) throw new Error("A message's id must fit into a Message-ID.");
  const node = new MailComposer({
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
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const envelope = node.getEnvelope();
  const [to = "", ...others] = envelope.to;
  if (!envelope.from || others.length > 0) throw new Error("A mail has one sender and one recipient.");
  return { from: envelope.from, to, raw: await node.build() };
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
