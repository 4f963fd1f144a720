/** What a failure means for a mail: when it is tried again, if ever, and the words in which an operator reads of it. */

import type { Expression } from "kysely";
import { sql } from "kysely";
import { hours, minutes, seconds } from "../../../platform/duration.ts";
import { describeError, type LogLevel } from "../../../platform/log.ts";
import type { Context } from "../../context.ts";
import type { Message } from "../message.ts";
import type { OutboxRow } from "../outbox.ts";
import { MailRefused, MailUnreachable } from "../transports/transport.ts";

/** Waiting before the second try, the third, …; after the last there is none. */
const usualWaits = [seconds(30), minutes(2), minutes(10), minutes(30), hours(1), hours(2), hours(4)];
/** The same for a server that asks to come back: most let a mail in after one to five minutes, and count from the first try. */
const greylistedWaits = [minutes(1), minutes(3), minutes(6), minutes(15), minutes(30), hours(1), hours(2)];

export const mostTries = usualWaits.length + 1;

/** What the row says from now on. */
export type Changes = Partial<Omit<OutboxRow, "due_at">> & { readonly due_at?: Expression<number> };

/** Sets the next try, if there is one and it comes in time to be of use; else gives the mail up. */
export function putOff(ctx: Context, row: OutboxRow, error: unknown, message: Message | undefined): Changes {
  const said = withoutSecrets(describeFailure(error), message);
  const isPermanent = error instanceof MailRefused && error.permanent;
  const waits = error instanceof MailRefused && error.isGreylisted ? greylistedWaits : usualWaits;
  const wait = waits[row.attempts - 1];
  const isInTime = wait !== undefined && ctx.now().getTime() + wait <= row.expires_at;
  if (isPermanent || !isInTime) return giveUp(ctx, row, said);
  tell(ctx, "warn", "a mail will be tried again", row, said);
  const dueAt = sql<number>`${ctx.sharedNow()} + ${wait}`;
  return { due_at: dueAt, cut_off: error instanceof MailUnreachable ? 1 : 0, reply: firstLine(said) };
}

/** Ends a mail that will not be sent, for an operator to see. */
export function giveUp(ctx: Context, row: OutboxRow, said: string, payload = row.payload): Changes {
  tell(ctx, "error", "a mail was given up", row, said);
  return { ...finished(ctx), state: "failed", payload, reply: firstLine(said) };
}

export function sent(ctx: Context, reply: string, message: Message): Changes {
  return { state: "sent", payload: null, reply: withoutSecrets(reply, message), ...finished(ctx) };
}

/** Who asked for it is of no use any more. */
const finished = (ctx: Context): Changes => ({ caused_by: null, finished_at: ctx.now().getTime() });

/** The outbox names the recipient; a log, which is kept elsewhere and longer, need not. */
function tell(ctx: Context, level: LogLevel, what: string, row: OutboxRow, said: string): void {
  const { mail, id, attempts: attempt, recipient } = row;
  ctx.log(level, what, { mail, id, attempt, error: withoutAddress(said, recipient) });
}

/** However the mail server spells it. */
const withoutAddress = (said: string, recipient: string) =>
  said.replaceAll(new RegExp(recipient.replace(/\W/g, "\\$&"), "gi"), "[recipient]");

export const firstLine = (text: string) => (text.split("\n")[0] ?? "").slice(0, 500);

/** What a mail server said is the whole story; a mistake of ours comes with the place where it happened. */
export function describeFailure(error: unknown): string {
  const isExplained = error instanceof MailRefused || error instanceof MailUnreachable;
  return isExplained ? error.message : describeError(error);
}

/** Some servers quote what they refuse: a link or a code in it would lie open in the outbox and in the log. */
function withoutSecrets(reply: string, message: Message | undefined): string {
  const secrets = message?.text.match(/[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{3} \d{3}\b/g) ?? [];
  return [...secrets, ...secrets.map((secret) => secret.replace(" ", ""))].reduce(
    (text, secret) => text.replaceAll(secret, "[secret]"),
    reply,
  );
}
