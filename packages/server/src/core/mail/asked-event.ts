/** Ties the event that a mail was asked for to the account whose mail it is, once the worker knows whether there is one. */

import { findAccountByEmail } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";
import { attributeEvent } from "../events/events.ts";
import type { Order } from "./mail.ts";

export interface AskedFor {
  /** The id of the event; an order that nobody asked for, or of an earlier release, has none. */
  readonly event?: string;
}

export async function attributeAsked(ctx: Context, { to, data }: Order<AskedFor>): Promise<void> {
  const account = data.event === undefined ? undefined : await findAccountByEmail(ctx, to);
  if (account && data.event !== undefined) await attributeEvent(ctx, data.event, account.id);
}
