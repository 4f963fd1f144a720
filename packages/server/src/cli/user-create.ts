/** imagaine-auth user create: makes an account for somebody, under the rules of the API. */

import type { Command } from "commander";
import { type StoredField, storedFields } from "../core/accounts/fields.ts";
import type { Context } from "../core/context.ts";
import { createUser } from "../features/administration/flow.ts";
import { checkNewUser, readNewUser } from "../features/administration/form.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
import { choosePasswordSource } from "./prompt.ts";
import { withSystem } from "./system.ts";
import { presentAccount } from "./user-present.ts";
import { visible } from "./visible.ts";

interface CreateOptions {
  readonly username?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly field: readonly string[];
  readonly verified: boolean;
  readonly passwordStdin: boolean;
}

export function addUserCreate(user: Command): void {
  addCommand(user, {
    name: "create",
    sentence: "Make an account; it is mailed a link to verify its address, unless that is verified already",
    examples: [
      "imagaine-auth user create ada@example.org --verified",
      "imagaine-auth user create ada@example.org --password-stdin < password.txt",
      "imagaine-auth user create ada@example.org --first-name Ada --field plan=pro",
    ],
  })
    .argument("<email>", "the e-mail address")
    .option("--username <name>", "if left out: what stands before the @")
    .option("--first-name <name>", "the first name")
    .option("--last-name <name>", "the last name")
    .option("--field <name=value>", "any declared field; may be said more than once", collect, [])
    .option("--verified", "the address counts as verified, and nothing is mailed", false)
    .option("--password-stdin", "the password is on standard input", false)
    .action((email: string, options: CreateOptions, command: Command) =>
      create(callOf(command), email, options),
    );
}

const collect = (value: string, before: readonly string[]) => [...before, value];

async function create({ flags, out }: Call, email: string, options: CreateOptions): Promise<void> {
  const readPassword = choosePasswordSource(options.passwordStdin);
  await withSystem(flags, async ({ ctx }) => {
    const { firstName, lastName, verified, username = email.slice(0, email.lastIndexOf("@")) } = options;
    const values = {
      ...(firstName === undefined ? {} : { first_name: firstName }),
      ...(lastName === undefined ? {} : { last_name: lastName }),
      ...Object.fromEntries(options.field.map((said) => readField(ctx, said))),
      ...{ email, username },
    };
    // Nobody types a password for what is refused anyway.
    if (process.stdin.isTTY) await checkNewUser(ctx, values);
    const user = await readNewUser(ctx, { ...values, password: await readPassword() });
    const account = await createUser(ctx, user, { isVerified: verified });
    if (out.isJson) out.document({ user: presentAccount(ctx, account) });
    else if (out.isQuiet) out.line(account.id);
    else out.line(`${visible(account.email)} has an account: ${account.id}`);
    if (!verified) out.note("It is mailed a link to verify its address.");
  });
}

/** The field that `name=value` names, and the value in the field's own type; what is wrong with it is said later. */
function readField({ additions }: Context, said: string): [string, unknown] {
  const [, name = "", text = ""] = /^([^=]*)=(.*)$/s.exec(said) ?? [];
  const fields = storedFields(additions.fields);
  const field = fields.find(([declared]) => declared === name)?.[1];
  if (field) return [name, readValue(field, name, text)];
  const names = fields.map(([declared]) => declared).join(", ");
  throw new CommandFailed(
    `There is no field in \`${visible(said)}\`.\n  fix  --field name=value, with one of: ${names}`,
    exitCodes.usage,
  );
}

function readValue(field: StoredField, name: string, text: string): unknown {
  switch (field.type) {
    case "integer":
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "json":
      return readJson(name, text);
    default:
      return text;
  }
}

function readJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandFailed(`${name}: Value must be valid JSON.`, exitCodes.invalid);
  }
}
