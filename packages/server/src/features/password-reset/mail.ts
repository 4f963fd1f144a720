/** The mail with the link to a new password. */

import { findAccountByEmail, holdAccount } from "../../core/accounts/accounts.ts";
import { type AskedFor, attributeAsked } from "../../core/mail/asked-event.ts";
import { hasFreshLink, mailBudget } from "../../core/mail/budget.ts";
import { contextRows } from "../../core/mail/context-rows.ts";
import { mailedLink } from "../../core/mail/links.ts";
import type { Mail } from "../../core/mail/mail.ts";
import { spellDuration } from "../../core/mail/spell-duration.ts";
import { endOneTimeTokens, issueOneTimeToken } from "../../core/one-time-tokens/one-time-tokens.ts";
import { sentences, subject } from "./texts.ts";

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
    // A newer link replaces the older one; since a mail over the budget is not written, somebody who asks and asks
    // for another's address leaves its owner with the last link, still good.
    await endOneTimeTokens(ctx, account.id, [resetPurpose]);
    const token = await issueOneTimeToken(ctx, resetPurpose, account.id, ctx.config.resetTtl);
    const say = (key: keyof typeof sentences) => sentences[key][language];
    const linkTime = say("linkTime").replace("{time}", spellDuration(ctx.config.resetTtl, language));
    return {
      to: account.email,
      content: {
        subject: subject(ctx.config.appName)[language],
        preheader: linkTime,
        paragraphs: [say("opening")],
        button: { label: say("button"), url: mailedLink(ctx, "reset-password", token) },
        context: contextRows(language, askedFrom),
        closing: [linkTime, say("ifNotYou")],
      },
    };
  },
};
