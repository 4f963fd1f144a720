/** What an operator may say of a new account: the rules of registration, and the fields that users may not write. */

import type { Account } from "../../core/accounts/accounts.ts";
import { asInput, storedFields } from "../../core/accounts/fields.ts";
import { usernameField } from "../../core/accounts/username.ts";
import type { Context } from "../../core/context.ts";
import { findPasswordErrors, ownerOf } from "../../core/passwords/passwords.ts";
import { passwordMaxLength } from "../../core/passwords/policy.ts";
import { email, password } from "../../platform/http/fields.ts";
import { type Form, form, readForm } from "../../platform/http/form.ts";

export interface NewUser {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  /** The declared fields that were said. */
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Body extends Readonly<Record<string, unknown>> {
  readonly email: string;
  readonly username: string;
  readonly password: string;
}

/** The new account that the values make. Throws FieldsInvalid with everything that is wrong with them. */
export async function readNewUser(ctx: Context, data: Readonly<Record<string, unknown>>): Promise<NewUser> {
  const { email, username, password, ...fields } = await readForm(
    ctx,
    newUserForm(ctx),
    { kind: "dict", data },
    undefined,
  );
  return { email, username, password, fields };
}

/** Refuses what will not do beside the password, whatever that is going to be. Throws FieldsInvalid, with all of it. */
export async function checkNewUser(ctx: Context, data: Readonly<Record<string, unknown>>): Promise<void> {
  const { password: _, ...fields } = newUserForm(ctx).fields;
  await readForm(ctx, { fields }, { kind: "dict", data }, undefined);
}

/** A password that will do for the account. Throws FieldsInvalid with everything that is wrong with it. */
export async function readNewPassword(ctx: Context, account: Account, given: string): Promise<string> {
  const passwordForm: Form<Context, { readonly password: string }> = form(
    { password: password(passwordMaxLength) },
    { cross: (ctx: Context, body) => findPasswordErrors(ctx, "password", body.password, ownerOf(account)) },
  );
  const data = { password: given };
  return (await readForm(ctx, passwordForm, { kind: "dict", data }, undefined)).password;
}

function newUserForm({ additions }: Context): Form<Context, Body> {
  const declared = storedFields(additions.fields).map(([name, field]) => [name, asInput(field)] as const);
  return {
    fields: {
      email: email(),
      username: usernameField(),
      password: password(passwordMaxLength),
      ...Object.fromEntries(declared),
    },
    cross: (ctx, body) =>
      findPasswordErrors(ctx, "password", body.password, {
        email: body.email,
        username: body.username,
        firstName: textOf(body.first_name),
        lastName: textOf(body.last_name),
      }),
  };
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "");
