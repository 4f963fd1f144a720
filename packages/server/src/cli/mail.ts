/** imagaine-auth mail: shows whether mail leaves. */

import type { Command } from "commander";
import { sendTestMail } from "../core/mail/test-mail.ts";
import { chooseTransport } from "../core/mail/transports/choose.ts";
import { FieldsInvalid } from "../platform/http/errors.ts";
import { email } from "../platform/http/fields.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
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
  await withSystem(flags, async ({ ctx }) => {
    const { backend, host, port } = ctx.config.mail;
    if (backend === "off" || backend === "missing") {
      throw new CommandFailed(
        `No mail leaves: ${backend === "off" ? "EMAIL_BACKEND is off" : "there is no mail server"}.\n  fix  EMAIL_HOST=smtp.example.com (and EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD)`,
        exitCodes.configuration,
      );
    }
    if (backend !== "capture") out.note(`${visible(host ?? "localhost")}:${port} …`);
    const transport = chooseTransport(ctx);
    const startedAt = performance.now();
    try {
      const { reply } = await sendTestMail(ctx, transport, to);
      const milliseconds = Math.round(performance.now() - startedAt);
      if (out.isJson) out.document({ to, transport: transport.name, reply, ms: milliseconds });
      else out.line(visible(reply));
      out.note(`to ${visible(to)} in ${milliseconds} ms`);
    } finally {
      transport.close();
    }
  });
}
