/** Where somebody lands who opens this server in a browser. */

import type { Feature } from "../../core/feature.ts";
import { apiRoot } from "./api.ts";
import { apiPage, operatorsPage, startPage } from "./pages.ts";

export const startPages = {
  name: "startPage",
  endpoints: [apiRoot],
  pages: [startPage, operatorsPage, apiPage],
} as const satisfies Feature;
