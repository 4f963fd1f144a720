/** Tells the owner of an account that a session was ended because its token was used twice. */

import { mailBudget } from "../../core/mail/budget.ts";
import { defineNotice } from "../../core/mail/notice.ts";
import { days } from "../../platform/duration.ts";
import { sentences } from "./texts.ts";

export const sessionReuseMail = defineNotice({
  name: "session-reuse",
  worthSendingFor: () => days(1),
  budget: mailBudget,
  subject: () => sentences.subject,
  preheader: sentences.preheader,
  opening: sentences.opening,
  closing: [sentences.whatToDo],
});
