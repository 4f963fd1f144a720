/** The mail with the link to a new password. */

import { findAccountByEmail, holdAccount } from "../../core/accounts/accounts.ts";
import { type AskedFor, attributeAsked } from "../../core/mail/asked-event.ts";
import { hasFreshLink, mailBudget } from "../../core/mail/budget.ts";
import { contextRows } from "../../core/mail/context-rows.ts";
import { mailedLink } from "../../core/mail/links.ts";
import type { Mail } from "../../core/mail/mail.ts";
import { spellDuration } from "../../core/mail/spell-duration.ts";
import { issueOneTimeToken } from "../../core/one-time-tokens/one-time-tokens.ts";
import { firstSubject, sentences, subject } from "./texts.ts";

export const resetPurpose = "password-reset";

export const resetMail: Mail<AskedFor> = {
  name: "reset-password",
  isAwaited: true,
  worthSendingFor: (ctx) => ctx.config.resetTtl,
  budget: mailBudget,
  // Whoever uses the budget up for somebody else leaves them one link at a time that works.
  evenSo: (ctx) => ({ most: 1, within: ctx.config.resetTtl }),
  attribute: attributeAsked,
  compose: async (ctx, { to, language, askedFrom }) => {
    const found = await findAccountByEmail(ctx, to);
    const account = found && (await holdAccount(ctx, found.id));
    if (!account || account.disabledAt) return undefined;
    if (await hasFreshLink(ctx, resetPurpose, account.id)) return undefined;
    const { resetTtl } = ctx.config;
    const token = await issueOneTimeToken(ctx, resetPurpose, account.id, resetTtl, askedFrom.address);
    const say = (key: keyof typeof sentences) => sentences[key][language];
    const linkTime = say("linkTime").replace("{time}", spellDuration(resetTtl, language));
    // Somebody whose address was verified without a password that could be believed has none to reset.
    const isFirst = account.verifiedAt !== null && account.passwordHash === null;
    return {
      to: account.email,
      content: {
        subject: (isFirst ? firstSubject : subject)(ctx.config.appName)[language],
        preheader: linkTime,
        paragraphs: [say(isFirst ? "openingFirst" : "opening")],
        button: {
          label: say(isFirst ? "buttonFirst" : "button"),
          url: mailedLink(ctx, "reset-password", token),
        },
        context: contextRows(language, askedFrom),
        closing: [linkTime, say(isFirst ? "ifNotYouFirst" : "ifNotYou")],
      },
    };
  },
};
