/** A page: to HTML what an endpoint is to JSON, over the same flows. */

import type { Limit, RequestContext } from "./endpoint.ts";
import type { Document } from "./html.ts";

export interface PageCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export interface Page<Ctx extends RequestContext> {
  readonly path: `/${string}`;
  /** Whether this system has the page at all. */
  readonly onlyIf?: (system: Ctx) => boolean;
  /** Whether an endpoint has the same address: browsers get the page, programs the endpoint's reply. */
  readonly besideEndpoint?: true;
  /** Who may open it: throws, or not. */
  readonly access: (ctx: Ctx) => Promise<void>;
  /** Taken before anything else; where one counts by a field, that is a parameter of the path. */
  readonly limit: readonly Limit<Ctx, undefined, string>[];
  /** Taken before its form does anything, as well; one that counts by a field counts by the form's. */
  readonly submitLimit?: readonly Limit<Ctx, undefined, string>[];
  /** Shows the page; changes nothing, since mail scanners and prefetchers open links too. */
  readonly show: (ctx: Ctx, call: PageCall) => Promise<Document>;
  /** What its form does. Only a form on a page of ours gets here. */
  readonly submit?: (
    ctx: Ctx,
    call: PageCall & { readonly form: Readonly<Record<string, unknown>> },
  ) => Promise<Document>;
}
