/** Tells the owner of an address that somebody registered it again. */

import { findAccountByEmail } from "../../core/accounts/accounts.ts";
import { calmMailBudget } from "../../core/mail/budget.ts";
import { contextRows } from "../../core/mail/context-rows.ts";
import { linkToApp } from "../../core/mail/links.ts";
import type { Mail } from "../../core/mail/mail.ts";
import { days } from "../../platform/duration.ts";
import { sentences } from "./texts.ts";

export const alreadyRegisteredMail: Mail<Readonly<Record<never, never>>> = {
  name: "already-registered",
  // Whoever registers an address of their own again waits for it as for a code.
  isAwaited: true,
  worthSendingFor: () => days(1),
  budget: calmMailBudget,
  compose: async (ctx, { to, language, askedFrom }) => {
    const account = await findAccountByEmail(ctx, to);
    if (!account || account.disabledAt) return undefined;
    const say = (key: keyof typeof sentences) => sentences[key][language];
    return {
      to: account.email,
      content: {
        subject: say("subject"),
        preheader: say("preheader"),
        paragraphs: [say("opening"), say("ifForgotten")],
        ...linkToApp(ctx, say("signIn")),
        context: contextRows(language, askedFrom),
        closing: [say("ifNotYou")],
      },
    };
  },
};
