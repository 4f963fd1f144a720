/** Which pages and applications of other origins may call (the Fetch standard's CORS): exact ones, never with credentials. */

export interface CrossOrigin {
  /** The origin that people reach us at. */
  readonly own: string;
  /** Whether pages of this origin may read our answers. */
  readonly allows: (origin: string) => boolean;
}

/** The paths that other origins may call; the operator's pages under `/_/` are not among them. */
export function isOpenToOtherOrigins(path: string): boolean {
  return path.startsWith("/api/") || path.startsWith("/.well-known/");
}

/**
 * Whether a page of our own sent this: browsers say so (Fetch Metadata); where they do not, as over plain http, they name
 * the page's origin. That is ours by configuration or, since a proxy may put another name into `Host`, by that name.
 */
export function isFromOwnPage(headers: Headers, own: string): boolean {
  const site = headers.get("sec-fetch-site");
  if (site) return site === "same-origin";
  const origin = URL.parse(headers.get("origin") ?? "");
  return origin !== null && (origin.origin === own || origin.host === headers.get("host"));
}

const readableHeaders = "Retry-After, WWW-Authenticate, X-Request-Id, X-Refresh, Device-Token, Link";

/** What a call may bring along. A browser refuses to send a call at all that has one other header. */
const acceptedHeaders = [
  ...["Authorization", "Content-Type", "Accept-Language", "Idempotency-Key", "Device-Token", "X-Request-Id"],
  // What clients of Django send, by the defaults of django-cors-headers.
  ...["Accept", "User-Agent", "X-CSRFToken", "X-Requested-With"],
  // What tracing adds to every call of a page: W3C Trace Context and Baggage, and the tools' own.
  ...[
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "b3",
    "newrelic",
    "Request-Id",
    "Request-Context",
  ],
  ...["x-datadog-origin", "x-datadog-parent-id", "x-datadog-sampling-priority", "x-datadog-trace-id"],
].join(", ");

/** Says on an answer, refusals included, whether the calling page may read it. */
export function addCrossOriginHeaders(headers: Headers, origin: string | null, rules: CrossOrigin): void {
  headers.append("Vary", "Origin");
  if (!origin || !rules.allows(origin)) return;
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Expose-Headers", readableHeaders);
}

/** Answers the question that a browser asks before it sends a call with headers or a body of its own. */
export function preflightAnswer(methods: readonly string[]): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": methods.join(", "),
      "Access-Control-Allow-Headers": acceptedHeaders,
      "Access-Control-Max-Age": "7200",
    },
  });
}
