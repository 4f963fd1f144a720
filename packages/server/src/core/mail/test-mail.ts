/** A mail that shows whether mail leaves at all: sent straight away, past the outbox. */

import { randomUuid } from "../../platform/random.ts";
import { texts } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import { event } from "../events/events.ts";
import { type Message, renderMessage } from "./message.ts";

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

/** What it says; needs no database. */
export function writeTestMail(
  { config, randomBytes }: Pick<Context, "config" | "randomBytes">,
  to: string,
): Message {
  const { appName, language } = config;
  const say = (key: keyof typeof sentences) => sentences[key][language].replace("{app}", () => appName);
  const content = {
    subject: say("subject"),
    preheader: say("nothingToDo"),
    paragraphs: [say("opening")],
    closing: [say("nothingToDo")],
  };
  return renderMessage(content, { appName, language, to, id: randomUuid(randomBytes) });
}
