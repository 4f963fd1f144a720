import type { Readiness } from "../../core/readiness.ts";
import { defineError } from "../../platform/http/errors.ts";
import { type Language, sentence } from "../../platform/texts.ts";

/** This node should get no calls just now: it stops, or something that it needs does not work. */
export class NotReady extends defineError(
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
