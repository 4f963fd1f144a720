/** What an endpoint is: one value that routes, guards, documents and answers a call. */

import type { DeclaredError } from "./errors.ts";
import type { JsonSchema } from "./fields.ts";
import type { Form } from "./form.ts";
import type { RequestInfo } from "./request.ts";

/** What the platform itself needs of a context; who may do what is the application's to know. */
export interface RequestContext {
  readonly request: RequestInfo;
}

/** Who may call. Gives the caller, or throws. */
export interface Access<Ctx, Caller> {
  readonly check: (ctx: Ctx) => Promise<Caller>;
  /** Whether a bearer token is asked for: for the documents. */
  readonly needsToken: boolean;
  readonly errors: readonly DeclaredError[];
}

/** What a limit may count by. The body is there only for limits that count by one of its fields. */
export interface Counted<Caller> {
  readonly caller: Caller;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Tells a limit how a call that it counted has ended. Never throws: what the call did is done. */
export type Settle = (isWrongGuess: boolean) => Promise<void>;

/**
 * How often. `FieldName` is the body field it counts by, so that a misspelt one does not compile; `never` when it
 * counts by none. Throws when there were too many; may give back whom to tell how the call ended.
 */
export interface Limit<Ctx, in Caller, FieldName extends string = never> {
  /** For the documents. */
  readonly describe: (system: Ctx) => string;
  readonly countsBy: "address" | "caller" | { readonly field: FieldName };
  /**
   * For a limit by address: which field of the body may prove that the call is not a stranger's, and whether this call
   * says so. Then it is taken after the body, which it is handed.
   */
  readonly spares?: { readonly field: FieldName; readonly isClaimed: (ctx: Ctx) => boolean };
  readonly take: (ctx: Ctx, counted: Counted<Caller>) => Promise<undefined | Settle>;
}

export interface Call<Caller, V> {
  readonly caller: Caller;
  readonly body: V;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export type Method = "get" | "post" | "put" | "patch" | "delete";

export interface Endpoint<Ctx, Caller, V> {
  readonly method: Method;
  /** With its final slash; the path without it answers alike. */
  readonly path: `/${string}`;
  /** Older spellings of the path that go on working. */
  readonly alsoAt?: readonly `/${string}`[];
  readonly summary: string;
  readonly description?: string;
  readonly access: Access<Ctx, Caller>;
  readonly limit: readonly Limit<Ctx, Caller, keyof V & string>[];
  /** What its query may say, by name, for the documents: all of it may be left out. */
  readonly query?: Readonly<Record<string, JsonSchema>>;
  /** The body, if there is one; a function where it depends on the fields that were declared. */
  readonly body?: Form<Ctx, V, Caller> | ((system: Ctx) => Form<Ctx, V, Caller>);
  /** Whether this system has the endpoint at all; every one does, unless it says so. */
  readonly onlyIf?: (system: Ctx) => boolean;
  readonly status?: 200 | 201;
  readonly reply: JsonSchema | ((system: Ctx) => JsonSchema);
  readonly errors: readonly DeclaredError[];
  readonly handle: (ctx: Ctx, call: Call<Caller, V>) => Promise<unknown>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a list holds endpoints of every caller and body
export type AnyEndpoint<Ctx> = Endpoint<Ctx, any, any>;

/** The reply `{"detail": "…"}`. */
export const detailReply: JsonSchema = {
  type: "object",
  properties: { detail: { type: "string" } },
  required: ["detail"],
};
