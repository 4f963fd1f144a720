/** Sign in with e-mail and password. */

import type { Feature } from "../../core/feature.ts";
import { loginEndpoint } from "./api.ts";
import { login } from "./flow.ts";
import { accountLockedMail } from "./mail.ts";

export const loginFeature = {
  name: "login",
  endpoints: [loginEndpoint],
  flows: { withPassword: login },
  mails: [accountLockedMail],
} as const satisfies Feature;
