/** Tells the owner of an account that its password is another one now. */

import { days } from "../../platform/duration.ts";
import { texts } from "../../platform/texts.ts";
import { mailBudget } from "../mail/budget.ts";
import { defineNotice } from "../mail/notice.ts";

const sentences = texts(
  {
    subject: "Your password was changed",
    opening: "The password of your account was changed, and other devices were signed out.",
    ifNotYou:
      "If it wasn't you, reset your password at once: only somebody who reads this mailbox can do that.",
  },
  {
    "pt-BR": {
      subject: "Sua senha foi alterada",
      opening: "A senha da sua conta foi alterada e os outros aparelhos foram desconectados.",
      ifNotYou:
        "Se não foi você, redefina já a sua senha: só quem lê esta caixa de e-mail consegue fazer isso.",
    },
  },
);

export const passwordChangedMail = defineNotice({
  name: "password-changed",
  worthSendingFor: () => days(2),
  budget: mailBudget,
  subject: () => sentences.subject,
  opening: sentences.opening,
  closing: [sentences.ifNotYou],
});
