/** What the system offers, and whether it runs: the API's description, health and readiness. */

import type { Feature } from "../../core/feature.ts";
import { health, keySet, ready, schema } from "./api.ts";
import { referencePage } from "./pages.ts";

export const discovery = {
  name: "discovery",
  endpoints: [schema, keySet, health, ready],
  pages: [referencePage],
} as const satisfies Feature;
