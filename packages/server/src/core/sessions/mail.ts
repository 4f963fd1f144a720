/** Tells the owner of an account that signing in once more ended sessions elsewhere, since there were too many. */

import { days } from "../../platform/duration.ts";
import { sentence, texts } from "../../platform/texts.ts";
import { defineNotice } from "../mail/notice.ts";

const sentences = texts(
  {
    preheader: "Your account was signed in to in too many places at once.",
    opening:
      "Your account was signed in to in more places at once than it may be, so we signed out those that were used least.",
    ifYou: "If a program of yours signs in again and again, let it keep its sign-in instead.",
    ifNotYou: "If you don't know what this was, reset your password at once: that signs every device out.",
  },
  {
    "pt-BR": {
      preheader: "Sua conta foi acessada em lugares demais ao mesmo tempo.",
      opening:
        "Sua conta foi acessada em mais lugares ao mesmo tempo do que é permitido, por isso desconectamos os menos usados.",
      ifYou: "Se um programa seu entra repetidamente, faça-o manter o acesso em vez disso.",
      ifNotYou: "Se você não sabe o que houve, redefina já a sua senha: isso desconecta todos os aparelhos.",
    },
  },
);

export const sessionsFullMail = defineNotice({
  name: "sessions-full",
  worthSendingFor: () => days(1),
  // Whoever signs in on and on tells the owner once a day.
  budget: [{ most: 1, within: days(1) }],
  subject: () => sentence("We signed some of your devices out", "Desconectamos alguns dos seus aparelhos"),
  preheader: sentences.preheader,
  opening: sentences.opening,
  closing: [sentences.ifYou, sentences.ifNotYou],
});
