/** Whether a node runs, and whether it can do its work: for supervisors and load balancers. */

import type { Feature } from "../../core/feature.ts";
import { alive, ready } from "./api.ts";

export const health = {
  name: "health",
  endpoints: [alive, ready],
} as const satisfies Feature;
