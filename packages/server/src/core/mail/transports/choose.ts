/** The transport that the settings ask for. */

import { seconds } from "../../../platform/duration.ts";
import type { Context } from "../../context.ts";
import { captureMail } from "../captured.ts";
import { greetingName } from "./greeting-name.ts";
import { createSmtpTransport } from "./smtp.ts";
import type { Transport } from "./transport.ts";

/** What a whole mail may take: a server that looks for viruses and spam before it answers needs some of it. */
const wholeMail = seconds(60);

export function chooseTransport(ctx: Context): Transport {
  switch (ctx.config.mail.backend) {
    case "smtp":
      return createSmtp(ctx);
    case "both":
      return sendAndCapture(ctx);
    case "capture":
      return createCapture(ctx);
    default:
      return nowhere;
  }
}

/** The mail server of the settings; needs no database. */
export function createSmtp({ config, now }: Pick<Context, "config" | "now">): Transport {
  const { host, port, useTls, useSsl, user, password, from, replyTo, caFile } = config.mail;
  const step = seconds(config.mail.timeout);
  return createSmtpTransport({
    host: host ?? "localhost",
    port,
    startTls: useTls,
    implicitTls: useSsl,
    // A password in clear text is the last resort; in production, mail without one goes as it was configured.
    takesTls: config.mode !== "production" || user !== undefined,
    user,
    password,
    from,
    replyTo,
    name: greetingName(config.publicUrl),
    ca: caFile,
    stepMs: step,
    timeoutMs: Math.max(step, wholeMail),
    now,
  });
}

/** Keeps every mail in the built-in mailbox. */
function createCapture(ctx: Context): Transport {
  return {
    name: "capture",
    send: async (message, mail) => {
      await captureMail(ctx, mail ?? "mail", message);
      return { reply: "kept in the mailbox" };
    },
    verify: async () => undefined,
    close: () => undefined,
  };
}

/** Sends, and keeps what was sent. */
function sendAndCapture(ctx: Context): Transport {
  const [smtp, capture] = [createSmtp(ctx), createCapture(ctx)];
  return {
    ...smtp,
    name: "both",
    send: async (message, mail, signal) => {
      await capture.send(message, mail);
      return smtp.send(message, mail, signal);
    },
  };
}

/** Mail is switched off on purpose: everything else behaves as ever, and nothing leaves. */
const nowhere: Transport = {
  name: "off",
  send: async () => ({ reply: "not sent: EMAIL_BACKEND=off" }),
  verify: async () => undefined,
  close: () => undefined,
};
