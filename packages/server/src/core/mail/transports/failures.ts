/** Every way in which a mail server does not take a mail: how it is told, what it means, and the setting to change. */

import type { Server, StepFailed } from "./conversation.ts";
import { type About, MailRefused, MailUnreachable } from "./transport.ts";

/** What the sentences are made of. */
export interface Circumstances extends Pick<Server, "host" | "port" | "tls" | "name" | "stepMs"> {
  readonly from: string;
  readonly hasAccount: boolean;
  readonly hasCaFile: boolean;
}

interface Meaning {
  readonly isIt: (failure: Failure) => boolean;
  /** Names the setting to change first, where there is one. */
  readonly says: (here: Circumstances & { readonly at: string }) => string;
  /** Whether it holds for this mail alone; unsaid: whatever comes before the recipient holds for every mail. */
  readonly about?: About;
  /** Whether the same mail would be refused again, though the server says 5xx of much that an operator can mend. */
  readonly permanent?: boolean;
  readonly isGreylisted?: boolean;
}

interface Failure extends Pick<StepFailed, "step" | "command" | "message"> {
  readonly here: Circumstances;
  readonly has: (...codes: readonly (string | RegExp)[]) => boolean;
  /** The reply code, 0 where the server did not answer. */
  readonly code: number;
  /** RFC 3463; empty where the server gives none. */
  readonly enhanced: string;
  readonly said: string;
}

const isMailStep = ({ step }: Failure) => step === "mail";
const isBefore = (step: "connect" | "sign in") => (failure: Failure) => failure.step === step;
const isNo = ({ code }: Failure) => code >= 500;
const isLater = ({ code }: Failure) => code >= 400 && code < 500;
const wantsTls = ({ said }: Failure) => /\b(?:STARTTLS|TLS|SSL|encrypt)/i.test(said);
const saysSignIn = ({ said }: Failure) => /authenticat|\bauth\b|log ?in|sign ?in/i.test(said);
const needsTlsFirst = (failure: Failure) =>
  isNo(failure) &&
  !isEncrypted(failure.here) &&
  (failure.code === 538 || (failure.code === 530 && wantsTls(failure)));
const isEncrypted = ({ tls }: Circumstances) => tls === "implicit" || tls === "starttls";

/** What a server says at the recipient may be about us; where its code says that it is about the mailbox, it is not. */
const isNoToUs = (failure: Failure) =>
  failure.command === "RCPT TO" && isNo(failure) && !/^5\.(?:1\.[1-6]|2\.)/.test(failure.enhanced);

