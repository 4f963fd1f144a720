/** Tells the owner of an account about a sign-in from a device that was not seen before. */

import { days } from "../../platform/duration.ts";
import { sentence, texts } from "../../platform/texts.ts";
import { findAccountByEmail } from "../accounts/accounts.ts";
import { mailBudget } from "../mail/budget.ts";
import { contextRows } from "../mail/context-rows.ts";
import type { Mail } from "../mail/mail.ts";
import { describeDevice } from "./user-agent.ts";

const sentences = texts(
  {
    opening: "Your account was just used on a device that we have not seen before.",
    ifYou: "If it was you, there is nothing to do.",
    ifNotYou: "If it wasn't you, reset your password at once: that signs every device out.",
  },
  {
    "pt-BR": {
      opening: "Sua conta acaba de ser usada em um aparelho que ainda não conhecíamos.",
      ifYou: "Se foi você, não há nada a fazer.",
      ifNotYou: "Se não foi você, redefina já a sua senha: isso desconecta todos os aparelhos.",
    },
  },
);

const subject = (device: string) => sentence(`New sign-in: ${device}`, `Novo acesso: ${device}`);

export const newDeviceMail: Mail<Readonly<Record<never, never>>> = {
  name: "new-device",
  worthSendingFor: () => days(1),
  budget: mailBudget,
  compose: async (ctx, { to, language, askedFrom }) => {
    const account = await findAccountByEmail(ctx, to);
    if (!account) return undefined;
    return {
      to: account.email,
      content: {
        subject: subject(describeDevice(askedFrom.userAgent, language))[language],
        preheader: sentences.opening[language],
        paragraphs: [sentences.opening[language]],
        context: contextRows(language, askedFrom),
        closing: [sentences.ifYou[language], sentences.ifNotYou[language]],
      },
    };
  },
};
