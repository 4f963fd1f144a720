/** Know your password, change it. */

import type { Feature } from "../../core/feature.ts";
import { change } from "./api.ts";
import { changePassword } from "./flow.ts";

export const passwordChange = {
  name: "passwordChange",
  endpoints: [change],
  flows: { change: changePassword },
} as const satisfies Feature;
