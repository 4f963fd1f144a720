/** What the system offers: the API's description for programs and for people, and the keys of its tokens. */

import type { Feature } from "../../core/feature.ts";
import { keySet, schema } from "./api.ts";
import { referencePage } from "./pages.ts";

export const discovery = {
  name: "discovery",
  endpoints: [schema, keySet],
  pages: [referencePage],
} as const satisfies Feature;
