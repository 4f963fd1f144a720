/** imagaine-auth outbox: what mail waits, what failed and why, and another try for it. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../core/context.ts";
import type { MailState } from "../core/mail/outbox.ts";
import {
  countMails,
  findMailsById,
  type ListedMail,
  listMails,
  retryMail,
} from "../core/mail/outbox-list.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf, readLimit } from "./flags.ts";
import { addCommand } from "./help.ts";
import { facts, type Output, paint, type Style } from "./output.ts";
import { withSystem } from "./system.ts";
import { visible } from "./visible.ts";

const which = "its id, or the first eight characters of it";

export function addOutbox(program: Command): void {
  const outbox = addCommand(program, {
    name: "outbox",
    sentence: "See what mail waits, what failed and why, and try it again",
    examples: [
      "imagaine-auth outbox list",
      "imagaine-auth outbox list --state failed",
      "imagaine-auth outbox retry 0b0e7a3c",
    ],
  });
  addList(outbox);
  addCommand(outbox, {
    name: "show",
    sentence: "Show what became of a mail; never what it says",
    examples: [
      "imagaine-auth outbox show 0b0e7a3c",
      "imagaine-auth outbox show 0b0e7a3c --json",
      "imagaine-auth outbox show 0b0e7a3c-5d0f-4f5e-9a53-0c8f6f2d7a11",
    ],
  })
    .argument("<mail>", which, readId)
    .action((id: string, _options: unknown, command: Command) => show(callOf(command), id));
  addCommand(outbox, {
    name: "retry",
    sentence: "Try a mail that failed or waits again, at once",
    examples: [
      "imagaine-auth outbox retry 0b0e7a3c",
      "imagaine-auth outbox retry 0b0e7a3c --json",
      "imagaine-auth outbox list --state failed --quiet",
    ],
  })
    .argument("<mail>", which, readId)
    .action((id: string, _options: unknown, command: Command) => retry(callOf(command), id));
}

function addList(outbox: Command): void {
  addCommand(outbox, {
    name: "list",
    sentence: "List mail, the newest first",
    examples: [
      "imagaine-auth outbox list",
      "imagaine-auth outbox list --state failed",
      "imagaine-auth outbox list --limit 500 --json",
    ],
  })
    .addOption(
      new Option("--state <state>", "waiting, sent or failed").choices(["waiting", "sent", "failed"]),
    )
    .option("--limit <number>", "mails at the most, up to 1000", readLimit, 50)
    .action((options: { readonly state?: MailState; readonly limit: number }, command: Command) =>
      list(callOf(command), options),
    );
}

const stateStyles: Readonly<Record<MailState, Style>> = { waiting: "yellow", sent: "green", failed: "red" };

async function list(
  { flags, out }: Call,
  options: { readonly state?: MailState; readonly limit: number },
): Promise<void> {
  await withSystem(flags, async ({ ctx }) => {
    const mails = await listMails(ctx, options);
    const counts = await countMails(ctx);
    if (out.isJson) return out.document({ mails: mails.map(presentMail), total: Object.fromEntries(counts) });
    if (out.isQuiet) return mails.forEach(({ id }) => out.line(id));
    out.table<ListedMail>(
      [
        { title: "ID", value: ({ id }) => (out.isTerminal ? id.slice(0, 8) : id) },
        { title: "TEMPLATE", value: ({ mail }) => mail },
        { title: "TO", value: ({ to }) => to, mayShrink: true },
        { title: "STATE", value: ({ state }) => state, paint: ({ state }) => paint(stateStyles[state]) },
        { title: "TRY", value: ({ attempts }) => String(attempts) },
        { title: "NEXT", value: ({ dueAt }) => out.time(dueAt) },
        { title: "LAST REPLY", value: ({ reply }) => reply ?? "–", mayShrink: true },
      ],
      mails,
    );
    const states: readonly MailState[] = ["waiting", "failed", "sent"];
    out.note(states.map((state) => `${counts.get(state) ?? 0} ${state}`).join(" · "));
  });
}

function readId(text: string): string {
  if (!/^[0-9a-f]{8}[0-9a-f-]{0,28}$/.test(text))
    throw new InvalidArgumentError("It must be an id, or its beginning.");
  return text;
}

async function getMail(ctx: Context, id: string): Promise<ListedMail> {
  const [mail, another] = await findMailsById(ctx, id);
  if (!mail) {
    throw new CommandFailed(`There is no mail ${id}.\n  see  imagaine-auth outbox list`, exitCodes.notFound);
  }
  if (another)
    throw new CommandFailed(`More than one mail begins with ${id}: say more of it.`, exitCodes.usage);
  return mail;
}

async function show({ flags, out }: Call, id: string): Promise<void> {
  await withSystem(flags, async ({ ctx }) => {
    const mail = await getMail(ctx, id);
    if (out.isJson) return out.document({ mail: presentMail(mail) });
    showFacts(out, mail);
  });
}

function showFacts(out: Output, mail: ListedMail): void {
  if (out.isQuiet) return out.line(mail.id);
  facts(out, [
    ["id", mail.id],
    ["template", mail.mail],
    ["to", mail.to],
    ["state", mail.state],
    ["tries", String(mail.attempts)],
    ["ordered", out.time(mail.createdAt)],
    ["next try", out.time(mail.dueAt)],
    ["finished", out.time(mail.finishedAt)],
    ["worth sending until", out.time(mail.expiresAt)],
    ["last reply", mail.reply ?? "–"],
    ["text", mail.isKept ? "kept, encrypted" : "erased"],
  ]);
}

async function retry({ flags, out }: Call, id: string): Promise<void> {
  await withSystem(flags, async ({ ctx }) => {
    const mail = await getMail(ctx, id);
    if (!(await retryMail(ctx, mail.id))) {
      throw new CommandFailed(
        `The mail ${mail.id} cannot be tried again: ${whyNot(await getMail(ctx, mail.id), new Date())}.`,
        exitCodes.conflict,
      );
    }
    const now = await getMail(ctx, mail.id);
    if (out.isJson) out.document({ changed: true, mail: presentMail(now) });
    else if (out.isQuiet) out.line(mail.id);
    else out.line(`${mail.id} to ${visible(mail.to)} is tried again at once.`);
    out.note("The server sends it; it must be running.");
  });
}

function whyNot(mail: ListedMail, now: Date): string {
  if (mail.state === "sent") return "it was sent";
  if (!mail.isKept) return "what it said is erased";
  if (mail.expiresAt <= now) return "its time is over, and so is that of the link in it";
  return "it is being sent right now";
}

function presentMail(mail: ListedMail): Record<string, unknown> {
  return {
    id: mail.id,
    template: mail.mail,
    to: mail.to,
    state: mail.state,
    tries: mail.attempts,
    created_at: mail.createdAt,
    next_try_at: mail.dueAt,
    expires_at: mail.expiresAt,
    finished_at: mail.finishedAt,
    last_reply: mail.reply,
    kept: mail.isKept,
  };
}
