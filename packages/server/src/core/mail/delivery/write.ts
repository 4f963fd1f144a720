/** Writes a mail down before it is sent, once: within its recipient's budget, its link made in the same transaction. */

import { canonicalEmail } from "../../../platform/http/email-address.ts";
import type { Context } from "../../context.ts";
import { type Allowance, takeOne } from "../../limits/limits.ts";
import type { AnyMail } from "../mail.ts";
import { type Message, renderMessage } from "../message.ts";
import { type OutboxRow, outboxIn, type Payload, sealPayload, toOrder } from "../outbox.ts";
import { leaseEnd } from "./claim.ts";

/** Ends the transaction that would have written a mail, and undoes whatever it had done for it. */
class NothingToSay extends Error {}

/** The same for a mail that its recipient gets no more of until then. */
class TooMany extends NothingToSay {
  readonly until: Date;

  constructor(until: Date) {
    super();
    this.until = until;
  }
}

/** The message, kept for this try and any later one; undefined when nothing is to be sent, now or at all. */
export async function writeMessage(
  ctx: Context,
  row: OutboxRow,
  mail: AnyMail,
  payload: Extract<Payload, { stage: "ordered" }>,
): Promise<Message | undefined> {
  const order = toOrder(row, payload.order);
  await mail.attribute?.(ctx, order);
  try {
    return await ctx.transaction(async (ctx) => {
      await takeBudget(ctx, mail, row.recipient);
      const composed = await mail.compose(ctx, order);
      if (!composed) throw new NothingToSay();
      const { appName, mail: settings } = ctx.config;
      const message = renderMessage(composed.content, {
        appName,
        replyTo: settings.replyTo?.address,
        language: order.language,
        to: composed.to,
        id: row.id,
      });
      if (!(await keepMessage(ctx, row, message))) throw new NothingToSay();
      return message;
    });
  } catch (error) {
    if (!(error instanceof NothingToSay)) throw error;
    const isToldLater =
      mail.isToldLater && error instanceof TooMany && error.until.getTime() < row.expires_at;
    if (isToldLater) await tellLater(ctx, row, error.until);
    // The row goes, and with it the address that somebody typed.
    else await removeMail(ctx, row);
    return undefined;
  }
}

/**
 * Writes the message down, for this try and any later one. False when the mail is not ours any more: a worker that stood
 * still for longer than its lease has lost it to another. The outbox comes last, as it does for who deletes an account.
 */
async function keepMessage(ctx: Context, row: OutboxRow, message: Message): Promise<boolean> {
  const kept = await outboxIn(ctx)
    .updateTable("outbox")
    .set({
      payload: sealPayload(ctx, row.id, { stage: "written", message }),
      recipient: canonicalEmail(message.to),
      leased_until: leaseEnd(ctx),
    })
    .where("id", "=", row.id)
    .where("lease", "=", row.lease)
    .returning("id")
    .executeTakeFirst();
  return kept !== undefined;
}

async function removeMail(ctx: Context, row: OutboxRow): Promise<void> {
  await outboxIn(ctx).deleteFrom("outbox").where("id", "=", row.id).where("lease", "=", row.lease).execute();
}

/**
 * Keeps a mail over the budget until there is something left, one of each kind for a recipient: what happened last. The
 * owner of an account that somebody plays with gets a few mails and then one, and is never left without the last.
 */
async function tellLater(ctx: Context, row: OutboxRow, until: Date): Promise<void> {
  await ctx.transaction(async (ctx) => {
    const others = await outboxIn(ctx)
      .selectFrom("outbox")
      .select(["id", "created_at"])
      .where("state", "=", "waiting")
      .where("recipient", "=", row.recipient)
      .where("mail", "=", row.mail)
      .where("lease", "is", null)
      // What was begun was within the budget.
      .where("attempts", "=", 0)
      .execute();
    const isNewer = (other: { readonly created_at: number }) => other.created_at > row.created_at;
    if (others.some(isNewer)) return removeMail(ctx, row);
    const older = others.map(({ id }) => id);
    if (older.length > 0) {
      await outboxIn(ctx).deleteFrom("outbox").where("id", "in", older).where("lease", "is", null).execute();
    }
    await outboxIn(ctx)
      .updateTable("outbox")
      .set((waiting) => ({
        ...{ due_at: until.getTime(), lease: null, leased_until: null },
        attempts: waiting("attempts", "-", 1),
      }))
      .where("id", "=", row.id)
      .where("lease", "=", row.lease)
      .execute();
  });
}

/**
 * Counted in the transaction that writes the mail, so that one that is not written uses nothing up: nobody can spend
 * an address's mails before it has an account. Throws TooMany.
 */
async function takeBudget(ctx: Context, mail: AnyMail, recipient: string): Promise<void> {
  if (!ctx.config.rateLimits) return;
  const take = async (what: string | number, allowance: Allowance) =>
    (await takeOne(ctx, `mail ${mail.name} ${what} ${recipient}`, allowance)).emptyUntil;
  // Counted with every mail, so that it is left only once what it counted before is over.
  const isLeftEvenSo = mail.evenSo !== undefined && !(await take("even so", mail.evenSo(ctx)));
  for (const allowance of mail.budget) {
    const emptyUntil = await take(allowance.within, allowance);
    if (!emptyUntil) continue;
    if (isLeftEvenSo) return;
    throw new TooMany(emptyUntil);
  }
}
