import { anyone } from "../../core/access/access.ts";
import { endpoint } from "../../core/feature.ts";
import { type Readiness, readReadiness } from "../../core/readiness.ts";
import { defineError } from "../../platform/http/errors.ts";
import { healthPath, readyPath } from "../../platform/http/probes.ts";
import { type Language, sentence } from "../../platform/texts.ts";

/** This node should get no calls just now: it stops, or something that it needs does not work. */
class NotReady extends defineError(
  503,
  "not_ready",
  sentence("This server takes no calls just now.", "Este servidor não atende chamadas no momento."),
) {
  readonly readiness: Readiness;

  constructor(readiness: Readiness) {
    super({ headers: { "Retry-After": "1" } });
    this.readiness = readiness;
  }

  override body(language: Language): Record<string, unknown> {
    const { status, failed } = this.readiness;
    return { status, ...(failed.length > 0 && { failed }), ...super.body(language) };
  }
}

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
