/** The mail that proves an address, and the one that welcomes its owner. */

import { findAccountByEmail, holdAccount } from "../../core/accounts/accounts.ts";
import { type AskedFor, attributeAsked } from "../../core/mail/asked-event.ts";
import { aMinute, hasFreshLink, mailBudget } from "../../core/mail/budget.ts";
import { groupCode } from "../../core/mail/group-code.ts";
import { linkToApp, mailedLink } from "../../core/mail/links.ts";
import type { Mail } from "../../core/mail/mail.ts";
import { spellDuration } from "../../core/mail/spell-duration.ts";
import { issueCode } from "../../core/one-time-tokens/codes.ts";
import { issueOneTimeToken } from "../../core/one-time-tokens/one-time-tokens.ts";
import { days, minutes, seconds } from "../../platform/duration.ts";
import { codeSubject, sentences } from "./texts.ts";

export const verificationPurpose = "verify-email";

/** A mail waits a moment to be written: whoever asks again at the time they were told is not too early for it. */
const freshTime = aMinute - seconds(2);

/** A code is short enough to be guessed, so it lives shorter than its link. */
const codeTtl = minutes(15);

type NoDetails = Readonly<Record<never, never>>;

export const verificationMail: Mail<AskedFor> = {
  name: "verify-email",
  isAwaited: true,
  worthSendingFor: (ctx) => ctx.config.verificationTtl,
  budget: mailBudget,
  attribute: attributeAsked,
  compose: async (ctx, { to, language, askedFrom }) => {
    const found = await findAccountByEmail(ctx, to);
    // Held, so that it does not go as one that nobody verifies while it gets a link.
    const account = found && (await holdAccount(ctx, found.id));
    if (!account || account.verifiedAt || account.disabledAt) return undefined;
    if (await hasFreshLink(ctx, verificationPurpose, account.id, freshTime)) return undefined;
    const ttl = ctx.config.verificationTtl;
    const token = await issueOneTimeToken(ctx, verificationPurpose, account.id, ttl, askedFrom.address);
    const code = await issueCode(ctx, verificationPurpose, account.id, token, Math.min(codeTtl, ttl));
    const say = (key: keyof typeof sentences) => sentences[key][language];
    const times = say("times")
      .replace("{code}", spellDuration(Math.min(codeTtl, ttl), language))
      .replace("{link}", spellDuration(ttl, language));
    return {
      to: account.email,
      content: {
        subject: codeSubject(groupCode(code), ctx.config.appName)[language],
        preheader: say("opening"),
        paragraphs: [say("opening")],
        code,
        button: { label: say("verify"), url: mailedLink(ctx, "verify-email", token) },
        closing: [times, say("ifNotYou")],
      },
    };
  },
};

export const welcomeMail: Mail<NoDetails> = {
  name: "welcome",
  isAwaited: false,
  worthSendingFor: () => days(2),
  budget: [],
  compose: async (ctx, { to, language }) => {
    const account = await findAccountByEmail(ctx, to);
    if (!account || account.disabledAt) return undefined;
    const say = (key: keyof typeof sentences) =>
      sentences[key][language].replace("{app}", () => ctx.config.appName);
    return {
      to: account.email,
      content: {
        subject: say("welcomeSubject"),
        preheader: say("welcomeText"),
        paragraphs: [say("welcomeText")],
        ...linkToApp(ctx, say("openApp")),
      },
    };
  },
};
