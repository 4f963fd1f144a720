/** Carries a mail that was claimed to its end: written, sent and noted, put off, given up or given back. */

import { once } from "node:events";
import type { Context } from "../../context.ts";
import type { Message } from "../message.ts";
import { type OutboxRow, openPayload } from "../outbox.ts";
import { MailRefused, MailUnreachable, type Transport } from "../transports/transport.ts";
import type { DatabaseWatch } from "./database-watch.ts";
import { keepLease, settle } from "./lease.ts";
import { describeFailure, firstLine, giveUp, mostTries, putOff, sent } from "./retry.ts";
import { writeMessage } from "./write.ts";

export interface Delivery {
  readonly mail: string;
  readonly message: Message;
}

export interface Carrier extends DatabaseWatch {
  readonly transport: Transport;
  /** Told of what left. */
  readonly delivered: (delivery: Delivery) => void;
  /** How often a lease is renewed, in milliseconds. */
  readonly renewEvery: number;
  /** Aborted: what is still being sent is given back. */
  readonly stop: AbortSignal;
  /** Aborted: what is not noted by then stays so. */
  readonly end: AbortSignal;
}

/** What a delivery showed of the mail server: it spoke of this mail; it takes none, in these words; or nothing. */
export type Finding =
  | { readonly server: "well" | "unknown" }
  | { readonly server: "down"; readonly said: string };

const unknown: Finding = { server: "unknown" };

/**
 * Sends a mail that was claimed, whatever becomes of it.
 *
 * A mail leaves twice in two cases, which nobody can rule out who does not share a database with the mail server: the
 * server took it and its answer was lost, or this process died between that answer and the note of it. The second
 * copy says the same to the letter and bears the same Message-ID, by which most mailboxes drop it.
 */
export async function deliver(ctx: Context, row: OutboxRow, carrier: Carrier): Promise<Finding> {
  const { transport, delivered, renewEvery, stop } = carrier;
  using lease = keepLease(ctx, row, renewEvery, carrier);
  let message: Message | undefined;
  let reply: string;
  try {
    message = await prepareMessage(ctx, row, carrier);
    if (!message) return unknown;
    const over = AbortSignal.any([stop, lease.lost]);
    // Claimed while the stop was under way: it is given back, and not begun.
    if (over.aborted) await failOn(over);
    ({ reply } = await Promise.race([transport.send(message, row.mail, over), failOn(over)]));
  } catch (error) {
    if (lease.lost.aborted) return unknown;
    return await endFailed(ctx, row, { error, message, carrier });
  }
  await settle(ctx, row, sent(ctx, reply, message), carrier);
  delivered({ mail: row.mail, message });
  return { server: "well" };
}

/** A transport is asked to stop, and not waited for. */
async function failOn(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, "abort");
  throw new MailUnreachable("stopped before the mail server had taken the mail");
}

interface Failed {
  readonly error: unknown;
  readonly message: Message | undefined;
  readonly carrier: Carrier;
}

async function endFailed(
  ctx: Context,
  row: OutboxRow,
  { error, message, carrier }: Failed,
): Promise<Finding> {
  const isOfTransport = error instanceof MailRefused || error instanceof MailUnreachable;
  // The try is not the mail's: it was stopped in the middle, or the server takes nothing from anybody.
  const untried = { attempts: row.attempts - 1 };
  if (isOfTransport && error.about === "server") {
    const said = firstLine(describeFailure(error));
    await settle(ctx, row, { ...untried, reply: said }, carrier);
    return { server: "down", said };
  }
  if (carrier.stop.aborted && error instanceof MailUnreachable) {
    await settle(ctx, row, untried, carrier);
    return unknown;
  }
  await settle(ctx, row, putOff(ctx, row, error, message), carrier);
  return error instanceof MailRefused ? { server: "well" } : unknown;
}

/** The message as it was written at the first try; writes it now if this is the first. */
async function prepareMessage(ctx: Context, row: OutboxRow, carrier: Carrier): Promise<Message | undefined> {
  const end = async (said: string, payload = row.payload): Promise<undefined> => {
    await settle(ctx, row, giveUp(ctx, row, said, payload), carrier);
  };
  if (row.expires_at <= ctx.now().getTime()) return end("not sent in time", null);
  // Whatever ends the process at every try, such as a lack of memory, must not go on for ever.
  if (row.attempts > mostTries) return end("no try came to an end");
  const payload = openPayload(ctx, row);
  if (!payload) return end("sealed with another secret");
  if (payload.stage === "written") return payload.message;
  const mail = ctx.additions.mails.get(row.mail);
  if (!mail) return end("no such mail");
  return writeMessage(ctx, row, mail, payload);
}
