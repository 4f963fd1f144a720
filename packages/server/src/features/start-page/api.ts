import { anyone } from "../../core/access/access.ts";
import { endpoint } from "../../core/feature.ts";
import { readsOnly } from "../../core/limits/limits.ts";

const text = { type: "string", format: "uri" } as const;

export const apiRoot = endpoint({
  method: "get",
  path: "/api/auth/",
  summary: "Where this API is described",
  description: "A browser is shown a page with links instead.",
  access: anyone,
  limit: [readsOnly],
  errors: [],
  reply: {
    type: "object",
    properties: { reference: text, openapi: text },
    required: ["reference", "openapi"],
  },
  handle: async ({ config }) => ({
    reference: `${config.publicUrl}/_/docs/`,
    openapi: `${config.publicUrl}/api/schema/`,
  }),
});
