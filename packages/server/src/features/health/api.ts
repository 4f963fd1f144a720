import { anyone } from "../../core/access/access.ts";
import { endpoint } from "../../core/feature.ts";
import { readReadiness } from "../../core/readiness.ts";
import { healthPath, readyPath } from "../../platform/http/probes.ts";
import { NotReady } from "./errors.ts";

// Whoever counts here counts a supervisor's calls too, and has it restart a node that is merely busy.
const open = { access: anyone, limit: [], method: "get" } as const;

export const alive = endpoint({
  ...open,
  path: healthPath,
  summary: "Whether the process runs; nothing is looked at",
  reply: { type: "object", properties: { status: { const: "ok" } }, required: ["status"] },
  errors: [],
  handle: async () => ({ status: "ok" }),
});

export const ready = endpoint({
  ...open,
  path: readyPath,
  summary: "Whether this node should get calls: it is not stopping, and its database takes writes",
  description:
    "The answer is at most a second old. One of 503 has a `status`: `stopping`, or `unavailable` with the names of " +
    "what `failed`.",
  reply: { type: "object", properties: { status: { const: "ok" } }, required: ["status"] },
  errors: [NotReady],
  handle: async (ctx) => {
    const readiness = await readReadiness(ctx);
    if (readiness.status !== "ok") throw new NotReady(readiness);
    return { status: readiness.status };
  },
});
