/** Mail kept instead of sent, or beside it: what the built-in mailbox of a development system shows. */

import type { Context } from "../context.ts";
import { decrypt, encrypt } from "../keys/secrets.ts";
import type { Message } from "./message.ts";

interface CapturedRow {
  id: string;
  mail: string;
  recipient: string;
  /** Encrypted, as in the outbox: it holds live links. */
  message: string;
  at: number;
}

export interface CapturedMail {
  readonly id: string;
  readonly mail: string;
  readonly at: Date;
  readonly message: Message;
}

/** Mails that the mailbox keeps. */
const mostMails = 500;

const capturedIn = (ctx: Context) => ctx.db.$extendTables<{ captured_mails: CapturedRow }>();

/** Keeps a mail; the oldest ones make room. Keeping the same one twice keeps it once. */
export async function captureMail(ctx: Context, mail: string, message: Message): Promise<void> {
  await capturedIn(ctx)
    .insertInto("captured_mails")
    .values({
      id: message.id,
      mail,
      recipient: message.to.toLowerCase(),
      message: encrypt(ctx, `captured ${message.id}`, JSON.stringify(message)),
      at: ctx.now().getTime(),
    })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
  const kept = capturedIn(ctx)
    .selectFrom("captured_mails")
    .select("id")
    .orderBy("at", "desc")
    .limit(mostMails);
  await capturedIn(ctx).deleteFrom("captured_mails").where("id", "not in", kept).execute();
}

/** The mails that were kept, the newest first; those sealed with a secret that is not known any more are left out. */
export async function listCaptured(
  ctx: Context,
  filter: { readonly to?: string; readonly mail?: string } = {},
): Promise<CapturedMail[]> {
  let query = capturedIn(ctx)
    .selectFrom("captured_mails")
    .selectAll()
    .orderBy("at", "desc")
    .orderBy("id")
    .limit(mostMails);
  if (filter.to) query = query.where("recipient", "=", filter.to.toLowerCase());
  if (filter.mail) query = query.where("mail", "=", filter.mail);
  return (await query.execute()).flatMap((row) => openCaptured(ctx, row) ?? []);
}

export async function countCaptured(ctx: Context): Promise<number> {
  const counted = await capturedIn(ctx)
    .selectFrom("captured_mails")
    .select((row) => row.fn.countAll().as("count"))
    .executeTakeFirstOrThrow();
  return Number(counted.count);
}

export async function findCaptured(ctx: Context, id: string): Promise<CapturedMail | undefined> {
  const row = await capturedIn(ctx)
    .selectFrom("captured_mails")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirst();
  return row && openCaptured(ctx, row);
}

function openCaptured(ctx: Context, { id, mail, at, message }: CapturedRow): CapturedMail | undefined {
  const text = decrypt(ctx, `captured ${id}`, message);
  return text === undefined
    ? undefined
    : { id, mail, at: new Date(at), message: JSON.parse(text) as Message };
}

export async function clearCaptured(ctx: Context): Promise<void> {
  await capturedIn(ctx).deleteFrom("captured_mails").execute();
}
