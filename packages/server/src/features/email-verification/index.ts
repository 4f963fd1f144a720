/** Prove that an address is yours. */

import type { Feature } from "../../core/feature.ts";
import { resend, verifyByCode, verifyByGet, verifyByLink } from "./api.ts";
import { resendVerification, verifyEmail, verifyEmailByCode } from "./flow.ts";
import { verificationMail, welcomeMail } from "./mail.ts";
import { resendPage, verifyEmailPage } from "./pages.ts";

export const emailVerification = {
  name: "emailVerification",
  endpoints: [verifyByCode, resend, verifyByGet, verifyByLink],
  pages: [verifyEmailPage, resendPage],
  flows: { verify: verifyEmail, verifyByCode: verifyEmailByCode, resend: resendVerification },
  mails: [verificationMail, welcomeMail],
} as const satisfies Feature;
