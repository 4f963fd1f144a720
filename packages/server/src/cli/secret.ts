/** imagaine-auth secret: makes a value for SECRET_KEY. */

import { type Command, InvalidArgumentError } from "commander";
import { toBase64Url } from "../platform/encoding.ts";
import { systemRandomBytes } from "../platform/random.ts";
import { callOf } from "./flags.ts";
import { addCommand } from "./help.ts";

export function addSecret(program: Command): void {
  addCommand(program, {
    name: "secret",
    sentence: "Make a new secret key, and show it this once",
    examples: [
      "imagaine-auth secret",
      "imagaine-auth secret --bytes 64",
      'echo "SECRET_KEY=$(imagaine-auth secret)" >> .env',
    ],
  })
    .option("--bytes <number>", "random bytes, 32 to 1024", readBytes, 32)
    .action((options: { readonly bytes: number }, command: Command) => {
      const { out } = callOf(command);
      const secret = toBase64Url(systemRandomBytes(options.bytes));
      if (out.isJson) out.document({ secret });
      else out.line(secret);
    });
}

function readBytes(text: string): number {
  const bytes = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (bytes < 32 || bytes > 1024) throw new InvalidArgumentError("It must be from 32 to 1024.");
  return bytes;
}
