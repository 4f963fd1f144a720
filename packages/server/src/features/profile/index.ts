/** Read and change your fields and preferences. */

import type { Feature } from "../../core/feature.ts";
import { change, read, replace } from "./api.ts";
import { changeProfile } from "./flow.ts";
import { readPreferences, writePreferences } from "./preferences.ts";

export const profile = {
  name: "profile",
  endpoints: [read, replace, change, readPreferences, writePreferences],
  flows: { change: changeProfile },
} as const satisfies Feature;
