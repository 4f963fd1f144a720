/** Know your password, change it. */

import type { Feature } from "../../core/feature.ts";
import { passwordChangedMail } from "../../core/passwords/mail.ts";
import { change } from "./api.ts";
import { changePassword } from "./flow.ts";

export const passwordChange = {
  name: "passwordChange",
  endpoints: [change],
  flows: { change: changePassword },
  mails: [passwordChangedMail],
} as const satisfies Feature;
