/** Forgot it, get a link, choose a new one. */

import type { Feature } from "../../core/feature.ts";
import { confirm, request } from "./api.ts";
import { completePasswordReset, requestPasswordReset } from "./flow.ts";
import { resetMail } from "./mail.ts";
import { choosePassword, forgotPassword } from "./pages.ts";

export const passwordReset = {
  name: "passwordReset",
  endpoints: [request, confirm],
  pages: [choosePassword, forgotPassword],
  flows: { request: requestPasswordReset, complete: completePasswordReset },
  mails: [resetMail],
} as const satisfies Feature;