/** From cause to sentence. The first that fits is it. */
const meanings: Readonly<Record<string, Meaning>> = {
  unknownName: {
    isIt: ({ has }) => has("EDNS") && has("ENOTFOUND", "ENODATA"),
    says: ({ host }) =>
      `EMAIL_HOST is ${host}, and there is no such name: set it to the name of the mail server.`,
  },
  noLookUp: {
    isIt: ({ has }) => has("EDNS"),
    says: ({ host }) =>
      `EMAIL_HOST is ${host}, and the name cannot be looked up: check it, and the DNS of this machine.`,
  },
  closedPort: {
    isIt: ({ has }) => has("ECONNREFUSED"),
    says: ({ at }) =>
      `Nothing listens at ${at}: set EMAIL_HOST and EMAIL_PORT to where the mail server listens (usually port 587 or 465), or start it.`,
  },
  tlsExpected: {
    isIt: ({ has }) => has("ETLSFIRST"),
    says: ({ at }) =>
      `${at} expects TLS from the first byte: set EMAIL_USE_SSL=on and EMAIL_USE_TLS=off, or EMAIL_PORT to a port with STARTTLS (usually 587).`,
  },
  noAnswer: {
    isIt: ({ step, has }) =>
      step === "connect" && has("EABORT", "CONNECT_TIMEOUT", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"),
    says: ({ at }) =>
      `${at} does not answer: set EMAIL_HOST and EMAIL_PORT to where the mail server listens, or let the firewall between pass.`,
  },
  silence: {
    isIt: ({ step, has }) => step === "connect" && has("ESILENT", "ETIMEDOUT"),
    says: ({ at, stepMs }) =>
      `${at} takes the connection and does not come to an end of its greeting in ${stepMs / 1000} s: set EMAIL_PORT to the port of its SMTP service, or EMAIL_TIMEOUT to more.`,
  },
  wrongName: {
    isIt: ({ has }) => has("ERR_TLS_CERT_ALTNAME_INVALID"),
    says: ({ at, host }) =>
      `The certificate of ${at} is not for ${host}: set EMAIL_HOST to a name that the certificate holds.`,
  },
  expired: {
    isIt: ({ has }) => has("CERT_HAS_EXPIRED"),
    says: ({ at }) =>
      `The certificate of ${at} has expired: renew it there, or set EMAIL_HOST to another mail server. (Is the clock of this machine right?)`,
  },
  notYetValid: {
    isIt: ({ has }) => has("CERT_NOT_YET_VALID"),
    says: ({ at }) =>
      `The certificate of ${at} is not valid yet: set the clock of this machine, or renew it there.`,
  },
  unknownAuthority: {
    isIt: ({ has }) =>
      has(/^(?:DEPTH_ZERO_)?SELF_SIGNED_CERT/, /^UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)/, /^CERT_UNTRUSTED/),
    says: ({ at, hasCaFile }) =>
      hasCaFile
        ? `The certificate of ${at} is signed by nobody whom this machine or EMAIL_CA_FILE trusts: set EMAIL_CA_FILE to the certificate (PEM) of the authority that signed it.`
        : `The certificate of ${at} is signed by nobody whom this machine trusts: set EMAIL_CA_FILE to the certificate (PEM) of the authority that signed it.`,
  },
  notTls: {
    isIt: ({ has, here }) =>
      here.tls === "implicit" &&
      has(
        /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE|RECORD_LAYER_FAILURE)$/,
      ),
    says: ({ at }) =>
      `EMAIL_USE_SSL is on, and ${at} does not begin with TLS: set EMAIL_USE_TLS=on and EMAIL_USE_SSL=off (usual on port 587), or EMAIL_PORT to a port with TLS from the first byte (usually 465).`,
  },
  clientCertificate: {
    isIt: ({ has }) => has(/CERTIFICATE_REQUIRED/),
    says: ({ at }) =>
      `${at} asks for a certificate of ours, and there is none (Django's EMAIL_SSL_CERTFILE is not supported): let it take EMAIL_HOST_USER and EMAIL_HOST_PASSWORD instead.`,
  },
  oldTls: {
    isIt: ({ has }) => has(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_LOW/),
    says: ({ at }) =>
      `${at} speaks no TLS of version 1.2 or newer: bring that mail server up to date, or set EMAIL_HOST to another.`,
  },
  noCommonTls: {
    isIt: ({ has }) => has(/^ERR_SSL_/),
    says: ({ at }) =>
      `${at} and this server find no TLS that both take: it may be too old for TLS 1.2, or ask for a certificate of ours, which is not supported. Bring it up to date, or set EMAIL_HOST to another.`,
  },
  noStartTls: {
    isIt: (failure) =>
      failure.here.tls === "starttls" &&
      isNo(failure) &&
      (failure.command === "STARTTLS" || isUnknownCommand(failure)),
    says: ({ at }) =>
      `EMAIL_USE_TLS is on, and ${at} offers no STARTTLS: set EMAIL_PORT to a port that does (usually 587), or EMAIL_USE_SSL=on and EMAIL_USE_TLS=off for TLS from the first byte (usually 465).`,
  },
  noTlsNow: {
    isIt: (failure) => failure.command === "STARTTLS" && isLater(failure),
    says: ({ at }) => `${at} cannot begin TLS just now: look there if it stays so.`,
  },
  ourName: {
    isIt: (failure) => isNo(failure) && /^(?:EHLO|HELO)$/.test(failure.command),
    says: ({ at, name }) =>
      `${at} does not like the name that this server greets with, ${name}: set PUBLIC_URL to the name by which this server is reached.`,
  },
  refusedGreeting: {
    isIt: (failure) => isBefore("connect")(failure) && (isNo(failure) || isLater(failure)),
    says: ({ at }) =>
      `${at} turns this server away: allow its address there, or set EMAIL_HOST to another mail server.`,
  },
  noMailServer: {
    isIt: ({ step, has }) => step === "connect" && has("EPROTOCOL"),
    says: ({ at }) =>
      `What listens at ${at} is no mail server (SMTP): set EMAIL_PORT to the port of its SMTP service (usually 587 or 465).`,
  },
  hungUp: {
    isIt: isBefore("connect"),
    says: ({ at }) =>
      `${at} hangs up before it has greeted: set EMAIL_HOST and EMAIL_PORT to the mail server's SMTP service, or allow the address of this server there.`,
  },
  noSignIn: {
    isIt: ({ has }) => has("ENOAUTH"),
    says: ({ at, tls }) =>
      tls === "implicit" || tls === "starttls"
        ? `EMAIL_HOST_USER is set, and ${at} lets nobody sign in: leave EMAIL_HOST_USER and EMAIL_HOST_PASSWORD out, or set EMAIL_PORT to the port for signing in (usually 587 or 465).`
        : `EMAIL_HOST_USER is set, and ${at} lets nobody sign in without TLS: set EMAIL_USE_TLS=on, or leave EMAIL_HOST_USER and EMAIL_HOST_PASSWORD out.`,
  },
  needsTls: {
    isIt: needsTlsFirst,
    says: ({ at }) => `${at} takes nothing without TLS: set EMAIL_USE_TLS=on.`,
  },
  noPassword: {
    isIt: (failure) =>
      isBefore("sign in")(failure) &&
      (failure.code === 0 ? failure.has("EAUTH") : [500, 502, 503, 504].includes(failure.code)),
    says: ({ at }) =>
      `${at} lets nobody sign in with a password: ask who runs it for an account that can, or set EMAIL_HOST to another.`,
  },
  wrongPassword: {
    isIt: (failure) => isBefore("sign in")(failure) && isNo(failure),
    says: () =>
      "The mail server does not take EMAIL_HOST_USER and EMAIL_HOST_PASSWORD: set them to an account there (some providers ask for a password made for applications).",
  },
  noSignInNow: {
    isIt: isBefore("sign in"),
    says: ({ at }) => `${at} cannot sign EMAIL_HOST_USER in just now: look there if it stays so.`,
  },
  tooBig: {
    isIt: (failure) =>
      isMailStep(failure) &&
      failure.command !== "RCPT TO" &&
      (failure.code === 552 ||
        /^5\.(?:3\.4|2\.3)/.test(failure.enhanced) ||
        failure.message.startsWith("Message size larger")),
    says: () =>
      "The mail is larger than the mail server takes: raise its limit there (Postfix: message_size_limit).",
    about: "mail",
    permanent: true,
  },
  mustSignIn: {
    isIt: (failure) =>
      isMailStep(failure) &&
      isNo(failure) &&
      failure.command !== "DATA" &&
      (failure.code === 530 || (saysSignIn(failure) && /required|first|must/i.test(failure.said))),
    says: ({ hasAccount }) =>
      hasAccount
        ? "The mail server wants another sign-in for this sender: set EMAIL_HOST_USER and EMAIL_HOST_PASSWORD to an account that may send."
        : "The mail server takes mail only from who signs in: set EMAIL_HOST_USER and EMAIL_HOST_PASSWORD.",
  },
  relayDenied: {
    isIt: (failure) => isNoToUs(failure) && /\brelay/i.test(failure.said),
    says: ({ hasAccount }) =>
      hasAccount
        ? "The mail server passes no mail on to that domain: set EMAIL_HOST to the server that sends mail for you, or allow this account to relay there."
        : "The mail server passes no mail on to that domain for who does not sign in: set EMAIL_HOST_USER and EMAIL_HOST_PASSWORD, or EMAIL_HOST to the server that sends mail for you.",
  },
  refusedSender: {
    isIt: (failure) =>
      isNo(failure) &&
      (failure.command === "MAIL FROM" ||
        (isNoToUs(failure) && (/^5\.1\.[78]/.test(failure.enhanced) || /\bsender\b/i.test(failure.said)))),
    says: ({ from }) =>
      `The mail server does not take ${from} as the sender: set DEFAULT_FROM_EMAIL to an address that EMAIL_HOST_USER may send from.`,
  },
  noSenderNow: {
    isIt: (failure) => failure.command === "MAIL FROM" && isLater(failure),
    says: () => "The mail server takes nothing from this sender just now: look there if it stays so.",
  },
  greylisted: {
    isIt: (failure) => failure.command === "RCPT TO" && isLater(failure),
    says: () => "The mail server asks to come back later (greylisting): there is nothing to change.",
    isGreylisted: true,
  },
};

