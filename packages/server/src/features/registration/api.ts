import { anyone } from "../../core/access/access.ts";
import { findAccountByEmail } from "../../core/accounts/accounts.ts";
import { asInput, writableFields } from "../../core/accounts/fields.ts";
import { addTakenErrors, emailTaken, usernameField } from "../../core/accounts/username.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { guessesByEmail } from "../../core/limits/guesses.ts";
import { perAddress } from "../../core/limits/limits.ts";
import { findMismatch, findPasswordErrors } from "../../core/passwords/passwords.ts";
import { passwordMaxLength } from "../../core/passwords/policy.ts";
import { minutes } from "../../platform/duration.ts";
import { emailMaxLength } from "../../platform/http/email-address.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { type FieldErrors, FieldsInvalid } from "../../platform/http/errors.ts";
import { email, password } from "../../platform/http/fields.ts";
import type { Form } from "../../platform/http/form.ts";
import { askForVerification } from "../email-verification/flow.ts";
import { isOwnPendingRegistration, register } from "./flow.ts";
import { sentences } from "./texts.ts";

export interface RegistrationBody extends Readonly<Record<string, unknown>> {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly password2: string;
}

export const registerEndpoint = endpoint({
  method: "post",
  path: "/api/auth/register/",
  summary: "Create an account",
  description: "Answers alike whether the address is known or not; its owner learns by mail. Sends mail.",
  access: anyone,
  limit: [perAddress("register", (config) => config.limits.register)],
  body: registrationForm,
  status: 201,
  reply: detailReply,
  errors: [FieldsInvalid],
  handle: async (ctx, { body }) => {
    const { email, username, password, password2: _, ...fields } = body;
    await register(ctx, { email, username, password, fields });
    await askForVerification(ctx, email);
    return { detail: sentences.registered[ctx.request.language] };
  },
});

function registrationForm(system: Context): Form<Context, RegistrationBody> {
  const declared = writableFields(system.additions.fields).map(
    ([name, field]) => [name, asInput(field, { required: field.required ?? false })] as const,
  );
  return {
    fields: {
      email: email({ maxLength: emailMaxLength }),
      username: usernameField(),
      password: password(passwordMaxLength),
      password2: password(passwordMaxLength),
      ...Object.fromEntries(declared),
    },
    lookUp: findTaken,
    cross: (ctx, body) =>
      findMismatch("password", body.password, body.password2) ??
      findPasswordErrors(ctx, "password", body.password, {
        email: body.email,
        username: body.username,
        firstName: textOf(body.first_name),
        lastName: textOf(body.last_name),
      }),
  };
}

/** Whose username it is shows only to who knows the password, so asking is a guess at it, and counted as one. */
const ownGuesses = guessesByEmail({ name: "register", most: 10, within: minutes(15) }, "email");

const textOf = (value: unknown) => (typeof value === "string" ? value : "");

async function findTaken(ctx: Context, body: Partial<RegistrationBody>, errors: FieldErrors): Promise<void> {
  const { email, username, password } = body;
  const wasComplete = Object.keys(errors).length === 0;
  await addTakenErrors(ctx, body, errors);
  if (ctx.config.revealAccounts && email !== undefined && (await findAccountByEmail(ctx, email))) {
    errors.email = [emailTaken];
  }
  // The same form sent twice is no conflict: the username is taken by this very registration.
  const mayBeOwn = wasComplete && errors.username && Object.keys(errors).length === 1;
  if (mayBeOwn && email !== undefined && username !== undefined && password !== undefined) {
    const settle = await ownGuesses.take(ctx, { caller: undefined, body: { email } });
    let isOwn = false;
    try {
      isOwn = await isOwnPendingRegistration(ctx, { email, username, password });
    } finally {
      await settle?.(!isOwn);
    }
    if (isOwn) delete errors.username;
  }
}
