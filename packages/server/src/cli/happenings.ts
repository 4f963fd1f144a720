/** What a person at the terminal sees of what happens while they develop: a line each, some of which no log may hold. */

import { findAccount } from "../core/accounts/accounts.ts";
import type { Context } from "../core/context.ts";
import type { Reaction, RecordedEvent } from "../core/events/events.ts";
import type { Feature } from "../core/feature.ts";
import type { Delivery } from "../core/mail/worker.ts";
import { signedInEvent } from "../core/sign-in/sign-in.ts";
import { describeDevice } from "../core/sign-in/user-agent.ts";
import { signInFailed } from "../features/login/flow.ts";
import { linkIn } from "../features/mailbox/contents.ts";
import type { LogEntry, LogLevel } from "../platform/log.ts";
import { paint, type Style } from "./output.ts";
import { visible, widthOf } from "./visible.ts";

export type Write = (line: string) => void;

/** As wide as the time and the sign. */
const indent = " ".repeat(11);

/**
 * "  14:02:11 ✉ verify-email → …": its parts apart, and nothing in them that a terminal obeys. Parts for which there is
 * no room stand below, whole, so that they can be copied.
 */
export function happening(at: Date, sign: string, parts: readonly (string | undefined)[]): string {
  const room = (process.stdout.columns ?? 100) - indent.length - 2;
  const lines: string[] = [];
  for (const part of parts) {
    if (!part) continue;
    const last = lines.at(-1);
    const joined = last === undefined ? visible(part) : `${last}   ${visible(part)}`;
    if (last !== undefined && widthOf(joined) > room) lines.push(visible(part));
    else lines.splice(-1, 1, joined);
  }
  return `  ${at.toTimeString().slice(0, 8)} ${sign} ${lines.join(`\n  ${indent}`)}`;
}

/** A mail that landed in the mailbox, with its code and its link. */
export function mailLine({ mail, message }: Delivery, at: Date): string {
  const code = /\b\d{3} \d{3}\b/.exec(message.text)?.[0];
  const link = linkIn(message.text) ?? undefined;
  return happening(at, "✉", [`${mail} → ${message.to}`, code && `code ${code}`, link]);
}

/** Shows what the trail records; it is added to a system as any feature is. */
export function showEvents(write: Write): Feature {
  const show = (line: (ctx: Context, happened: RecordedEvent) => Promise<string>): Reaction["react"] => {
    return async (ctx, happened) => write(await line(ctx, happened));
  };
  return {
    name: "terminal",
    reactions: [
      { event: signedInEvent, react: show(signedInLine) },
      { event: signInFailed, react: show(failedLine) },
    ],
  };
}

async function signedInLine(ctx: Context, { accountId, details }: RecordedEvent): Promise<string> {
  const account = await findAccount(ctx, accountId ?? "");
  const method = details.method === "pwd" ? "password" : String(details.method);
  const sign = paint("green")("●");
  return happening(ctx.now(), sign, ["sign-in ok", account?.email, method, whence(ctx)]);
}

async function failedLine(ctx: Context, { accountId, details }: RecordedEvent): Promise<string> {
  const account = accountId === null ? undefined : await findAccount(ctx, accountId);
  const because = () => {
    if (accountId === null) return "no account has this address";
    if (details.reason === "email_not_verified") return "its address is not verified yet";
    return account?.disabledAt ? "the account is disabled" : "wrong password";
  };
  return happening(ctx.now(), paint("yellow")("▲"), [
    ...["sign-in failed", account?.email, because(), whence(ctx)],
  ]);
}

const whence = ({ request }: Context) => `${describeDevice(request.userAgent, "en")} ${request.address}`;

const signs: Readonly<Record<LogLevel, readonly [string, Style]>> = {
  debug: ["·", "dim"],
  info: ["·", "dim"],
  warn: ["▲", "yellow"],
  error: ["✗", "red"],
};

/** What a log says, for a person: where an error comes from stands below it. */
export function formatForPerson({ at, level, message, fields }: LogEntry): string {
  const { error, fix, ...facts } = fields;
  const [sign, style] = signs[level];
  const said = Object.entries(facts).map(([name, value]) => `${name}=${String(value)}`);
  const line = happening(at, paint(style)(sign), [
    message,
    ...said,
    fix === undefined ? undefined : `fix ${fix}`,
  ]);
  const trace =
    error === undefined
      ? []
      : String(error)
          .split("\n")
          .map((one) => `  ${indent}${visible(one)}`);
  return [line, ...trace].join("\n");
}
