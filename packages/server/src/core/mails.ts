/** The mails that belong to no single feature. */

import type { AnyMail } from "./mail/mail.ts";
import { passwordChangedMail } from "./passwords/mail.ts";
import { sessionsFullMail } from "./sessions/mail.ts";
import { newDeviceMail } from "./sign-in/mail.ts";

export const coreMails: readonly AnyMail[] = [passwordChangedMail, newDeviceMail, sessionsFullMail];
