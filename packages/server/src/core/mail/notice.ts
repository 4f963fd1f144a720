/** A notice: tells the owner of an account what happened, when and from where, with no link to follow. */

import type { Sentence } from "../../platform/texts.ts";
import { type Account, findAccountByEmail } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { contextRows } from "./context-rows.ts";
import type { Mail, Order } from "./mail.ts";

export interface Notice extends Pick<Mail<NoDetails>, "name" | "worthSendingFor" | "budget"> {
  readonly subject: (order: Order<NoDetails>) => Sentence;
  readonly opening: Sentence;
  /** What a list of mails shows; unsaid: the opening. */
  readonly preheader?: Sentence;
  /** What to do about it. */
  readonly closing: readonly Sentence[];
  /** Whether what it says holds by the time it is written; unsaid: it does. */
  readonly holds?: (ctx: Context, account: Account) => Promise<boolean>;
}

type NoDetails = Readonly<Record<never, never>>;

export function defineNotice({
  subject,
  opening,
  preheader = opening,
  closing,
  holds = async () => true,
  ...mail
}: Notice): Mail<NoDetails> {
  return {
    ...mail,
    isAwaited: false,
    isToldLater: true,
    compose: async (ctx, order) => {
      const account = await findAccountByEmail(ctx, order.to);
      if (!account || !(await holds(ctx, account))) return undefined;
      const { language } = order;
      return {
        to: account.email,
        content: {
          subject: subject(order)[language],
          preheader: preheader[language],
          paragraphs: [opening[language]],
          context: contextRows(language, order.askedFrom),
          closing: closing.map((sentence) => sentence[language]),
        },
      };
    },
  };
}
