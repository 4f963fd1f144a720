/** Tells the owner of an account that so many wrong passwords were typed that signing in is paused. */

import { isOutOfGuesses } from "../../core/limits/guesses.ts";
import { defineNotice } from "../../core/mail/notice.ts";
import { spellDuration } from "../../core/mail/spell-duration.ts";
import { signInGuesses } from "../../core/passwords/guesses.ts";
import { days } from "../../platform/duration.ts";
import { type Language, type Sentence, sentence } from "../../platform/texts.ts";
import { sentences } from "./texts.ts";

/** Ordered for whatever address was tried: the worker finds out whose it is, and whether there is a pause to tell of. */
export const accountLockedMail = defineNotice({
  name: "account-locked",
  worthSendingFor: () => signInGuesses.within,
  // Whoever guesses on and on tells its owner once a day.
  budget: [{ most: 1, within: days(1) }],
  // A try that was right is given back, so the one that used up the last may have been its owner's own.
  holds: async (ctx, account) =>
    account.verifiedAt !== null &&
    account.disabledAt === null &&
    (await isOutOfGuesses(ctx, signInGuesses, account.email)),
  subject: () => withTime(sentences.subject),
  preheader: sentences.preheader,
  opening: withTime(sentences.opening),
  closing: [sentences.ifYou, sentences.ifNotYou],
});

function withTime(text: Sentence): Sentence {
  const fill = (language: Language) =>
    text[language].replace("{time}", spellDuration(signInGuesses.within, language));
  return sentence(fill("en"), fill("pt-BR"));
}
