/** What the product does, one line each: the table of contents of the code. */

import { accountDeletion } from "./features/account-deletion/index.ts";
import { administration } from "./features/administration/index.ts";
import { devices } from "./features/devices/index.ts";
import { discovery } from "./features/discovery/index.ts";
import { emailVerification } from "./features/email-verification/index.ts";
import { health } from "./features/health/index.ts";
import { loginFeature } from "./features/login/index.ts";
import { mailbox } from "./features/mailbox/index.ts";
import { passwordChange } from "./features/password-change/index.ts";
import { passwordReset } from "./features/password-reset/index.ts";
import { profile } from "./features/profile/index.ts";
import { registration } from "./features/registration/index.ts";
import { startPages } from "./features/start-page/index.ts";
import { tokenRefresh } from "./features/token-refresh/index.ts";

export const standardFeatures = [
  registration,
  emailVerification,
  loginFeature,
  tokenRefresh,
  passwordReset,
  passwordChange,
  profile,
  devices,
  accountDeletion,
  administration,
  mailbox,
  discovery,
  health,
  startPages,
] as const;
