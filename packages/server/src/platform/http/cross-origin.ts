/** Which pages of other sites may call (the Fetch standard's CORS): exact origins, never credentials. */

export interface CrossOrigin {
  /** Whether pages of this origin may read our answers. */
  readonly allows: (origin: string) => boolean;
}

/** The paths that other origins may call; the operator's pages under `/_/` are not among them. */
export function isOpenToOtherOrigins(path: string): boolean {
  return path.startsWith("/api/") || path.startsWith("/.well-known/");
}

/** Whether a page of our own sent this: browsers say so (Fetch Metadata), older ones name the page's origin. */
export function isFromOwnPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  return site ? site === "same-origin" : origin !== null && URL.parse(origin)?.host === headers.get("host");
}

const readableHeaders = "Retry-After, WWW-Authenticate, X-Request-Id, X-Refresh, Device-Token, Link";
const acceptedHeaders = "Authorization, Content-Type, Accept-Language, Idempotency-Key, Device-Token";

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
