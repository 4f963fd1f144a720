/** What a feature is, and all that it can add to the system. */

import type { Migrations } from "../platform/database/migrate.ts";
import type { AnyEndpoint, Endpoint } from "../platform/http/endpoint.ts";
import type { Page } from "../platform/http/page.ts";
import type { UserFields } from "./accounts/fields.ts";
import type { Context } from "./context.ts";
import type { Reaction } from "./events/events.ts";
import type { AnyMail } from "./mail/mail.ts";
import type { SignInGate } from "./sign-in/gates.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a flow takes whatever its story needs
export type Flow = (ctx: Context, ...rest: any[]) => unknown;

/** Something done now and then, on every node; two doing it at once must do no harm. */
export interface Job {
  readonly name: string;
  readonly every: number;
  /** Whether it is done as soon as a node starts; unsaid: within a minute, so that nodes started together spread out. */
  readonly startsAtOnce?: boolean;
  readonly run: (ctx: Context) => Promise<void>;
}

/** All that a feature can add. A key more needs a decision record. */
export interface Feature {
  readonly name: string;
  readonly endpoints?: readonly AnyEndpoint<Context>[];
  readonly pages?: readonly Page<Context>[];
  /** Bound to the context as `auth.<name>.<flow>(…)`. */
  readonly flows?: Readonly<Record<string, Flow>>;
  readonly mails?: readonly AnyMail[];
  /** Named `2026-12-01-what`, run in the order of their names across all features. */
  readonly migrations?: Migrations;
  /** What must hold at every sign-in. */
  readonly gates?: readonly SignInGate[];
  /** What follows once something happened. */
  readonly reactions?: readonly Reaction[];
  readonly jobs?: readonly Job[];
}

/** What the listed features add together, and the fields that were declared: fixed when the system is made. */
export interface Additions {
  readonly fields: UserFields;
  readonly endpoints: readonly AnyEndpoint<Context>[];
  readonly jobs: readonly Job[];
  readonly gates: readonly SignInGate[];
  readonly reactions: readonly Reaction[];
  readonly mails: ReadonlyMap<string, AnyMail>;
}

/** Declares an endpoint. Leaving out who may call it, or how often, does not compile. */
export function endpoint<Caller, V = Readonly<Record<never, never>>>(
  one: Endpoint<Context, Caller, V>,
): Endpoint<Context, Caller, V> {
  return one;
}
