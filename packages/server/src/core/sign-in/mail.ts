/** Tells the owner of an account about a sign-in from a device and a place that were not seen before. */

import { days } from "../../platform/duration.ts";
import { sentence, texts } from "../../platform/texts.ts";
import { mailBudget } from "../mail/budget.ts";
import { defineNotice } from "../mail/notice.ts";
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

export const newDeviceMail = defineNotice({
  name: "new-device",
  worthSendingFor: () => days(1),
  budget: mailBudget,
  subject: ({ askedFrom, language }) => {
    const device = describeDevice(askedFrom.userAgent, language);
    return sentence(`New sign-in: ${device}`, `Novo acesso: ${device}`);
  },
  opening: sentences.opening,
  closing: [sentences.ifYou, sentences.ifNotYou],
});
