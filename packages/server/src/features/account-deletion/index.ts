/** Leave, and take everything along. */

import type { Feature } from "../../core/feature.ts";
import { remove } from "./api.ts";
import { deleteAccount } from "./flow.ts";

export const accountDeletion = {
  name: "accountDeletion",
  endpoints: [remove],
  flows: { delete: deleteAccount },
} as const satisfies Feature;
