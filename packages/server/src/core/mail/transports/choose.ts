/** The transport that the settings ask for. */

import { seconds } from "../../../platform/duration.ts";
import type { Context } from "../../context.ts";
import { captureMail } from "../captured.ts";
import { createSmtpTransport } from "./smtp.ts";
import type { Transport } from "./transport.ts";

/** Well below the lease of a mail, so that a stalled server is given up before somebody else takes the mail on. */
const timeout = seconds(60);

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

function createSmtp({ config, now }: Context): Transport {
  const { host, port, useTls, useSsl, user, password, from, replyTo } = config.mail;
  return createSmtpTransport({
    host: host ?? "localhost",
    port,
    startTls: useTls,
    implicitTls: useSsl,
    user,
    password,
    from,
    replyTo,
    timeoutMs: timeout,
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
    send: async (message, mail) => {
      await capture.send(message, mail);
      return smtp.send(message, mail);
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
