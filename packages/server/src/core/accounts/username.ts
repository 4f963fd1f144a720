/** Usernames, and other values that only one account can have. */

import type { FieldErrors } from "../../platform/http/errors.ts";
import { type Field, text } from "../../platform/http/fields.ts";
import { type Sentence, sentence } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import { accountsIn, canonicalUsername, toColumns } from "./accounts.ts";
import { storedFields } from "./fields.ts";
import { isUsername } from "./username-characters.ts";

export const usernameTaken = sentence(
  "A user with that username already exists.",
  "Já existe um usuário com esse nome de usuário.",
);

export const emailTaken = sentence(
  "user with this email already exists.",
  "Já existe um usuário com este e-mail.",
);

const takenValue: Sentence = sentence("This field must be unique.", "Este campo deve ser único.");

/**
 * Letters and digits of any script and `@ . + - _`, 150 at the most; given back in NFKC, which may be longer (one ligature
 * stands for three words and the spaces between), and then has to fit too.
 */
export function usernameField(): Field<string> {
  const typed = usernameText();
  const folded = text({ maxLength });
  return {
    ...typed,
    check: (value) => {
      const checked = typed.check(value);
      return "problems" in checked ? checked : folded.check(checked.value.normalize("NFKC"));
    },
  };
}

const maxLength = 150;

function usernameText(): Field<string> {
  return text({
    maxLength,
    pattern: {
      test: isUsername,
      sentence: sentence(
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
        "Informe um nome de usuário válido. Ele pode ter apenas letras, números e os caracteres @/./+/-/_.",
      ),
    },
  });
}

/** Adds a sentence to every value that another account has already; usernames are public, so this may be said. */
export async function addTakenErrors(
  ctx: Context,
  values: Readonly<Record<string, unknown>>,
  errors: FieldErrors,
  ownId?: string,
): Promise<void> {
  if (typeof values.username === "string") {
    const canonical = canonicalUsername(values.username);
    if (await isTaken(ctx, "username_canonical", canonical, ownId)) errors.username = [usernameTaken];
  }
  const columns = toColumns(ctx, values);
  for (const [name, field] of storedFields(ctx.additions.fields)) {
    const value = field.unique ? columns[name] : undefined;
    if (value === undefined || value === null) continue;
    if (await isTaken(ctx, name, value, ownId)) errors[name] = [takenValue];
  }
}

async function isTaken(
  ctx: Context,
  column: string,
  value: unknown,
  ownId: string | undefined,
): Promise<boolean> {
  let query = accountsIn(ctx)
    .selectFrom("accounts")
    .select("id")
    .where(ctx.db.dynamic.ref(column), "=", value as string);
  if (ownId) query = query.where("id", "!=", ownId);
  return (await query.executeTakeFirst()) !== undefined;
}

/** What a lost race for a unique value means to the caller: the sentence of the column that the index names. */
export function takenErrors(columns: readonly string[]): FieldErrors {
  return Object.fromEntries(columns.map((column) => takenByColumn[column] ?? [column, [takenValue]]));
}

const takenByColumn: Readonly<Record<string, [string, Sentence[]]>> = {
  email_canonical: ["email", [emailTaken]],
  username_canonical: ["username", [usernameTaken]],
};
