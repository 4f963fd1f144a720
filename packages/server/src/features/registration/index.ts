/** Create an account. */

import type { Feature } from "../../core/feature.ts";
import { registerEndpoint } from "./api.ts";
import { removingUnconfirmed } from "./expiry.ts";
import { register } from "./flow.ts";
import { alreadyRegisteredMail } from "./mail.ts";

export const registration = {
  name: "registration",
  endpoints: [registerEndpoint],
  flows: { register },
  mails: [alreadyRegisteredMail],
  jobs: [removingUnconfirmed],
} as const satisfies Feature;
