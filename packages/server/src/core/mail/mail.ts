/** What a mail is to the feature that sends it: a name, and how it is written once the worker comes to it. */

import type { Language } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import type { Allowance } from "../limits/limits.ts";
import type { MailContent } from "./message.ts";

/** What is known of the request that asked for a mail, for the mail to tell. */
export interface AskedFrom {
  readonly at: Date;
  readonly address: string;
  readonly userAgent: string;
}

export interface Order<Data> {
  /** The address that was asked for, which may be nobody's. */
  readonly to: string;
  readonly data: Data;
  readonly language: Language;
  readonly askedFrom: AskedFrom;
}

export interface Composed {
  /** The address as its owner's account holds it, never as somebody else typed it. */
  readonly to: string;
  readonly content: MailContent;
}

export interface Mail<Data> {
  /** The template's name: `verify-email`. */
  readonly name: string;
  /** Milliseconds after which nobody is helped by it any more. */
  readonly worthSendingFor: (ctx: Context) => number;
  /** Whether somebody sits and waits for it, as for a link or a code: it goes before what merely tells. */
  readonly isAwaited: boolean;
  /** How many of them one address gets, so that nobody can be bombarded; the longest span comes last. */
  readonly budget: readonly Allowance[];
  /** What an address gets though its budget is used up: for a mail that a stranger must not be able to use up. */
  readonly evenSo?: (ctx: Context) => Allowance;
  /**
   * Whether what it tells is told later once its budget is used up: one mail, of the last time that it happened, when there
   * is something left again. Unsaid: it is not told.
   */
  readonly isToldLater?: boolean;
  /**
   * Notes whom an order concerns. It runs in the worker, before the mail is written or found not worth writing, and again
   * if that was interrupted.
   */
  readonly attribute?: (ctx: Context, order: Order<Data>) => Promise<void>;
  /**
   * Writes the mail; undefined when there is nothing to say to this address. It runs in the worker, inside a
   * transaction: whether an address has an account is found out there, where no stranger's stop-watch reaches.
   */
  readonly compose: (ctx: Context, order: Order<Data>) => Promise<Composed | undefined>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a list holds mails of every kind
export type AnyMail = Mail<any>;
