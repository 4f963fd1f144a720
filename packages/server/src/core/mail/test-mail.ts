/** A mail that shows whether mail leaves at all: sent straight away, past the outbox. */

import { describeError } from "../../platform/log.ts";
import { randomUuid } from "../../platform/random.ts";
import { texts } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import { event, record } from "../events/events.ts";
import { renderMessage } from "./message.ts";
import type { Sent, Transport } from "./transports/transport.ts";

export const mailWasTested = event<{ transport: string; outcome: "sent" | "failed" }>("mail.tested");

const sentences = texts(
  {
    subject: "Test mail from {app}",
    opening: "This is a test: mail from {app} reaches this mailbox.",
    nothingToDo: "Somebody who looks after the server asked for it. There is nothing to do.",
  },
  {
    "pt-BR": {
      subject: "E-mail de teste de {app}",
      opening: "Este é um teste: os e-mails de {app} chegam a esta caixa de entrada.",
      nothingToDo: "Alguém que cuida do servidor o pediu. Não há nada a fazer.",
    },
  },
);

/** Sends it and gives the mail server's reply. Throws MailRefused or MailUnreachable. */
export async function sendTestMail(ctx: Context, transport: Transport, to: string): Promise<Sent> {
  const { appName, language } = ctx.config;
  const say = (key: keyof typeof sentences) => sentences[key][language].replace("{app}", () => appName);
  const content = {
    subject: say("subject"),
    preheader: say("nothingToDo"),
    paragraphs: [say("opening")],
    closing: [say("nothingToDo")],
  };
  const message = renderMessage(content, { appName, language, to, id: randomUuid(ctx.randomBytes) });
  try {
    const sent = await transport.send(message, "test");
    await record(ctx, mailWasTested, null, { transport: transport.name, outcome: "sent" });
    return sent;
  } catch (error) {
    ctx.log("debug", "the test mail did not leave", { error: describeError(error) });
    await record(ctx, mailWasTested, null, { transport: transport.name, outcome: "failed" });
    throw error;
  }
}
