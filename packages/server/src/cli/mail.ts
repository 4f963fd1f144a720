/** imagaine-auth mail: shows whether mail leaves. */

import type { Command } from "commander";
import { record } from "../core/events/events.ts";
import { mailWasTested, writeTestMail } from "../core/mail/test-mail.ts";
import { chooseTransport, createSmtp } from "../core/mail/transports/choose.ts";
import type { Transport } from "../core/mail/transports/transport.ts";
import { findMailPasswordProblems } from "../core/production-checks.ts";
import { systemClock } from "../platform/clock.ts";
import { FieldsInvalid } from "../platform/http/errors.ts";
import { email } from "../platform/http/fields.ts";
import { systemRandomBytes } from "../platform/random.ts";
import { loadEnvironment } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { explain } from "./explain.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
import type { Output } from "./output.ts";
import { describeWarning, refuseUnreadable } from "./report.ts";
import { withSystem } from "./system.ts";
import { visible } from "./visible.ts";

export function addMail(program: Command): void {
  const mail = addCommand(program, {
    name: "mail",
    sentence: "See whether mail leaves",
    examples: [
      "imagaine-auth mail test you@example.org",
      "imagaine-auth mail test you@example.org --json",
      "imagaine-auth outbox list --state failed",
    ],
  });
  addCommand(mail, {
    name: "test",
    sentence: "Send a test mail straight away, and show what the mail server says",
    examples: [
      "imagaine-auth mail test you@example.org",
      "imagaine-auth mail test you@example.org --json",
      "EMAIL_HOST=smtp.example.org imagaine-auth mail test you@example.org",
    ],
  })
    .argument("<to>", "an e-mail address that you can read")
    .action((to: string, _options: unknown, command: Command) => test(callOf(command), to));
}

async function test({ flags, out }: Call, given: string): Promise<void> {
  const checked = email().check(given);
  if ("problems" in checked) throw new FieldsInvalid({ to: [...checked.problems] });
  const to = checked.value;
  const loaded = await loadEnvironment(flags);
  refuseUnreadable(loaded);
  for (const one of loaded.warnings) out.note(describeWarning(one));
  const { config } = loaded;
  const { backend, host, port } = config.mail;
  if (backend === "off" || backend === "missing") {
    throw new CommandFailed(
      `No mail leaves: ${backend === "off" ? "EMAIL_BACKEND is off" : "there is no mail server"}.\n  fix  EMAIL_HOST=smtp.example.com (and EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD)`,
      exitCodes.configuration,
    );
  }
  // As the server itself would not start: trying it must not be what gives the password away.
  const [unsafe] = config.mode === "production" ? findMailPasswordProblems(config) : [];
  if (unsafe) {
    const fixes = unsafe.fixes.map((fix, index) => `  ${index === 0 ? "fix" : "or "}  ${fix}`);
    throw new CommandFailed(
      [`${unsafe.problem}: ${unsafe.because}.`, ...fixes].join("\n"),
      exitCodes.configuration,
    );
  }
  const message = writeTestMail({ config, randomBytes: systemRandomBytes }, to);
  const send = async (transport: Transport): Promise<void> => {
    const startedAt = performance.now();
    const { reply } = await transport.send(message, "test");
    const milliseconds = Math.round(performance.now() - startedAt);
    if (out.isJson) out.document({ to, transport: transport.name, reply, ms: milliseconds });
    else out.line(visible(reply));
    out.note(`to ${visible(to)} in ${milliseconds} ms`);
  };
  if (backend === "capture") {
    await withSystem(flags, async ({ ctx }) => {
      await send(chooseTransport(ctx));
      await record(ctx, mailWasTested, null, { transport: "capture", outcome: "sent" });
    });
    return;
  }
  out.note(`${visible(host ?? "localhost")}:${port} …`);
  const transport = createSmtp({ config, now: systemClock });
  try {
    await send(transport);
  } catch (error) {
    await noteTest(flags, out, { transport: transport.name, outcome: "failed" });
    throw error;
  }
  await noteTest(flags, out, { transport: transport.name, outcome: "sent" });
}

/** Whether mail leaves can be asked before there is a database, and while it is away: then the trail lacks it. */
async function noteTest(
  flags: Call["flags"],
  out: Output,
  details: { readonly transport: string; readonly outcome: "sent" | "failed" },
): Promise<void> {
  try {
    await withSystem(flags, ({ ctx }) => record(ctx, mailWasTested, null, details));
  } catch (error) {
    out.note(`not in the audit trail: ${explain(error).message.split("\n")[0]}`);
  }
}
