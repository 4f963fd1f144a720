/** Whoever has a link that still works: nobody who sends links that are none can shut them out. */

import type { SparedCalls } from "../../core/limits/limits.ts";
import { sha256Hex } from "../../platform/encoding.ts";
import { findPasswordLink } from "./flow.ts";

export const goodLinks: SparedCalls<"token"> = {
  who: "good links",
  by: {
    field: "token",
    isClaimed: () => true,
    prove: async (ctx, token) => ((await findPasswordLink(ctx, token)) ? sha256Hex(token) : undefined),
  },
};
