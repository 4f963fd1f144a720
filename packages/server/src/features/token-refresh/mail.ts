/** Tells the owner of an account that a session was ended because its token was used twice. */

import { findAccountByEmail } from "../../core/accounts/accounts.ts";
import { mailBudget } from "../../core/mail/budget.ts";
import { contextRows } from "../../core/mail/context-rows.ts";
import type { Mail } from "../../core/mail/mail.ts";
import { days } from "../../platform/duration.ts";
import { sentences } from "./texts.ts";

export const sessionReuseMail: Mail<Readonly<Record<never, never>>> = {
  name: "session-reuse",
  worthSendingFor: () => days(1),
  budget: mailBudget,
  compose: async (ctx, { to, language, askedFrom }) => {
    const account = await findAccountByEmail(ctx, to);
    if (!account) return undefined;
    return {
      to: account.email,
      content: {
        subject: sentences.subject[language],
        preheader: sentences.preheader[language],
        paragraphs: [sentences.opening[language]],
        context: contextRows(language, askedFrom),
        closing: [sentences.whatToDo[language]],
      },
    };
  },
};