/** An old server that knows no EHLO, and so no STARTTLS. */
const isUnknownCommand = ({ command, code }: Failure) => command === "EHLO" && (code === 500 || code === 502);

/** Replies about us rather than about the mail: it can be sent once the operator has set them right (RFC 4954, 6). */
const aboutUs = [503, 530, 534, 535, 538];

/** What the worker, the log, the outbox and `mail test` say of a failure: the same words everywhere. */
export function explainFailure(
  error: StepFailed,
  here: Circumstances,
  hide: (text: string) => string,
): MailRefused | MailUnreachable {
  const failure = toFailure(error, here);
  const at = `${here.host}:${here.port}`;
  const meaning = Object.values(meanings).find(({ isIt }) => isIt(failure));
  const advice = meaning?.says({ ...here, at });
  const isBeforeRecipient = error.step !== "mail" || failure.command === "MAIL FROM";
  const about = meaning?.about ?? (isBeforeRecipient ? "server" : "mail");
  const isRefusal = failure.code >= 400 && failure.command !== "STARTTLS";
  if (isRefusal || meaning?.permanent) {
    const reply = hide(error.response ?? error.message);
    const permanent = meaning ? meaning.permanent === true : isFinal(failure);
    return new MailRefused({ permanent, reply, advice, about, isGreylisted: meaning?.isGreylisted === true });
  }
  const reason = `${at}: ${hide(technically(error))}`;
  return new MailUnreachable(advice === undefined ? reason : `${advice} (${reason})`, about);
}

/** A no to this mail: to its recipient, or to what it says. */
const isFinal = (failure: Failure) =>
  isNo(failure) && /^(?:RCPT TO|DATA)$/.test(failure.command) && !aboutUs.includes(failure.code);

function toFailure(error: StepFailed, here: Circumstances): Failure {
  const { step, command, message, codes, response = "" } = error;
  const [, code = "0", enhanced = ""] = /^(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?/.exec(response) ?? [];
  const has = (...wanted: readonly (string | RegExp)[]) =>
    wanted.some((one) => codes.some((known) => (typeof one === "string" ? known === one : one.test(known))));
  return { step, command, message, here, has, code: Number(code), enhanced, said: response };
}

/** What OpenSSL says is for its authors, and what Node advises is a flag; their short names are what can be searched for. */
function technically({ message, codes }: StepFailed): string {
  const code = codes.find((one) => one.startsWith("ERR_SSL_"));
  if (code) return code;
  return message.replace(/; if the root CA is installed locally.*$/s, "");
}
