/** See where you are signed in; sign one place out. */

import type { Feature } from "../../core/feature.ts";
import { end, list } from "./api.ts";
import { endDevice, listDevices } from "./flow.ts";

export const devices = {
  name: "devices",
  endpoints: [list, end],
  flows: { list: listDevices, end: endDevice },
} as const satisfies Feature;
