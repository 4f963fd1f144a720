/** What went wrong, in one to three lines: what, why, and how to mend it; and the code to end with. */

import { SecretMismatch } from "../core/keys/fingerprint.ts";
import { MailRefused, MailUnreachable } from "../core/mail/transports/transport.ts";
import { ValuesTaken } from "../features/administration/errors.ts";
import { isBusy } from "../platform/database/dialect.ts";
import { DatabaseTooNew } from "../platform/database/migrate.ts";
import { ApiError, FieldsInvalid } from "../platform/http/errors.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { visible } from "./visible.ts";

export interface Explained {
  readonly message: string;
  readonly exitCode: number;
}

export function explain(error: unknown): Explained {
  if (error instanceof CommandFailed) return error;
  if (error instanceof FieldsInvalid) return explainFields(error);
  if (error instanceof ApiError) return explainApi(error);
  const message = visible(error instanceof Error ? error.message : String(error));
  return { message, exitCode: exitCodeOf(error) };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof SecretMismatch || error instanceof DatabaseTooNew) return exitCodes.configuration;
  const isPassing = isBusy(error) || error instanceof MailRefused || error instanceof MailUnreachable;
  return isPassing ? exitCodes.temporary : exitCodes.unexpected;
}

function explainFields(error: FieldsInvalid): Explained {
  const lines = Object.entries(error.fields("en")).flatMap(([name, sentences]) =>
    sentences.map((sentence) => `${name}: ${visible(sentence)}`),
  );
  const exitCode = error instanceof ValuesTaken ? exitCodes.conflict : exitCodes.invalid;
  return { message: lines.join("\n  "), exitCode };
}

function explainApi(error: ApiError): Explained {
  const byStatus: Readonly<Record<number, number>> = {
    403: exitCodes.notAllowed,
    404: exitCodes.notFound,
    503: exitCodes.temporary,
  };
  return { message: error.sentence.en, exitCode: byStatus[error.status] ?? exitCodes.unexpected };
}
